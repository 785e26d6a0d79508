"""Moving rooms to another platform in Admin: what it would mean, and then the move."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms.handler import get_available_platforms, platform_label, why_unavailable
from rooms.admin_changes import change_address
from rooms.admin_preview import CONFIRM, note_of, preview_page
from rooms.models import Room
from rooms.platform_change import choice_label
from rooms.rollout.moves import move
from rooms.rollout.preview import preview_move
from rooms.rollout.words import time_of

AUTOMATIC = "automatic"  # in an address


class RoomMoveAdmin:
    """A part of the rooms' ModelAdmin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.move_view)  # type: ignore[attr-defined]
        urls: list[URLPattern] = super().get_urls()  # type: ignore[misc]
        return [path("<path:object_id>/move/<str:platform>/", view, name="rooms_room_move"), *urls]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)  # type: ignore[misc]
        if "_popup" in request.GET or not self.has_change_permission(request):  # type: ignore[attr-defined]
            return actions
        for name in get_available_platforms():
            if not why_unavailable(name):
                action = f"move_to_{name}"
                actions[action] = (
                    _move_to_action(name),
                    action,
                    _("Move to {platform}…").format(platform=platform_label(name)),
                )
        actions["follow_the_rollout"] = (_move_to_action(""), "follow_the_rollout", _("Follow the rollout…"))
        return actions

    def move_selected(self, request: HttpRequest, rooms: QuerySet[Room], platform: str) -> HttpResponse:
        names = ["action", "select_across", ACTION_CHECKBOX_NAME]
        hidden = [(name, value) for name in names for value in request.POST.getlist(name)]
        return self.preview_or_move(request, rooms, platform, hidden, request.get_full_path())

    def move_view(self, request: HttpRequest, object_id: str, platform: str) -> HttpResponse:
        """One room's, after its form was saved with another platform."""
        room = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        if room is None:
            raise Http404
        if not self.has_change_permission(request, room):  # type: ignore[attr-defined]
            raise PermissionDenied
        chosen = "" if platform == AUTOMATIC else platform
        if chosen and (chosen not in get_available_platforms() or why_unavailable(chosen)):
            raise Http404
        return self.preview_or_move(request, Room.objects.filter(pk=room.pk), chosen, [], request.path)

    def preview_or_move(
        self, request: HttpRequest, rooms: QuerySet[Room], platform: str, hidden: list[tuple[str, Any]], address: str
    ) -> HttpResponse:
        """Confirmed, it is done, if the rooms still are what the preview was made of."""
        rooms = Room.objects.filter(pk__in=rooms.order_by().values("pk"))
        if CONFIRM in request.POST and (done := self.move_as_shown(request, rooms, platform)):
            return done
        present = fingerprint(rooms)
        preview = preview_move(rooms, platform)
        if not preview.affected:
            return self._done(request, _("Nothing to move: the rooms have that choice already."), messages.INFO)
        where = f"to {platform_label(platform)}" if platform else "to what the rollout says"
        return preview_page(
            request,
            preview,
            title=_("Move {where}: what it would mean").format(where=where),
            hidden=[*hidden, ("seen", present), ("shown_at", timezone.now().isoformat())],
            address=address,
            cancel=reverse("admin:rooms_room_changelist"),
            back_to=_("Rooms"),
            warnings=_meanwhile(request, rooms) if request.POST.get("seen", present) != present else [],
            confirm_label=_("Move"),
        )

    @transaction.atomic
    def move_as_shown(self, request: HttpRequest, rooms: QuerySet[Room], platform: str) -> HttpResponse | None:
        """None where the rooms are not what the preview was made of. Nobody changes them between look and move."""
        if fingerprint(rooms.select_for_update()) != request.POST.get("seen"):
            return None
        change = move(rooms, platform, request.user, note_of(request))
        if change is None:
            return self._done(request, _("Nothing to move: the rooms have that choice already."), messages.INFO)
        self.message_user(request, change.summary, messages.SUCCESS)  # type: ignore[attr-defined]
        return HttpResponseRedirect(change_address(change))

    def _done(self, request: HttpRequest, text: str, level: int) -> HttpResponse:
        self.message_user(request, text, level)  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse("admin:rooms_room_changelist"))


def _move_to_action(platform: str) -> Callable[[Any, HttpRequest, QuerySet[Room]], HttpResponse]:
    return partial(RoomMoveAdmin.move_selected, platform=platform)


def fingerprint(rooms: QuerySet[Room]) -> str:
    """Of which rooms they are and what each has chosen, to tell whether that is as it was shown."""
    chosen = rooms.order_by("pk").values_list("pk", "platform")
    return hashlib.sha256(repr(list(chosen)).encode()).hexdigest()


def _meanwhile(request: HttpRequest, rooms: QuerySet[Room]) -> list[str]:
    """What others did to the rooms since the preview was shown."""
    told = [_("The rooms were changed meanwhile, so nothing was moved. This is what the move would mean now.")]
    try:
        since = datetime.fromisoformat(request.POST.get("shown_at", ""))
    except ValueError:
        return told
    records = Room.history.filter(moved=True, history_date__gte=since, id__in=rooms.values("pk"))
    return told + [_told(record) for record in records.select_related("history_user")[:20]]


def _told(record: Any) -> str:
    who = record.history_user or _("somebody in a shell")
    was, is_now = choice_label(record.left), choice_label(record.platform)
    return _("{moment}, {who}: {name} from {was} to {now}.").format(
        moment=time_of(record.history_date), who=who, name=record.name, was=was, now=is_now
    )


def move_address(room: Room, platform: str) -> str:
    return reverse("admin:rooms_room_move", args=[room.pk, platform or AUTOMATIC])
