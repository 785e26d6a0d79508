"""Moments as Admin writes them, to the second; static/staff/staff.js shows them in the reader's own zone.

Pages write them shorter.
"""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = r"Y-m-d H:i:s \U\T\C"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i"
