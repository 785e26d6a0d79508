"""The first page: the rooms that a person may list, who is in them now, and what became of recordings."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meetings.models import Meeting
from platforms import create_platform_client, get_platform_client_class
from platforms.exceptions import PlatformNotConfigured
from recordings.api.recording_views import visible_to
from recordings.api.transcript_access import may_read
from recordings.models import Recording, Transcript
from recordings.pages.progress import AWAITED, WORDS, Progress, may_retry, progress_of, retry_helps, with_fate
from rooms.api.serializers import effective_platform
from rooms.models import Room
from rooms.selection import RolloutPolicy, current_policy

ROOMS = 20  # on a page
RECORDINGS = 10
AWAITED_FOR = timedelta(days=1)  # a recording that began since then and that no provider has reported yet


@dataclass(frozen=True)
class ShownPlatform:
    label: str
    is_simulated: bool = False


@dataclass(frozen=True)
class ShownMeeting:
    meeting: Meeting
    platform: ShownPlatform


@dataclass(frozen=True)
class ShownRoom:
    room: Room
    is_own: bool
    platform: ShownPlatform
    problem: str = ""  # why it cannot open now
    meetings: list[ShownMeeting] = field(default_factory=list)


@dataclass(frozen=True)
class ShownRecording:
    key: str
    title: str
    moment: datetime
    progress: Progress
    transcript: Transcript | None = None
    retry: str = ""  # the id of the recording that can be tried again


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated and not settings.PUBLIC_MODE:
        return render(request, "recordings/welcome.html")
    page = Paginator(Room.objects.listed_for(request.user).select_related("owner"), ROOMS).get_page(
        request.GET.get("page")
    )
    context = {"page": page, "rooms": shown_rooms(request.user, list(page)), "public_mode": settings.PUBLIC_MODE}
    if request.user.is_authenticated:
        context["recordings"] = shown_recordings(request.user)
    return render(request, "recordings/home.html", context)


def shown_platform(name: str) -> ShownPlatform:
    try:
        return ShownPlatform(get_platform_client_class(name).label, create_platform_client(name).is_simulated)
    except PlatformNotConfigured:
        return ShownPlatform(name)


# Rooms


def shown_rooms(user: Any, rooms: list[Room]) -> list[ShownRoom]:
    policy = current_policy()
    live = defaultdict(list)
    for meeting in Meeting.objects.under_way(timezone.now()).filter(room__in=rooms):
        live[meeting.room_id].append(ShownMeeting(meeting, shown_platform(meeting.platform)))
    return [shown_room(user, room, policy, live[room.pk]) for room in rooms]


def shown_room(user: Any, room: Room, policy: RolloutPolicy, meetings: list[ShownMeeting]) -> ShownRoom:
    selection = effective_platform(room, policy)
    usable = policy.platforms.get(selection.platform, "") is None
    problem = "" if usable else "No video platform can open it now."
    if problem and room.is_managed_by(user):
        problem = selection.reason
    return ShownRoom(room, room.owner_id == user.pk, shown_platform(selection.platform), problem, meetings)


# Recordings


def shown_recordings(user: Any) -> list[ShownRecording]:
    """The newest ones, with those that began and that nobody has reported yet."""
    found = with_fate(visible_to(user)).select_related("transcript", "meeting__room")
    shown = [shown_recording(user, recording) for recording in not_in_trash(found)[:RECORDINGS]]
    return sorted([*unreported(user), *shown], key=lambda row: row.moment, reverse=True)[:RECORDINGS]


def not_in_trash(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    """Nor gone with its transcript; one whose audio alone was deleted is shown."""
    gone = Q(state=Recording.State.DELETED, transcript__isnull=True, was_refused=False)
    hidden = Q(deleted_at__isnull=False) & ~Q(state=Recording.State.DELETED)
    trashed = Q(transcript__deleted_at__isnull=False)
    return recordings.exclude(gone).exclude(hidden).exclude(trashed)


def shown_recording(user: Any, recording: Any) -> ShownRecording:
    transcript = getattr(recording, "transcript", None)
    readable = transcript if transcript and may_read(user, transcript) else None
    can_retry = retry_helps(recording) and may_retry(user, recording)
    return ShownRecording(
        key=str(recording.pk),
        title=str(readable or (recording.meeting.room_label if recording.meeting else recording)),
        moment=recording.recorded_at or recording.created_at,
        progress=progress_of(recording),
        transcript=readable,
        retry=str(recording.pk) if can_retry else "",
    )


def unreported(user: Any) -> Iterable[ShownRecording]:
    """Of meetings that began to be recorded lately: what no provider has reported yet, or said to have failed."""
    since = timezone.now() - AWAITED_FOR
    over = Q(recording_ended_at__isnull=False) | Q(recording_failed_at__isnull=False) | Q(state=Meeting.State.ENDED)
    meetings = Meeting.objects.filter(
        over,
        Q(recording_started_at__gte=since) | Q(recording_failed_at__gte=since),
        room__owner=user,
        recording_type=Room.RecordingType.CLOUD,
        recordings__isnull=True,
    ).prefetch_related("recording_starts")
    for meeting in meetings.order_by("-start_date")[:RECORDINGS]:
        moment = meeting.recording_started_at or meeting.start_date
        if not (meeting.is_active and meeting.is_recording):
            yield ShownRecording(f"of-{meeting.pk}", meeting.room_label, moment, _progress_without_recording(meeting))


def _progress_without_recording(meeting: Meeting) -> Progress:
    if meeting.recording_failed_at is None or meeting.is_recording:
        return AWAITED
    said = [f"{start.error.rstrip('.')}." for start in meeting.recording_starts.all() if start.error]
    reason = f"{shown_platform(meeting.platform).label} could not record the meeting."
    return Progress(WORDS[Recording.State.FAILED][0], "danger", reason=" ".join([reason, *said]))
