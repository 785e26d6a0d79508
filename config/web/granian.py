"""`python -m config.web.granian`: Granian, which forks its processes from one that has loaded the product already.

So it is in memory once, not once for each, and the first of them answers that much sooner.
"""

from granian.cli import entrypoint

from config.loading import load_web
from config.processes import share

if __name__ == "__main__":
    load_web()
    share()
    entrypoint()  # type: ignore[no-untyped-call]
