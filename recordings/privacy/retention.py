"""How long recordings and deleted transcripts are kept: days per room, and a while in the trash before the end.

A recording whose time is over takes its audio and video along; what was said in it stays.
"""

import logging
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from recordings.models import Recording, Transcript
from recordings.privacy import deletion, uploads
from rooms.models import Room

logger = logging.getLogger(__name__)


@dataclass
class Pruned:
    """How many of each; with a dry run, how many there would be."""

    recordings_trashed: int = 0
    transcripts_destroyed: int = 0
    recordings_deleted: int = 0
    uploads_removed: int = 0

    def __str__(self) -> str:
        return " ".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self))


def prune(dry_run: bool = False) -> Pruned:
    now = timezone.now()
    expired, destroyed, deleted = expired_recordings(now), old_trash(now), trashed_recordings(now)
    pruned = Pruned(expired.count(), destroyed.count(), deleted.count(), uploads.forget_abandoned(dry_run))
    if dry_run:
        return pruned
    pruned.transcripts_destroyed = sum(deletion.destroy(transcript) for transcript in destroyed.iterator())
    for recording in trashed_recordings(now).iterator():
        deletion.delete_everywhere(recording)
    expired.update(deleted_at=now)
    logger.info("recordings_pruned %s", pruned)
    return pruned


def expired_recordings(now: datetime) -> QuerySet[Recording]:
    """Those that are older than their room keeps them, and are not in the trash yet."""
    found = Q(pk__in=())
    for days, whose in _periods():
        if days:
            found |= whose & Q(age_from__lte=now - timedelta(days=days))
    aged = Recording.objects.alias(age_from=Coalesce("restored_at", "recorded_at", "created_at"))
    return aged.filter(found, deleted_at__isnull=True).exclude(state=Recording.State.DELETED)


def old_trash(now: datetime) -> QuerySet[Transcript]:
    return Transcript.objects.filter(deleted_at__lte=_trash_begins(now))


def trashed_recordings(now: datetime) -> QuerySet[Recording]:
    """Those whose time in the trash is over, and whose deletion is not asked for yet."""
    there = Recording.objects.exclude(state=Recording.State.DELETED)
    return there.not_being_deleted().filter(deleted_at__lte=_trash_begins(now))


def _trash_begins(now: datetime) -> datetime:
    return now - timedelta(days=settings.TRASH_DAYS)


def _periods() -> list[tuple[int, Q]]:
    """Days, and the recordings that are kept for so long; 0 is for ever."""
    days = "meeting__room__recording_retention_days"
    own = Room.objects.exclude(recording_retention_days=None).values_list("recording_retention_days", flat=True)
    default: tuple[int, Q] = (settings.RECORDING_RETENTION_DAYS, Q(**{f"{days}__isnull": True}))
    return [default, *((number or 0, Q(**{days: number})) for number in own.distinct().order_by())]
