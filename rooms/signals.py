from django.dispatch import Signal

# Sent with `moves`, records of rooms' history, in the transaction that writes them: of rows made in bulk nobody hears
# otherwise.
platforms_changed = Signal()
