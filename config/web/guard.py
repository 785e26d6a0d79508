"""A thread in each web process that sees when nothing runs in the background any more, and tells of it itself.

Who sends messages otherwise are the workers, who then may be the ones that are gone.
"""

import logging
import threading
from datetime import timedelta

from django.db import Error, connection

from platforms.alerts import messages
from platforms.health import notices, watchdog
from platforms.models import NoticeMessage
from platforms.work.models import run_due

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
SENDING_SECONDS = 20.0


def begin() -> threading.Event:
    """Let it look now and then, until the event that is given back is set."""
    over = threading.Event()
    threading.Thread(target=_look_for_ever, args=(over,), name="guard", daemon=True).start()
    return over


def look() -> None:
    notices.expect_watch()
    watchdog.watch_machine()
    if notices.is_watch_silent():
        messages.announce()
        run_due(NoticeMessage, seconds=SENDING_SECONDS)


def _look_for_ever(over: threading.Event) -> None:
    while not over.wait(EVERY.total_seconds()):
        try:
            look()
        except Error as error:
            logger.warning("guard_missed error=%s", type(error).__name__)
        except Exception:
            logger.exception("guard_failed")
        finally:
            connection.close()
