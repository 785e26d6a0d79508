"""A transcript to read, to listen to and to download. Who may read it is the API's rule."""

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework import exceptions

from recordings import search
from recordings.api.recording_views import visible_to
from recordings.api.transcript_access import find_deleted, find_transcript, is_owner
from recordings.api.transcript_media import audio_if_any
from recordings.api.transcript_views import formatted
from recordings.models import Recording, Segment, Transcript
from recordings.pages.clock import as_clock, as_words
from recordings.pages.progress import Progress, may_retry, progress_of, retry_helps, with_fate
from recordings.pages.search import Piece, marked
from recordings.transcripts import name_of, speaker_names, turns

Status = Transcript.Status

# ending -> the format's name in the API, and what the file is
FORMATS = {
    "txt": ("text-timestamped", "text/plain; charset=utf-8"),
    "vtt": ("webvtt-named", "text/vtt; charset=utf-8"),
    "json": ("json", "application/json"),
}
WAITING = {
    Status.IDLE: Progress("Waiting for its recording", "warn", True),
    Status.UPLOADED: Progress("Checking", "warn", True),
    Status.RECORDING: Progress("Being recorded", "warn", True),
    Status.PROCESSING: Progress("Transcribing", "warn", True),
    Status.ERROR: Progress("Failed", "danger"),
}


@dataclass(frozen=True)
class Line:
    number: int  # as the search counts them
    start: float
    end: float
    clock: str
    pieces: list[Piece]


@dataclass(frozen=True)
class Turn:
    speaker: str
    lines: list[Line]


@require_safe
@never_cache
def transcript_page(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    try:
        transcript = find_transcript(request.user, str(transcript_id))
    except exceptions.NotFound:
        return trash_page(request, transcript_id)
    except exceptions.PermissionDenied:
        return refuse(request)
    context = about(request, transcript) | said(request, transcript) | progress(request, transcript)
    return render(request, "recordings/transcript.html", context)


@require_safe
@never_cache
def download(request: HttpRequest, transcript_id: uuid.UUID, ending: str) -> HttpResponse:
    if ending not in FORMATS:
        raise Http404
    try:
        transcript = find_transcript(request.user, str(transcript_id))
    except exceptions.NotFound as error:
        raise Http404 from error
    except exceptions.PermissionDenied:
        return refuse(request)
    name, content_type = FORMATS[ending]
    content = formatted(transcript, name)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": f'attachment; filename="transcript-{transcript.pk}.{ending}"'}
    return HttpResponse(text, content_type=content_type, headers=headers)


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


def refuse(request: HttpRequest) -> HttpResponse:
    """Somebody who is not signed in may be the one who may read it."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    raise PermissionDenied


# What the page shows


def about(request: HttpRequest, transcript: Transcript) -> dict[str, Any]:
    room = transcript.room
    return {
        "transcript": transcript,
        "title": str(transcript),
        "room": room if room and (room.is_shared or room.is_managed_by(request.user)) else None,
        "duration": as_words(transcript.duration),
        "is_own": is_owner(request.user, transcript),
        "is_ready": transcript.status == Status.ENDED,
        "trash_days": settings.TRASH_DAYS,
        "download_endings": [("txt", "Text"), ("vtt", "WebVTT"), ("json", "JSON")],
    }


def said(request: HttpRequest, transcript: Transcript) -> dict[str, Any]:
    segments, names = list(transcript.segments.all()), speaker_names(transcript)
    query = search.Query.parse(request.GET.get("q", "")[:1000])
    return {
        "turns": turns_of(segments, names, query),
        "voices": voices_of(segments, names),
        "has_audio": bool(audio_if_any(transcript)),
    }


def turns_of(segments: Sequence[Segment], names: dict[int, str], query: search.Query) -> list[Turn]:
    numbers = {segment.pk: number for number, segment in enumerate(sorted(segments, key=lambda s: s.pk))}
    return [
        Turn(
            name_of(turn[0].speaker, names),
            [Line(numbers[s.pk], s.start, s.end, as_clock(s.start), marked(s.text, query)) for s in turn],
        )
        for turn in turns(segments)
    ]


def voices_of(segments: Iterable[Segment], names: dict[int, str]) -> list[tuple[str, str]]:
    """Everybody who is named or speaks, with how long; who speaks most comes first."""
    seconds: dict[str, float] = defaultdict(float, dict.fromkeys(names.values(), 0.0))
    for segment in segments:
        seconds[name_of(segment.speaker, names)] += max(0.0, segment.end - segment.start)
    return [(name, as_words(time)) for name, time in sorted(seconds.items(), key=lambda item: -item[1])]


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
    shown["audio_is_going"] = recording.is_to_go
    user = request.user
    if user.is_authenticated and visible_to(user).filter(pk=recording.pk).exists():
        shown["sees_why"], shown["was_refused"] = True, recording.was_refused
        shown["retry"] = recording.pk if retry_helps(recording) and may_retry(user, recording) else ""
    return shown
