"""What happened in a room, on its page: its meetings with their people, and what was recorded."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from meetings.models import Meeting
from recordings.models import Recording
from recordings.pages.home import ShownRecording, not_in_trash, shown_platform, shown_recording
from recordings.pages.progress import with_fate
from rooms.models import Room
from rooms.pages.room.section import Facts, Section

MEETINGS = 10  # on a page
RECORDINGS = 10


@dataclass(frozen=True)
class PastMeeting:
    meeting: Any
    people: list[str]
    platform: str


def meetings(request: HttpRequest, room: Room) -> Facts:
    happened = Meeting.objects.filter(room=room).known_to_provider()
    answers = {
        "agreed": Count("consents", Q(consents__given=True)),
        "refused": Count("consents", Q(consents__given=False)),
    }
    found = happened.annotate(**answers).prefetch_related("sessions").order_by("-start_date", "-pk")
    page = Paginator(found, MEETINGS).get_page(request.GET.get("meetings"))
    return {"page": page, "meetings": [past_meeting(meeting) for meeting in page]}


def past_meeting(meeting: Meeting) -> PastMeeting:
    return PastMeeting(meeting, names_of(meeting), shown_platform(meeting.platform).label)


def names_of(meeting: Meeting) -> list[str]:
    """Each person once, in the order in which they came."""
    sessions = [session for session in meeting.sessions.all() if not session.is_bot]
    return list(dict.fromkeys(session.user_name or _("Somebody without a name") for session in sessions))


def recordings(request: HttpRequest, room: Room) -> Facts:
    """Those that this person may see; staff who change rooms may not see any."""
    visible = Recording.objects.visible_to(request.user).filter(meeting__room=room)
    found = not_in_trash(with_fate(visible.with_tracks()).select_related("transcript", "meeting__room"))
    newest = found.order_by("-created_at", "-pk")[: RECORDINGS + 1]
    shown: list[ShownRecording] = [shown_recording(request.user, recording) for recording in newest]
    return {"recordings": shown[:RECORDINGS], "has_more": len(shown) > RECORDINGS}


MEETINGS_SECTION = Section("meetings", gettext_lazy("Meetings"), "recordings/room_meetings.html", meetings)
RECORDINGS_SECTION = Section("recordings", gettext_lazy("Recordings"), "recordings/room_recordings.html", recordings)
