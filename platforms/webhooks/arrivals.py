"""What staff see of the webhooks of each platform: when the last one came, and how long the oldest has waited."""

from datetime import datetime

from django.db.models import Min, Q

from platforms.health.pulse import pulse
from platforms.health.states import make_row
from platforms.models import PlatformState, WebhookEvent
from platforms.work.models import Job

_latest: dict[str, datetime] = {}  # of those that this process took


def note(platform: str, at: datetime) -> None:
    """Costs the request nothing: it is written down in a moment."""
    _latest[platform] = at
    pulse.note_call(looks_first=False)


@pulse.part
def write_down(is_last: bool) -> None:
    for platform in list(_latest):
        at = _latest.pop(platform)
        make_row(platform)
        PlatformState.objects.filter(pk=platform).exclude(last_event_at__gte=at).update(last_event_at=at)


def oldest_unprocessed() -> dict[str, datetime]:
    """By platform, when the oldest event arrived that no worker has seen to yet: not what is tried again."""
    is_new = Q(state=Job.State.WAITING, attempts=0) | Q(state=Job.State.RUNNING, attempts=1)
    waiting = WebhookEvent.objects.filter(is_new)
    return dict(waiting.values_list("platform").annotate(Min("received_at")))
