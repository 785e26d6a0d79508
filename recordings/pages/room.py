"""A room's own page, for whoever may change the room: to all others it is as if there were none.

It is made of sections (`rooms.pages.room.section`), which stand below each other in the order of SECTIONS.
"""

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from recordings.pages import room_history, room_recipients
from recordings.pages.home import shown_rooms
from rooms.history import changed_by
from rooms.models import Room
from rooms.pages.refused import refused
from rooms.pages.room import calendar, deletion, owners, webhook
from rooms.pages.room import settings as room_settings
from rooms.pages.room.section import Facts, Section, SectionForm


def now(request: HttpRequest, room: Room) -> Facts:
    """What is live, and what comes next."""
    [shown] = shown_rooms(request.user, [room])
    return {"shown": shown}


SECTIONS = [
    Section("now", gettext_lazy("Now and next"), "recordings/room_now.html", now),
    room_history.MEETINGS_SECTION,
    room_history.RECORDINGS_SECTION,
    room_settings.SECTION,
    room_recipients.SECTION,
    calendar.SECTION,
    webhook.SECTION,
    owners.SECTION,
    deletion.SECTION,
]


@require_safe
@never_cache
def room_page(request: HttpRequest, room_name: str) -> HttpResponse:
    room = own_room(request, room_name)
    if room is None:
        return redirect_to_login(request.get_full_path())
    if room.name != room_name:
        return redirect("room-settings", room.name)
    return show(request, room)


@require_POST
@never_cache
def act(request: HttpRequest, room_name: str, section: str, action: str) -> HttpResponse:
    """Do what a button of a section says."""
    room = own_room(request, room_name)
    if room is None:
        return redirect_to_login(reverse("room-settings", args=[room_name]))
    perform = next((one.actions.get(action) for one in sections_for(request, room) if one.name == section), None)
    if perform is None:
        raise Http404
    with changed_by(request.user):
        form = perform(request, room)
    if form:
        return show(request, room, {section: form})
    now_called = Room.objects.filter(pk=room.pk).values_list("name", flat=True).first()
    if now_called is None:
        return redirect("home")
    return HttpResponseRedirect(f"{reverse('room-settings', args=[now_called])}#{section}")


def own_room(request: HttpRequest, name: str) -> Room | None:
    """None for who is not signed in, whether or not there is such a room. Raises Http404."""
    if not request.user.is_authenticated:
        return None
    room = Room.objects.select_related("owner").find(name)
    if room is None or not room.is_editable_by(request.user):
        raise Http404
    return room


def sections_for(request: HttpRequest, room: Room) -> list[Section]:
    return [one for one in SECTIONS if one.is_for(request.user, room)]


def show(request: HttpRequest, room: Room, wrong: dict[str, SectionForm] | None = None) -> HttpResponse:
    """`wrong` is the form that was refused, by the name of its section."""
    told = told_by_section(request)
    forms = wrong or {}
    sections = [
        {**one.shown(request, room, forms.get(one.name)), "told": told[one.name]} for one in sections_for(request, room)
    ]
    context = {
        "room": room,
        "address": f"{settings.PUBLIC_URL}/{room.name}",
        "sections": sections,
        "told": told[""],
        **refused(reverse("room-settings", args=[room.name]), next(iter(forms.values()), None)),
    }
    return render(request, "recordings/room.html", context, status=422 if forms else 200)


def told_by_section(request: HttpRequest) -> dict[str, list[Any]]:
    """What is to be said of what was done before. A script that looks again must not use it up."""
    told = defaultdict(list)
    if not request.headers.get("X-Quiet"):
        names = {one.name for one in SECTIONS}
        for message in get_messages(request):
            told[message.extra_tags if message.extra_tags in names else ""].append(message)
    return told
