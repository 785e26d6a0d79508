"""The room's page. It decides what to show; opening, joining and ending are done by the API, by the page's script."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meetings.api.views import own_name
from meetings.models import Meeting
from meetings.pages.choice import meetings_to_join
from meetings.pages.embedding import Embedding, embedding_of
from platforms.handler import platform_label
from rooms.models import Room


@require_safe
@never_cache
def room_page(request: HttpRequest, room_name: str) -> HttpResponse:
    room = Room.objects.filter(name=room_name).first()
    if room is None:
        return render(request, "meetings/no_room.html", {"name": room_name}, status=404)
    meetings = meetings_to_join(room, timezone.now())
    match meetings:
        case []:
            return _lobby(request, room, state="opening")
        case [meeting]:
            return _call(request, room, meeting)
    return _lobby(request, room, state="choice", meetings=[_offered(meeting) for meeting in meetings])


@require_safe
@never_cache
def meeting_page(request: HttpRequest, room_name: str, meeting_id: str) -> HttpResponse:
    room = Room.objects.filter(name=room_name).first()
    if room is None:
        return render(request, "meetings/no_room.html", {"name": room_name}, status=404)
    meeting = Meeting.objects.filter(pk=meeting_id, room=room).first()
    if meeting is None:
        return render(request, "meetings/no_meeting.html", {"room": room}, status=404)
    if not meeting.is_active or meeting.is_over(timezone.now()):
        return _lobby(request, room, state="ended")
    return _call(request, room, meeting)


def _lobby(request: HttpRequest, room: Room, state: str, **context: Any) -> HttpResponse:
    """The page before, or without, a meeting."""
    facts = {"state": state, "room": room.name}
    return render(request, "meetings/room.html", {"room": room, "facts": facts, "state": state, **context})


def _call(request: HttpRequest, room: Room, meeting: Meeting) -> HttpResponse:
    embedding = embedding_of(meeting)
    context = {
        "room": room,
        "meeting": meeting,
        "state": "joining" if request.user.is_authenticated else "name",
        "platform": platform_label(meeting.platform),
        "embedding": embedding,
        "manages": room.is_managed_by(request.user),
        "facts": _facts(request, room, meeting, embedding),
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
        "isRecording": meeting.is_recording,
        "canStartRecording": bool(client and is_recorded and client.supports_recording_start),
        "startsRecording": bool(client and is_recorded and client.needs_recording_start(meeting)),
    }


def _offered(meeting: Meeting) -> dict[str, Any]:
    return {"meeting": meeting, "platform": platform_label(meeting.platform)}
