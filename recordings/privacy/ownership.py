"""Whose rooms, transcripts and recordings are, when an account goes: somebody else's, or deleted. Never everybody's."""

import logging
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from meetings.models import Meeting
from recordings.models import Recording, Transcript
from recordings.privacy import deletion
from rooms.models import Room

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Belongings:
    """What one person has. `untold` are recordings that have no transcript yet and are not about to be deleted."""

    rooms: QuerySet[Room]
    transcripts: QuerySet[Transcript]
    meetings: QuerySet[Meeting]  # of rooms that are deleted
    untold: QuerySet[Recording]

    def exist(self) -> bool:
        return self.rooms.exists() or self.transcripts.exists() or self.untold.exists()


def belongings_of(user: Any) -> Belongings:
    untold = Recording.objects.not_being_deleted().filter(transcript=None).exclude(state=Recording.State.DELETED)
    recorded = Q(meeting__room__owner=user) | Q(meeting__last_owner=user)
    return Belongings(
        rooms=Room.objects.filter(owner=user),
        transcripts=Transcript.objects.filter(user=user),
        meetings=Meeting.objects.filter(last_owner=user, room=None),
        untold=untold.filter(recorded),
    )


def hand_over(user: Any, heir: Any) -> None:
    """All that is one person's is another's from now on, what rests in the trash as well."""
    with transaction.atomic():
        found = belongings_of(user)
        for transcript in found.transcripts.select_for_update():
            transcript.user = heir
            transcript.touch()
        found.meetings.update(last_owner=heir)
        found.rooms.update(owner=heir)
    logger.info("belongings_handed_over from=%s to=%s", user.pk, heir.pk)


def destroy(user: Any) -> None:
    """Delete all that is one person's for good: rooms, transcripts, and what was recorded, in every place."""
    with transaction.atomic():
        found = belongings_of(user)
        for recording in found.untold:
            deletion.delete_everywhere(recording)
        for transcript in found.transcripts.select_for_update():  # all of them before the first change
            if transcript.deleted_at is None:
                deletion.trash(transcript)
            deletion.destroy(transcript)
        for room in found.rooms:
            room.delete()
        found.meetings.update(last_owner=None)
    logger.info("belongings_destroyed of=%s", user.pk)
