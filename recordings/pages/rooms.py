"""Making a room by a page. The rules are the API's: its serializer checks, and its function saves."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from platforms.handler import platform_choices, why_unavailable
from rooms import names
from rooms.api.errors import BadRequest
from rooms.api.serializers import CreateRoomSerializer
from rooms.api.views import save_room
from rooms.models import Room

RECORDED = {
    "recording_type": Room.RecordingType.CLOUD.value,
    "recording_trigger": Room.RecordingTrigger.AUTOMATIC.value,
}
NOT_RECORDED = {
    "recording_type": Room.RecordingType.NONE.value,
    "recording_trigger": Room.RecordingTrigger.NONE.value,
}


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_room(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return show_form(request, {"is_recorded": True}, {})
    serializer = CreateRoomSerializer(data=as_sent_to_the_api(request))
    errors: dict[str, Any] = {}
    if serializer.is_valid():
        try:
            room = save_room(serializer, owner=request.user)
        except BadRequest:
            errors = {"name": ["There is a room of this name already; choose another one."]}
        else:
            messages.success(request, f"The room “{room.name}” is ready.")
            return HttpResponseRedirect("/")
    return show_form(request, as_filled_in(request), errors or in_plain_words(serializer.errors), status=422)


def as_sent_to_the_api(request: HttpRequest) -> dict[str, Any]:
    sent = as_filled_in(request)
    recording = RECORDED if sent["is_recorded"] else NOT_RECORDED
    return {"name": sent["name"], "platform": sent["platform"] or None, "is_shared": sent["is_shared"], **recording}


def as_filled_in(request: HttpRequest) -> dict[str, Any]:
    return {
        "name": request.POST.get("name", "").strip(),
        "platform": request.POST.get("platform", ""),
        "is_recorded": "is_recorded" in request.POST,
        "is_shared": "is_shared" in request.POST,
    }


def in_plain_words(errors: Any) -> dict[str, list[str]]:
    """What would confuse people who never heard of fields is said in another way."""
    words = {"blank": "Please give the room a name.", "required": "Please give the room a name."}
    return {name: [words.get(error.code, str(error)) for error in found] for name, found in errors.items()}


def show_form(request: HttpRequest, values: dict[str, Any], errors: dict[str, Any], status: int = 200) -> HttpResponse:
    usable = [(name, label) for name, label in platform_choices() if why_unavailable(name) is None]
    context = {"values": values, "errors": errors, "platforms": usable, "longest_name": names.MAX_LENGTH}
    return render(request, "recordings/new_room.html", context, status=status)
