"""Who may see which transcript, and who may change it. Staff have no more rights here than others."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from rest_framework.exceptions import ErrorDetail, NotFound, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from platforms.listing import NEWEST_FIRST, Kept, Listing
from recordings.models import Recording, Transcript
from rooms.api.views import as_uuid
from rooms.models import Room

NO_TRANSCRIPT = ErrorDetail("Transcript not found", "transcript_not_found")
DENIED = ErrorDetail("Transcript access denied", "transcript_access_denied")
# What lists show of what belongs to a transcript; the rest of it is not even read.
LISTED = {
    "room": {"id", "name", "title"},
    "recording": {"id", "meeting", "state", "has_video", "duration", "recorded_at"},
    "video": {"id", "state", "has_video", "duration"},
}
NOT_OWNER = "Not authorized, or transcript access denied"

ShareMode = Transcript.ShareMode


class IsAuthenticatedOrPublicMode(BasePermission):
    """In public mode everybody may read, and make transcripts that belong to nobody; else people sign in first."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated or settings.PUBLIC_MODE)


def readable_by_all() -> Q:
    """The rule by which somebody who has the id may read, as a condition."""
    return Q(is_everybodys=True) | Q(share_mode=ShareMode.PUBLIC)


def readable_by_person(user_id: int) -> Q:
    """The same for somebody who is signed in."""
    return readable_by_all() | Q(user=user_id) | Q(share_mode=ShareMode.SEMI_PRIVATE)


def listed_for(user: Any, deleted: bool = False) -> Listing[Transcript]:
    """What lists and the search show: one's own, and of shared rooms what one may read.

    With `deleted`, what one has in the trash instead, last deleted first.
    """
    if deleted:
        trashed = Transcript.objects.filter(user=user, deleted_at__isnull=False)
        return Listing(listed(), [trashed], ("-deleted_at", "-id"))
    if user.is_authenticated:
        return _OF_PERSON.of(user_id=user.pk)
    return Listing(listed(), [_there().filter(readable_by_all(), _of_shared_rooms())], NEWEST_FIRST)


def _of_person(user_id: int) -> Listing[Transcript]:
    shared = _there().filter(readable_by_person(user_id), _of_shared_rooms())
    return Listing(listed(), [_there().filter(user=user_id), shared.exclude(user=user_id)], NEWEST_FIRST)


_OF_PERSON = Kept(_of_person, user_id=lambda: (get_user_model()._meta.pk, -7))


def _there() -> QuerySet[Transcript]:
    return Transcript.objects.filter(deleted_at__isnull=True)


def _of_shared_rooms() -> Any:
    """A condition on transcripts alone on PostgreSQL, whose triggers keep the column true: see migration 0031."""
    if connection.vendor != "postgresql":
        return Q(room__is_shared=True)
    return RawSQL("in_shared_room", [], BooleanField())


def listed() -> QuerySet[Transcript]:
    return transcripts().defer("voices", *_not_listed())


def transcripts() -> QuerySet[Transcript]:
    return Transcript.objects.select_related("room", "recording", "video").defer("waveform")


@cache
def _not_listed() -> tuple[str, ...]:
    related = {"room": Room, "recording": Recording, "video": Recording}
    return tuple(
        f"{name}__{field.name}"
        for name, shown in LISTED.items()
        for field in related[name]._meta.concrete_fields
        if field.name not in shown
    )


def find_transcript(user: Any, transcript_id: str) -> Transcript:
    """Raises NotFound for one that is missing or deleted, PermissionDenied for one that this person may not read."""
    transcript = transcripts().filter(pk=as_uuid(transcript_id, NO_TRANSCRIPT), deleted_at__isnull=True).first()
    if transcript is None:
        raise NotFound(NO_TRANSCRIPT)
    if not may_read(user, transcript):
        raise PermissionDenied(DENIED)
    return transcript


def may_read(user: Any, transcript: Transcript) -> bool:
    if transcript.is_everybodys or transcript.share_mode == ShareMode.PUBLIC:
        return True
    return is_owner(user, transcript) or (user.is_authenticated and transcript.share_mode == ShareMode.SEMI_PRIVATE)


def is_owner(user: Any, transcript: Transcript) -> bool:
    return bool(user.is_authenticated and user.pk == transcript.user_id)


def find_own(user: Any, transcript_id: str, lock: bool = False) -> Transcript:
    """For changes by its owner. `lock` it, in a transaction, so that changes made at once do not undo each other."""
    transcript = find_transcript(user, transcript_id)
    require_owner(user, transcript)
    return locked(transcript) if lock else transcript


def find_changeable(user: Any, transcript_id: str) -> Transcript:
    """For what whoever made it may do, signed in or not."""
    transcript = find_transcript(user, transcript_id)
    if not transcript.is_everybodys:
        require_owner(user, transcript)
    return transcript


def find_deleted(user: Any, transcript_id: str) -> Transcript:
    """One of one's own, deleted or not; that of others is as strange as ever."""
    transcript = transcripts().filter(pk=as_uuid(transcript_id, NO_TRANSCRIPT)).first()
    if transcript is None or (transcript.deleted_at and not is_owner(user, transcript)):
        raise NotFound(NO_TRANSCRIPT)
    if not may_read(user, transcript):
        raise PermissionDenied(DENIED)
    require_owner(user, transcript)
    return transcript


def require_owner(user: Any, transcript: Transcript) -> None:
    if not is_owner(user, transcript):
        raise PermissionDenied("Not authorized")


def locked(transcript: Transcript) -> Transcript:
    found = Transcript.objects.select_for_update().filter(pk=transcript.pk).first()
    if found is None:
        raise NotFound(NO_TRANSCRIPT)
    return found
