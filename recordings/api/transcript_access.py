"""Who may see which transcript, and who may change it. Staff have no more rights here than others."""

from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from recordings.models import Transcript
from rooms.api.views import as_uuid

NO_TRANSCRIPT = "Transcript not found"
DENIED = "Transcript access denied"
NOT_OWNER = "Not authorized, or transcript access denied"

ShareMode = Transcript.ShareMode


class SignedInOrPublicMode(BasePermission):
    """In public mode everybody may read, and make transcripts that belong to nobody; else people sign in first."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated or settings.PUBLIC_MODE)


def readable_by(user: Any) -> Q:
    """The rule by which somebody who has the id may read, as a condition."""
    rule = Q(user__isnull=True) | Q(share_mode=ShareMode.PUBLIC)
    if user.is_authenticated:
        rule |= Q(user=user) | Q(share_mode=ShareMode.SEMI_PRIVATE)
    return rule


def listed_for(user: Any, deleted: bool = False) -> QuerySet[Transcript]:
    """What lists and the search show: one's own, and of shared rooms what one may read.

    With `deleted`, one's own deleted ones as well.
    """
    shared = Q(room__is_shared=True) & readable_by(user)
    visible = (shared | Q(user=user)) if user.is_authenticated else shared
    there = Q(deleted_at__isnull=True)
    if deleted and user.is_authenticated:
        there |= Q(user=user)
    return transcripts().filter(visible & there)


def transcripts() -> QuerySet[Transcript]:
    return Transcript.objects.select_related("room", "recording")


def find_transcript(user: Any, transcript_id: str) -> Transcript:
    """Raises NotFound for one that is missing or deleted, PermissionDenied for one that this person may not read."""
    transcript = transcripts().filter(pk=as_uuid(transcript_id, NO_TRANSCRIPT), deleted_at__isnull=True).first()
    if transcript is None:
        raise NotFound(NO_TRANSCRIPT)
    if not may_read(user, transcript):
        raise PermissionDenied(DENIED)
    return transcript


def may_read(user: Any, transcript: Transcript) -> bool:
    if transcript.user_id is None or transcript.share_mode == ShareMode.PUBLIC:
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
    if transcript.user_id is not None:
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
