"""The room's page. It decides what to show; opening, joining and ending are done by the API, by the page's script."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meetings.api.views import own_name
from meetings.hosting import may_host
from meetings.models import Meeting
from meetings.opening import end_if_gone
from meetings.pages.choice import meetings_to_join
from meetings.pages.embedding import Embedding, embedding_of
from meetings.pages.instead import alternatives
from platforms.abilities import RecordingStart
from platforms.base import VideoPlatformClient
from platforms.handler import platform_label
from rooms.models import CalendarEvent, Room


@require_safe
@never_cache
def room_page(request: HttpRequest, room_name: str) -> HttpResponse:
    room = Room.objects.find(room_name)
    if room is None:
        return _no_room(request, room_name)
    if room.name != room_name:
        return _to_its_name(request, "room", room.name)
    meetings = meetings_to_join(room, timezone.now())
    match meetings:
        case []:
            return _lobby(request, room, state="opening")
        case [meeting]:
            return _lobby(request, room, state="opening") if end_if_gone(meeting) else _call(request, room, meeting)
    return _lobby(request, room, state="choice", meetings=[_offered(meeting) for meeting in meetings])


@require_safe
@never_cache
def meeting_page(request: HttpRequest, room_name: str, meeting_id: str) -> HttpResponse:
    room = Room.objects.find(room_name)
    if room is None:
        return _no_room(request, room_name)
    if room.name != room_name:
        return _to_its_name(request, "meeting", room.name, meeting_id)
    meeting = Meeting.objects.filter(pk=meeting_id, room=room).first()
    if meeting is None:
        return render(request, "meetings/no_meeting.html", {"room": room}, status=404)
    if not meeting.is_active or meeting.is_over(timezone.now()):
        return _lobby(request, room, state="ended")
    return _call(request, room, meeting)


@require_safe
def no_call(request: HttpRequest, room_name: str) -> HttpResponse:
    """Where the mock's meetings lead while the sandbox does not play it."""
    return render(request, "meetings/no_call.html", status=404)


def _to_its_name(request: HttpRequest, page: str, *args: str) -> HttpResponse:
    """From another spelling, or a name that the room had before. Not for good: another room may take that name."""
    query = request.GET.urlencode()
    return redirect(reverse(page, args=args) + (f"?{query}" if query else ""))


def _no_room(request: HttpRequest, name: str) -> HttpResponse:
    context = {"name": name, "public_mode": settings.PUBLIC_MODE}
    return render(request, "meetings/no_room.html", context, status=404)


def _lobby(request: HttpRequest, room: Room, state: str, **context: Any) -> HttpResponse:
    """The page before, or without, a meeting."""
    facts = {"state": state, "room": room.name}
    if state == "opening":
        context["alternatives"] = alternatives(request.user, room)
    context |= {"room": room, "facts": facts, "state": state, "next_event": _next_event(room)}
    context |= {"public_mode": settings.PUBLIC_MODE, "may_look_back": room.is_editable_by(request.user)}
    return render(request, "meetings/room.html", context)


def _call(request: HttpRequest, room: Room, meeting: Meeting) -> HttpResponse:
    embedding = embedding_of(meeting)
    context = {
        "room": room,
        "meeting": meeting,
        "state": "joining" if request.user.is_authenticated else "name",
        "platform": platform_label(meeting.platform),
        "embedding": embedding,
        "manages": may_host(request.user, room),
        "facts": _facts(request, room, meeting, embedding),
        "public_mode": settings.PUBLIC_MODE,
        "may_look_back": room.is_editable_by(request.user),
        "next_event": _next_event(room),
    }
    response = render(request, "meetings/room.html", context)
    response._csp_update = embedding.csp()  # type: ignore[attr-defined]
    response["Permissions-Policy"] = embedding.permissions_policy()
    # Providers may go by the framing page's origin; its path is nobody's business.
    response["Referrer-Policy"] = "strict-origin-when-cross-origin"
    return response


def _facts(request: HttpRequest, room: Room, meeting: Meeting, embedding: Embedding) -> dict[str, Any]:
    """What the page's script needs to know. Addresses that let somebody in are asked for by the API."""
    client = embedding.client
    is_recorded = meeting.recording_type == Room.RecordingType.CLOUD
    if client and Room.RecordingType.CLOUD not in client.recording_types:
        is_recorded = False  # whatever its room is set to
    return {
        "state": "name" if request.user.is_anonymous else "joining",
        "room": room.name,
        "meeting": str(meeting.pk),
        "name": own_name(request.user) or "",
        "isFramed": embedding.is_framed,
        "module": static(embedding.module),
        "asksConsent": is_recorded and not meeting.skip_consent,
        "isHost": may_host(request.user, room),
        "isRecording": meeting.is_recording,
        "recordingPlan": _recording_plan(meeting, client) if is_recorded else "",
        "refusals": _refusals_address(request, room, meeting),
        "canStartRecording": is_recorded and isinstance(client, RecordingStart),
        "startsRecording": (
            is_recorded and isinstance(client, RecordingStart) and client.needs_recording_start(meeting)
        ),
    }


def _recording_plan(meeting: Meeting, client: VideoPlatformClient | None) -> str:
    """What is to be expected while nothing is recorded yet. A platform may know only one way to start by itself."""
    first, second = Room.RecordingTrigger.AUTOMATIC, Room.RecordingTrigger.AUTOMATIC_2ND_PARTICIPANT
    trigger = meeting.recording_trigger
    offered = client.recording_triggers if client else frozenset({trigger})
    if trigger in (first, second) and trigger not in offered:
        trigger = first if trigger == second else second
    if trigger in (first, second) and client and client.only_hosts_record:
        return gettext("Recording starts when a host is in the meeting.")
    if trigger == first:
        return gettext("Recording starts when somebody is in the meeting.")
    if trigger == second:
        return gettext("Recording starts when a second person joins.")
    return gettext("It is recorded once a host starts that.")


def _refusals_address(request: HttpRequest, room: Room, meeting: Meeting) -> str:
    """Where the page of whoever may change the room learns that somebody refused; empty for others."""
    return reverse("room-meeting-refusals", args=[room.name, meeting.pk]) if room.is_editable_by(request.user) else ""


def _next_event(room: Room) -> CalendarEvent | None:
    if not room.ics_enabled:
        return None
    return CalendarEvent.objects.next_of([room], timezone.now()).get(room.pk)


def _offered(meeting: Meeting) -> dict[str, Any]:
    return {"meeting": meeting, "platform": platform_label(meeting.platform)}
