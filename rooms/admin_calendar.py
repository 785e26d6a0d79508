"""Rooms' calendars in Admin: how each is doing, reading it now, and the link to the room's own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.work.admin import JobAdmin
from rooms.calendar import export, sync
from rooms.models import CalendarSync, Room
from rooms.models.sealed import is_set

if TYPE_CHECKING:
    RoomModelAdmin = admin.ModelAdmin[Room]
else:
    RoomModelAdmin = object

Told = tuple[str, int]


@admin.register(CalendarSync)
class CalendarSyncAdmin(JobAdmin):
    """The address itself lets anybody read the calendar: it is on no page."""

    about = ["room"]
    list_select_related = ["room"]
    search_fields = ["room__name", "error"]
    exclude = ["lease_token", "source", "etag", "last_modified", "result"]


class RoomCalendarAdmin(RoomModelAdmin):
    """The part of a room's page that is about its calendar; goes before ModelAdmin."""

    @admin.display(description=gettext_lazy("State"))
    def calendar_state(self, room: Room) -> str:
        job = CalendarSync.objects.filter(room=room).first()
        if job is None or not (room.ics_enabled and is_set(room, "ics_url")):
            return _("It is not read.")
        if job.error:
            return _("The last fetch brought nothing: {error}").format(error=job.error)
        if room.ics_last_sync is None:
            return _("It will be read within a minute.")
        events = room.calendar_events.listed().count()
        return _("Read at {moment:%Y-%m-%d %H:%M} UTC; events: {events}.").format(
            moment=room.ics_last_sync, events=events
        )

    @admin.display(description=gettext_lazy("calendar address (ICS)"))
    def ics_url_state(self, room: Room) -> str:
        """As by the API, it is for those who may change the room: it lets anybody read the calendar."""
        return _("stored, not shown") if is_set(room, "ics_url") else _("none")

    @admin.display(description=gettext_lazy("link to the room's own calendar"))
    def calendar_link_state(self, room: Room) -> str:
        return _("There is one; the room's own page shows it.") if is_set(room, "calendar_secret") else _("none")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.calendar_view)
        return [path("<uuid:room_id>/calendar/<slug:action>/", view, name="rooms_room_calendar"), *super().get_urls()]

    def calendar_view(self, request: HttpRequest, room_id: Any, action: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        room = self.get_object(request, str(room_id))
        if room is None or action not in ACTIONS:
            raise Http404
        if not self.has_change_permission(request, room):
            raise PermissionDenied
        self.message_user(request, *ACTIONS[action](room))
        return HttpResponseRedirect(reverse("admin:rooms_room_change", args=[room.pk]))

    def calendar_buttons(self, request: HttpRequest, room: Room | None) -> list[tuple[str, str]]:
        """Address and words of what may be done now, for those who may."""
        if room is None or not self.has_change_permission(request, room):
            return []
        is_read, has_link = room.ics_enabled and is_set(room, "ics_url"), is_set(room, "calendar_secret")
        offered = {
            "sync": _("Read the calendar now") if is_read else "",
            "make-link": "" if has_link else _("Make a link to the room's calendar"),
            "revoke-link": _("Take the calendar's link back") if has_link else "",
        }
        return [
            (reverse("admin:rooms_room_calendar", args=[room.pk, action]), words)
            for action, words in offered.items()
            if words
        ]


def sync_now(room: Room) -> Told:
    if not (room.ics_enabled and is_set(room, "ics_url")):
        return _("There is no calendar to read."), messages.ERROR
    result = sync.sync_now(room)
    text = sync.in_words(result)
    return text, messages.ERROR if result["status"] == "error" else messages.SUCCESS


def make_link(room: Room) -> Told:
    return _("The link to the room's calendar: {link}").format(link=export.make_link(room)), messages.SUCCESS


def revoke_link(room: Room) -> Told:
    export.revoke_link(room)
    return _("The link to the room's calendar leads nowhere now."), messages.SUCCESS


ACTIONS: dict[str, Callable[[Room], Told]] = {"sync": sync_now, "make-link": make_link, "revoke-link": revoke_link}
