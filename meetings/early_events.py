"""Events that came before their meeting was known here, as when the answer that names it was late.

An event of a room that nobody knows rests soon, as most are of another installation on the same account. What brings it
back is a meeting that has become known since, never the clock alone.
"""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from meetings.models import Meeting, room_key
from platforms.models import WebhookEvent

LOOK_BACK = timedelta(hours=1)  # that an event and its meeting lie apart at most


def look_again() -> int:
    """Have events applied whose meeting has become known. How many there were."""
    since = timezone.now() - LOOK_BACK
    new = Meeting.objects.known_to_provider().filter(platform=OuterRef("platform"), start_date__gt=since)
    by_room = new.filter(room_key=room_key(OuterRef("room_name")))
    by_id = new.filter(~Q(provider_meeting_id=""), provider_meeting_id=OuterRef("meeting_id"))
    resting = WebhookEvent.objects.filter(state=WebhookEvent.State.UNMATCHED, next_attempt_at__gt=since)
    found = resting.filter(~Q(room_name="") & Exists(by_room) | Exists(by_id)).run_again()
    if found:
        WebhookEvent.enqueue()
    return found
