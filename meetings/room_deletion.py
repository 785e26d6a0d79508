"""What a room's deletion means for its meetings, wherever it is deleted: through the API, in Admin, in a shell."""

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from meetings.models import Meeting
from meetings.opening import end_meeting
from rooms.models import Room


@receiver(pre_delete, sender=Room)
def end_meetings(instance: Room, **kwargs: Any) -> None:
    """Else the provider's rooms would stay open to everyone who has a link, and nobody could close them."""
    meetings = Meeting.objects.filter(room=instance)
    for meeting in meetings.live():
        end_meeting(meeting)
    # What is still to be recorded or transcribed belongs to somebody all the same.
    meetings.update(last_owner=instance.owner_id)
    # An opening under way finds that it lost its place.
    meetings.filter(state=Meeting.State.OPENING).update(
        state=Meeting.State.FAILED, error="The room was deleted while the meeting opened."
    )
