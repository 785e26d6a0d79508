import logging

from celery import shared_task

from meetings import lifecycle, reconcile

logger = logging.getLogger(__name__)


@shared_task
def check_presence() -> None:
    """Ask the platforms who is in, where it is time to."""
    for summary in reconcile.reconcile():
        if summary.corrected:
            logger.info("presence_corrected %s", summary)


@shared_task
def review_meetings() -> None:
    """Close meetings that are over and extend those that go on."""
    lifecycle.review_all()
