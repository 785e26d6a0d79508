"""The calendar of a room on its page: its address, when it is read, and what it brought."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rooms.calendar import export, sync
from rooms.models import CalendarSync, Room
from rooms.models.sealed import is_set
from rooms.pages.room.addresses import masked
from rooms.pages.room.section import Facts, Section, SectionForm, tell

NAME = "calendar"
EVENTS = 8  # of those that come next
INTERVALS = {
    300: _("every 5 minutes"),
    900: _("every 15 minutes"),
    1800: _("every 30 minutes"),
    3600: _("every hour"),
    6 * 3600: _("every 6 hours"),
    24 * 3600: _("once a day"),
}


class CalendarForm(SectionForm):
    stored = ("ics_enabled", "ics_fetch_interval", "ics_all_events")

    ics_url = forms.CharField(
        label=_("Calendar address (ICS)"),
        required=False,
        max_length=2000,
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    ics_enabled = forms.BooleanField(label=_("Read the calendar"), required=False)
    ics_fetch_interval = forms.TypedChoiceField(label=_("How often"), coerce=int)
    ics_all_events = forms.BooleanField(
        label=_("Take all its events"),
        required=False,
        help_text=_("Otherwise only those that hold the room's address, as their place or in their text."),
    )

    def __init__(self, room: Room, data: Any = None) -> None:
        super().__init__(room, data)
        address = masked(room, "ics_url")
        self.fields["ics_url"].help_text = (
            gettext("Stored is %(address)s. Enter another one to replace it.") % {"address": address}
            if address
            else gettext("Most calendars call it “secret address” or “publish as ICS”.")
        )
        if not address:
            self.initial["ics_enabled"] = True
        seconds = sync.interval_seconds(room)
        self.initial["ics_fetch_interval"] = seconds
        own = {seconds: gettext("every %(count)s seconds") % {"count": seconds}}
        known = INTERVALS if seconds in INTERVALS else {**own, **INTERVALS}
        self.fields["ics_fetch_interval"].choices = list(known.items())  # type: ignore[attr-defined]

    def clean(self) -> Facts:
        values = self.cleaned_data
        if values.get("ics_enabled") and not values.get("ics_url") and not is_set(self.room, "ics_url"):
            self.add_error("ics_url", gettext("Enter the calendar's address."))
        return values

    def changes(self) -> Facts:
        """An address that was not touched stays."""
        return {name: value for name, value in self.cleaned_data.items() if name != "ics_url" or value}


def facts(request: HttpRequest, room: Room) -> Facts:
    job = CalendarSync.objects.filter(room=room).first()
    is_read = room.ics_enabled and is_set(room, "ics_url")
    coming = room.calendar_events.listed().filter(end_time__gt=timezone.now())
    return {
        "has_address": is_set(room, "ics_url"),
        "is_read": is_read,
        "events": coming.order_by("start_time")[:EVENTS],
        "sync": job if is_read else None,
        "link": export.link_of(room),
    }


def save(request: HttpRequest, room: Room) -> SectionForm | None:
    form = CalendarForm(room, request.POST)
    if not form.save():
        return form
    is_read = form.room.ics_enabled and is_set(form.room, "ics_url")
    said = gettext("Saved. The calendar is read within a minute.") if is_read else gettext("Saved. It is not read.")
    tell(request, NAME, said)
    return None


def sync_now(request: HttpRequest, room: Room) -> None:
    if not (room.ics_enabled and is_set(room, "ics_url")):
        tell(request, NAME, gettext("There is no calendar to read."), is_good=False)
        return
    result = sync.sync_now(room)
    tell(request, NAME, sync.in_words(result), is_good=result["status"] != "error")


def forget(request: HttpRequest, room: Room) -> None:
    room.ics_url, room.ics_enabled = None, False
    room.save(update_fields=["ics_url", "ics_enabled", "updated_at"])
    tell(request, NAME, gettext("The calendar's address and its events are gone from here."))


def make_link(request: HttpRequest, room: Room) -> None:
    had_one = is_set(room, "calendar_secret")
    export.make_link(room)
    if had_one:
        said = gettext("There is a new link to the room's calendar. The one from before leads nowhere now.")
    else:
        said = gettext("There is a link to the room's calendar now.")
    tell(request, NAME, said)


def revoke_link(request: HttpRequest, room: Room) -> None:
    export.revoke_link(room)
    tell(request, NAME, gettext("The link leads nowhere now."))


SECTION = Section(
    NAME,
    _("Calendar"),
    "rooms/sections/calendar.html",
    facts,
    CalendarForm,
    {"save": save, "sync": sync_now, "forget": forget, "make-link": make_link, "revoke-link": revoke_link},
)
