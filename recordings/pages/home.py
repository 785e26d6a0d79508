"""The first page: the rooms that a person may list, who is in them now, and what became of recordings."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meetings.models import Meeting
from platforms.handler import find_platform_client
from platforms.listing import Kept
from platforms.visible import visible
from recordings.listed import RecordingLists, read_tracks
from recordings.models import Recording, RecordingQuerySet, Transcript
from recordings.pages.progress import AWAITED, WORDS, Progress, may_retry, progress_of, retry_helps, with_fate
from recordings.transcripts.access import may_read
from rooms import names
from rooms.api.serializers import effective_platform
from rooms.listed import read_co_owners
from rooms.models import CalendarEvent, Room, RoomQuerySet
from rooms.selection import RolloutPolicy, current_policy

ROOMS = 20  # on a page
MANY_ROOMS = 10  # from which on they are looked for and put in order
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

    @property
    def is_ahead(self) -> bool:
        """Whether it is open for people of the calendar's event who come before it begins."""
        return self.meeting.start_date > timezone.now()


@dataclass(frozen=True)
class ShownRoom:
    room: Room
    is_own: bool
    may_change: bool
    may_delete: bool
    platform: ShownPlatform
    problem: str = ""  # why it cannot open now
    meetings: list[ShownMeeting] = field(default_factory=list)
    next_event: CalendarEvent | None = None


@dataclass(frozen=True)
class ShownRecording:
    key: str
    title: str
    moment: datetime
    progress: Progress
    transcript: Transcript | None = None
    retry: str = ""  # the id of the recording that can be tried again
    remark: str = ""  # why this person can read no transcript of it


@dataclass(frozen=True)
class RoomChoice:
    """Which rooms are shown and in what order: the newest first, or from A to Z."""

    words: str = ""
    by_name: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> "RoomChoice":
        words = visible(request.GET.get("find", ""))[: names.MAX_TITLE_LENGTH]
        return cls(words, request.GET.get("order") == "name")

    def among(self, rooms: RoomQuerySet) -> RoomQuerySet:
        for word in self.words.split():
            rooms = rooms.filter(Q(title__icontains=word) | Q(name__icontains=word))
        return rooms.from_a_to_z() if self.by_name else rooms

    def rest_of_address(self) -> str:
        """For the links to other pages of the same rooms."""
        return urlencode(
            {**({"find": self.words} if self.words else {}), **({"order": "name"} if self.by_name else {})}
        )


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated and not settings.PUBLIC_MODE:
        return render(request, "recordings/welcome.html")
    choice = RoomChoice.of(request)
    page = page_of_rooms(request, choice)
    context = {
        "page": page,
        "rooms": shown_rooms(request.user, list(page)),
        "site": f"{settings.PUBLIC_URL}/",
        "choice": choice,
        "rest": choice.rest_of_address(),
        "offers_choice": bool(choice.words) or page.paginator.count >= MANY_ROOMS,
    }
    if request.user.is_authenticated:
        context["recordings"] = shown_recordings(request.user)
        context["takes_uploads"] = settings.UPLOAD_HOURS_PER_DAY > 0
    return render(request, "recordings/home.html", context)


def shown_platform(name: str) -> ShownPlatform:
    client = find_platform_client(name)
    return ShownPlatform(client.label, client.is_simulated) if client else ShownPlatform(name)


# Rooms


def page_of_rooms(request: HttpRequest, choice: RoomChoice) -> Page[Room]:
    listed: Any
    if choice.words or choice.by_name:
        listed = choice.among(_read_rooms().among_those_listed_for(request.user))
    elif request.user.is_authenticated:
        listed = _ROOMS.of(user_id=request.user.pk)
    else:
        listed = _read_rooms().listed_for(request.user)
    return Paginator(listed, ROOMS).get_page(request.GET.get("page"))


def _read_rooms() -> RoomQuerySet:
    return Room.objects.select_related("owner", "webhook")


_ROOMS = Kept(lambda user_id: _read_rooms().listed_for_person(user_id), user_id=lambda: (get_user_model()._meta.pk, -7))


def shown_rooms(user: Any, rooms: list[Room]) -> list[ShownRoom]:
    policy = current_policy()
    read_co_owners(rooms, user)
    live = defaultdict(list)
    for meeting in Meeting.objects.under_way(timezone.now()).filter(room__in=rooms):
        live[meeting.room_id].append(ShownMeeting(meeting, shown_platform(meeting.platform)))
    coming = CalendarEvent.objects.next_of(rooms, timezone.now())
    return [shown_room(user, room, policy, live[room.pk], coming.get(room.pk)) for room in rooms]


