"""Deleting a room by its page, once one says that one means it."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rooms.models import Room
from rooms.pages.room.section import Facts, Section, SectionForm

NAME = "delete"


class DeleteForm(SectionForm):
    is_meant = forms.BooleanField(
        label=_("I want this room to be gone"), error_messages={"required": _("Tick this first, if you mean it.")}
    )


def facts(request: HttpRequest, room: Room) -> Facts:
    return {}


def delete(request: HttpRequest, room: Room) -> SectionForm | None:
    form = DeleteForm(room, request.POST)
    if not form.is_valid():
        return form
    room.delete()
    messages.success(request, gettext("The room “%(room)s” is deleted.") % {"room": room.label})
    return None


SECTION = Section(
    NAME,
    _("Delete the room"),
    "rooms/sections/delete.html",
    facts,
    DeleteForm,
    {"delete": delete},
    is_for=lambda user, room: room.is_deletable_by(user),
)
