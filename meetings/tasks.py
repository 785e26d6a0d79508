import logging

from celery import shared_task

from meetings import early_events, failures, lifecycle, reconcile, scheduled

logger = logging.getLogger(__name__)


@shared_task
def check_presence() -> None:
    """Ask the platforms who is in, where it is time to."""
    for summary in reconcile.reconcile():
        if summary.corrected:
            logger.info("presence_corrected %s", summary)


@shared_task
def review_meetings() -> None:
    """Close meetings that are over and extend those that go on; see what was found and what works again."""
    early_events.look_again()
    lifecycle.review_all()
    failures.resolve()


@shared_task
def open_scheduled_meetings() -> None:
    """Open the meetings that calendars have for now, each by a task of its own, and follow events that were moved."""
    for event_id in scheduled.due_events():
        open_scheduled_meeting.apply_async((str(event_id),), expires=30)
    scheduled.follow_events()


@shared_task
def open_scheduled_meeting(event_id: str) -> None:
    scheduled.open_for(event_id)