def shown_room(
    user: Any, room: Room, policy: RolloutPolicy, meetings: list[ShownMeeting], coming: CalendarEvent | None
) -> ShownRoom:
    selection = effective_platform(room, policy)
    problem = "" if selection.can_open else _("No video platform can open it now.")
    if problem and room.is_visible_to(user):
        problem = selection.reason
    return ShownRoom(
        room=room,
        is_own=room.owner_id == user.pk,
        may_change=room.is_editable_by(user),
        may_delete=room.is_deletable_by(user),
        platform=shown_platform(selection.platform),
        problem=problem,
        meetings=meetings,
        next_event=coming,
    )


# Recordings


def shown_recordings(user: Any) -> list[ShownRecording]:
    """The newest ones, with those that began and that nobody has reported yet."""
    found = _RECORDINGS.of(user)[:RECORDINGS]
    read_tracks(found)
    shown = [shown_recording(user, recording) for recording in found]
    return sorted([*unreported(user), *shown], key=lambda row: row.moment, reverse=True)[:RECORDINGS]


def not_in_trash(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    """Nor gone with its transcript, nor the video of one; one whose audio alone was deleted is shown."""
    gone = Q(state=Recording.State.DELETED, transcript__isnull=True, was_refused=False)
    hidden = Q(deleted_at__isnull=False) & ~Q(state=Recording.State.DELETED)
    trashed = Q(transcript__deleted_at__isnull=False)
    # By a subquery: PostgreSQL takes what an outer join finds nothing for to be rare, and would look at all of them.
    is_video = Exists(Transcript.objects.filter(video=OuterRef("pk")))
    return recordings.exclude(gone).exclude(hidden).exclude(trashed).exclude(is_video)


def _read_recordings() -> RecordingQuerySet:
    related = with_fate(Recording.objects.select_related("transcript", "meeting__room"))
    return related.defer(*(f"transcript__{name}" for name in ("voices", "waveform", "short_summary", "long_summary")))


_RECORDINGS = RecordingLists(_read_recordings, lambda part: not_in_trash(with_fate(cast(RecordingQuerySet, part))))


def shown_recording(user: Any, recording: Any) -> ShownRecording:
    transcript = getattr(recording, "transcript", None)
    readable = transcript if transcript and may_read(user, transcript) else None
    can_retry = retry_helps(recording) and may_retry(user, recording)
    return ShownRecording(
        key=str(recording.pk),
        title=_title(recording, readable),
        moment=recording.recorded_at or recording.created_at,
        progress=progress_of(recording),
        transcript=readable,
        retry=str(recording.pk) if can_retry else "",
        remark="" if readable else _why_nothing_to_read(recording, transcript),
    )


def _why_nothing_to_read(recording: Recording, transcript: Transcript | None) -> str:
    """Where the recording's own state does not say so already."""
    if transcript and transcript.status == Transcript.Status.ENDED:
        return _("Its transcript is private: only its owner can read it, until they share it.")
    if transcript is None and recording.state == Recording.State.DONE:
        return _("There is no transcript of it.")
    return ""


def _title(recording: Recording, transcript: Transcript | None) -> str:
    """Of a call whose transcript is awaited, the room's."""
    is_named = transcript and (
        transcript.title or transcript.status == Transcript.Status.ENDED or not recording.meeting
    )
    return str(transcript if is_named else recording.meeting.room_title if recording.meeting else recording)


def unreported(user: Any) -> Iterable[ShownRecording]:
    """Of meetings that began to be recorded lately: what no provider has reported yet, or said to have failed."""
    since = timezone.now() - AWAITED_FOR
    over = Q(recording_ended_at__isnull=False) | Q(recording_failed_at__isnull=False) | Q(state=Meeting.State.ENDED)
    meetings = (
        Meeting.objects.filter(
            over,
            Q(recording_started_at__gte=since) | Q(recording_failed_at__gte=since),
            room__owner=user,
            recording_type=Room.RecordingType.CLOUD,
            recordings__isnull=True,
        )
        .select_related("room")
        .prefetch_related("recording_starts")
    )
    for meeting in meetings.order_by("-start_date")[:RECORDINGS]:
        moment = meeting.recording_started_at or meeting.start_date
        if not (meeting.is_active and meeting.is_recording):
            yield ShownRecording(f"of-{meeting.pk}", meeting.room_title, moment, _progress_without_recording(meeting))


def _progress_without_recording(meeting: Meeting) -> Progress:
    if meeting.recording_failed_at is None or meeting.is_recording:
        return AWAITED
    said = [f"{start.error.rstrip('.')}." for start in meeting.recording_starts.all() if start.error]
    reason = _("{platform} could not record the meeting.").format(platform=shown_platform(meeting.platform).label)
    return Progress(WORDS[Recording.State.FAILED][0], "danger", reason=" ".join([reason, *said]))
