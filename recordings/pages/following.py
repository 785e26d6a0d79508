"""Who may follow what pages show, so that these need not ask by the clock: whoever may see the page.

What is followed has the page's address, behind /events.
"""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meetings.models import Meeting
from recordings.live import facts
from recordings.live.nudges import Page
from recordings.live.views import EventStream, caller_of
from recordings.models import Recording
from recordings.pages.home import RoomChoice, page_of_rooms
from recordings.pages.meeting import own_meeting
from recordings.pages.room import own_room
from recordings.pages.transcript.access import readable_or_404
from rooms.models import Room
from rooms.permissions import staff_may_view

NOT_SIGNED_IN = 401


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated and not settings.PUBLIC_MODE:
        return HttpResponse(status=NOT_SIGNED_IN)
    rooms = [facts.room_of(room.pk) for room in page_of_rooms(request, RoomChoice.of(request))]
    recordings = recordings_listed_for(request.user) if request.user.is_authenticated else []
    return follow(request, facts.PLATFORMS, *rooms, *recordings)


@require_safe
@never_cache
def room(request: HttpRequest, room_name: str) -> HttpResponse:
    found = own_room(request, room_name)
    if found is None:
        return HttpResponse(status=NOT_SIGNED_IN)
    return follow(request, facts.PLATFORMS, facts.room_of(found.pk), facts.past_of(found.pk))


@require_safe
@never_cache
def past_meeting(request: HttpRequest, room_name: str, meeting_id: Any) -> HttpResponse:
    found = own_meeting(request, room_name, meeting_id)
    if found is None:
        return HttpResponse(status=NOT_SIGNED_IN)
    return follow(request, facts.past_of(found.room_id))


@require_safe
@never_cache
def call(request: HttpRequest, room_name: str, meeting_id: str) -> HttpResponse:
    """Guests too, as they see its page. That people refused is for whoever may change the room."""
    found = Room.objects.find(room_name)
    meeting = Meeting.objects.filter(pk=meeting_id, room=found).first() if found else None
    if found is None or meeting is None:
        raise Http404
    refusals = [facts.refusals_of(meeting.pk)] if found.is_editable_by(request.user) else []
    return follow(request, facts.call_of(meeting.pk), *refusals)


@require_safe
@never_cache
def transcript(request: HttpRequest, transcript_id: Any) -> HttpResponse:
    return follow(request, facts.transcript_of(readable_or_404(request.user, transcript_id).pk))


def follow(request: HttpRequest, *subjects: facts.Subject) -> HttpResponse:
    return EventStream(Page(frozenset(subjects)), None, caller_of(request, request.user))


def recordings_listed_for(user: Any) -> list[facts.Subject]:
    """As `RecordingQuerySet.listed_for`."""
    if staff_may_view(user, Recording):
        return [facts.ALL_RECORDINGS, facts.recordings_of(user.pk)]
    return [facts.recordings_of(user.pk), *map(facts.past_of, user.co_owned_rooms.values_list("pk", flat=True))]
