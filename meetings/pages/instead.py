"""Opening a meeting on another platform, for whoever is in charge of a room that cannot open where it is to."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from rest_framework.exceptions import APIException

from meetings.opening import OpeningInProgress, open_meeting
from platforms.exceptions import PlatformError, PlatformNotConfigured
from platforms.handler import get_platform_client_class, platform_choices
from rooms.api.errors import what_to_tell
from rooms.lost_features import lost_features
from rooms.models import Room
from rooms.selection import RolloutPolicy, current_policy, select_for_room, select_instead

NOT_OFFERED = _("The room cannot open there now. Please choose again.")
IN_PROGRESS = _("The room is being opened already.")


@dataclass(frozen=True)
class Alternative:
    platform: str
    label: str
    lost: list[str]  # what the room is set to and that platform cannot do


def alternatives(user: Any, room: Room) -> list[Alternative]:
    """Where the room could open as well by the rules, and what it would lack there; none for who is not in charge."""
    if not room.is_editable_by(user):
        return []
    policy = current_policy()
    by_rules, found = _by_rules(room, policy), []
    for platform, label in platform_choices():
        try:
            selection = select_instead(room, platform, policy)
            client_class = get_platform_client_class(platform)
        except PlatformNotConfigured:
            continue
        is_away = selection.platform != platform or platform in policy.silent
        if not is_away and platform != by_rules:
            found.append(Alternative(platform, label, lost_features(room, client_class)))
    return sorted(found, key=lambda alternative: len(alternative.lost))


@login_required
@never_cache
@require_POST
def open_instead(request: HttpRequest, room_name: str) -> HttpResponse:
    room = Room.objects.find(room_name)
    if room is None:
        raise Http404
    if not room.is_editable_by(request.user):
        raise PermissionDenied
    platform = request.POST.get("platform", "")
    if platform not in {alternative.platform for alternative in alternatives(request.user, room)}:
        messages.error(request, NOT_OFFERED)
        return redirect("room", room.name)
    try:
        meeting = open_meeting(room, instead=platform)
    except Room.DoesNotExist as error:
        raise Http404 from error
    except OpeningInProgress:
        messages.warning(request, IN_PROGRESS)
    except PlatformError as error:
        told = what_to_tell(error)
        messages.error(request, gettext(str(told.detail)) if isinstance(told, APIException) else NOT_OFFERED)
    else:
        return redirect("meeting", room.name, meeting.pk)
    return redirect("room", room.name)


def _by_rules(room: Room, policy: RolloutPolicy) -> str:
    try:
        return select_for_room(room, policy).platform
    except PlatformNotConfigured:
        return ""
