"""A transcript to read, to listen to and to download."""

import re
import uuid
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework import exceptions

from recordings.api.transcripts.media import audio_if_any
from recordings.models import Recording, Transcript
from recordings.pages.clock import as_words
from recordings.pages.progress import Progress, may_retry, progress_of, retry_helps, with_fate
from recordings.pages.transcript.access import refuse
from recordings.pages.transcript.again import offer
from recordings.pages.transcript.lines import LONGEST_QUERY, in_order, parts_of
from recordings.pages.transcript.voices import colours_of, people_of, voices_of
from recordings.transcripts import files, search
from recordings.transcripts.access import find_deleted, find_transcript, is_owner
from recordings.transcripts.formats import speaker_names

Status = Transcript.Status

SHARING = [
    (Transcript.ShareMode.PRIVATE, gettext_lazy("Only me"), gettext_lazy("Nobody else can open this page.")),
    (
        Transcript.ShareMode.SEMI_PRIVATE,
        gettext_lazy("Whoever is logged in"),
        gettext_lazy("Everybody with an account here who has the link."),
    ),
    (Transcript.ShareMode.PUBLIC, gettext_lazy("Anyone with the link"), gettext_lazy("No account is needed.")),
]
SPEEDS = (0.75, 1, 1.25, 1.5, 1.75, 2)
WAITING = {
    Status.IDLE: Progress(gettext_lazy("Waiting for its recording"), "warn", True),
    Status.UPLOADED: Progress(gettext_lazy("Checking"), "warn", True),
    Status.RECORDING: Progress(gettext_lazy("Being recorded"), "warn", True),
    Status.PROCESSING: Progress(gettext_lazy("Transcribing"), "warn", True),
    Status.ERROR: Progress(gettext_lazy("Failed"), "danger"),
}


@require_safe
@never_cache
def transcript_page(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    try:
        transcript = find_transcript(request.user, str(transcript_id))
    except exceptions.NotFound:
        return trash_page(request, transcript_id)
    except exceptions.PermissionDenied as error:
        return refuse(request, error)
    context = about(request, transcript) | said(request, transcript) | progress(request, transcript)
    return render(request, "recordings/transcript.html", context)


@require_safe
@never_cache
def download(request: HttpRequest, transcript_id: uuid.UUID, ending: str) -> HttpResponse:
    if ending not in files.ENDINGS:
        raise Http404
    try:
        transcript = find_transcript(request.user, str(transcript_id))
    except (exceptions.NotFound, exceptions.PermissionDenied) as error:
        return refuse(request, error)
    file = files.file_of(transcript, ending)
    headers = {"Content-Disposition": content_disposition_header(as_attachment=True, filename=file.name) or ""}
    return HttpResponse(file.content, content_type=file.content_type, headers=headers)


def trash_page(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    """Its owner can take it out again; to all others there is no such page."""
    if not request.user.is_authenticated:
        raise Http404
    try:
        transcript = find_deleted(request.user, str(transcript_id))
    except (exceptions.NotFound, exceptions.PermissionDenied) as error:
        raise Http404 from error
    context = {"transcript": transcript, "trash_days": settings.TRASH_DAYS}
    return render(request, "recordings/transcript_in_trash.html", context)


# What the page shows


def about(request: HttpRequest, transcript: Transcript) -> dict[str, Any]:
    room = transcript.room
    return {
        "transcript": transcript,
        "title": str(transcript),
        "room": room if room and (room.is_shared or room.is_visible_to(request.user)) else None,
        "duration": as_words(transcript.duration),
        "is_own": is_owner(request.user, transcript),
        "is_ready": transcript.status == Status.ENDED,
        "trash_days": settings.TRASH_DAYS,
        "download_endings": [(ending, kind.label) for ending, kind in files.ENDINGS.items()],
        "sharing": SHARING,
        "corrections": transcript.corrections.count() if is_owner(request.user, transcript) else 0,
        "file_name": files.name_of(transcript),
        "speeds": SPEEDS,
    }


def said(request: HttpRequest, transcript: Transcript) -> dict[str, Any]:
    names = speaker_names(transcript)
    stretches = list(in_order(transcript).values_list("start", "end", "speaker"))
    query = search.Query.parse(request.GET.get("q", "")[:LONGEST_QUERY])
    starts = [start for start, _, _ in stretches]
    return {
        "parts": parts_of(transcript, starts, names, query, wanted_line(request)),
        "query": request.GET.get("q", "")[:LONGEST_QUERY],
        "voices": voices_of(stretches, names),
        "people": people_of(transcript, names) if is_owner(request.user, transcript) else [],
        "has_audio": bool(audio_if_any(transcript)),
        "colours": colours_of(stretches, transcript.duration),
    }


def wanted_line(request: HttpRequest) -> int:
    """With which a link wants the page to begin; the first one for what is no number."""
    text = request.GET.get("line", "")
    return int(text) if re.fullmatch("[0-9]{1,7}", text) else 0


def progress(request: HttpRequest, transcript: Transcript) -> dict[str, Any]:
    """Why something failed or was deleted, and trying again, are for those who may see the recording."""
    shown: dict[str, Any] = {
        "progress": WAITING.get(Status(transcript.status)),
        "audio_is_gone": transcript.audio_deleted,
    }
    recording_id = transcript.recording_id
    if recording_id is None:
        return shown
    recordings = Recording.objects.select_related("transcript", "meeting__room").prefetch_related("tracks")
    recording: Any = with_fate(recordings).get(pk=recording_id)
    if transcript.status != Status.ENDED:
        shown["progress"] = progress_of(recording)
    shown["audio_is_going"], shown["audio_is_left"] = recording.being_deleted, recording.is_left
    shown["audio_in_trash"] = recording.deleted_at
    shown["again"] = offer(transcript, recording) if is_owner(request.user, transcript) else {}
    user = request.user
    if user.is_authenticated and Recording.objects.visible_to(user).filter(pk=recording.pk).exists():
        shown["sees_why"], shown["was_refused"] = True, recording.was_refused
        shown["left_why"] = recording.error
        shown["retry"] = recording.pk if retry_helps(recording) and may_retry(user, recording) else ""
    return shown
