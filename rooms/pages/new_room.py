"""Making a room by a page. The rules are the API's: its serializer checks, and its function saves."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from platforms.audit import trail
from platforms.handler import platform_choices, platform_label, why_unavailable
from rooms import names
from rooms.api.errors import BadRequest
from rooms.api.serializers import CreateRoomSerializer
from rooms.api.views import save_room
from rooms.models import Room
from rooms.pages.room.settings import where_listed
from rooms.selection import current_policy

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
            taken = gettext("There is a room at /%(name)s already; choose another address.")
            errors = {"name": [taken % serializer.validated_data]}
        else:
            trail.concerns(request, room.pk)
            ready = gettext("The room “%(room)s” is ready. Its address is to be passed on.")
            messages.success(request, ready % {"room": room.label})
            return redirect("room-settings", room.name)
    filled_in = as_filled_in(request)
    return show_form(request, filled_in, errors or in_plain_words(serializer.errors, filled_in), status=422)


def as_sent_to_the_api(request: HttpRequest) -> dict[str, Any]:
    sent = as_filled_in(request)
    recording = RECORDED if sent["is_recorded"] else NOT_RECORDED
    name = sent["name"] or names.address_of(sent["title"])
    return {
        "name": name,
        "title": sent["title"],
        "platform": sent["platform"] or None,
        "is_shared": sent["is_shared"],
        **recording,
    }


def as_filled_in(request: HttpRequest) -> dict[str, Any]:
    return {
        "title": request.POST.get("title", "").strip(),
        "name": request.POST.get("name", "").strip(),
        "platform": request.POST.get("platform", ""),
        "is_recorded": "is_recorded" in request.POST,
        "is_shared": "is_shared" in request.POST,
    }


def in_plain_words(errors: Any, filled_in: dict[str, Any]) -> dict[str, list[str]]:
    """What would confuse people who never heard of addresses is said in another way."""
    found = {name: [str(error) for error in of_field] for name, of_field in errors.items()}
    if not filled_in["title"] and not filled_in["name"]:
        del found["name"]
        found["title"] = [gettext("Please give the room a name.")]
    elif not filled_in["name"] and not names.address_of(filled_in["title"]):
        found["name"] = [
            gettext("Nothing of this name can stand in an address: please enter one, of letters from a to z.")
        ]
    return found


def show_form(request: HttpRequest, values: dict[str, Any], errors: dict[str, Any], status: int = 200) -> HttpResponse:
    default = current_policy().default
    usable = [(name, label) for name, label in platform_choices() if why_unavailable(name) is None]
    context = {
        "values": values,
        "errors": errors,
        "platforms": usable,
        "automatic": "" if why_unavailable(default) else platform_label(default),
        "longest_name": names.MAX_LENGTH,
        "longest_title": names.MAX_TITLE_LENGTH,
        "site": f"{settings.PUBLIC_URL}/",
        "listed_where": where_listed(),
    }
    return render(request, "recordings/new_room.html", context, status=status)
