"""Who runs a room together with its owner, on its page."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rooms import co_owners
from rooms.models import Room
from rooms.pages.room.section import Facts, Section, SectionForm, tell

NAME = "owners"


class OwnersForm(SectionForm):
    person = forms.CharField(
        label=_("E-mail address or user name"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        help_text=_(
            "They host its meetings, change its settings and see its recordings, but cannot delete it. "
            "Transcripts stay their owner's to share."
        ),
    )

    def clean_person(self) -> Any:
        name = self.cleaned_data["person"]
        users = get_user_model().objects.filter(is_active=True)
        found = list(users.filter(email__iexact=name)[:2]) or list(users.filter(username=name)[:2])
        if len(found) > 1:
            raise forms.ValidationError(gettext("Several accounts have this address: enter the user name."))
        if not found:
            raise forms.ValidationError(gettext("There is no account of this address or name."))
        if found[0].pk == self.room.owner_id:
            raise forms.ValidationError(gettext("This is the room's owner."))
        return found[0]


def facts(request: HttpRequest, room: Room) -> Facts:
    return {"co_owners": room.co_owners.order_by("username")}


def add(request: HttpRequest, room: Room) -> SectionForm | None:
    form = OwnersForm(room, request.POST)
    if not form.is_valid():
        return form
    if not co_owners.add(room, form.cleaned_data["person"]):
        form.add_error(None, co_owners.full())
        return form
    name = form.cleaned_data["person"].get_username()
    tell(request, NAME, gettext("%(name)s runs the room with you now.") % {"name": name})
    return None


def remove(request: HttpRequest, room: Room) -> None:
    number = request.POST.get("person", "")
    person = room.co_owners.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 10 else None
    if person is None:
        raise Http404
    room.co_owners.remove(person)
    tell(request, NAME, gettext("%(name)s does not run the room any more.") % {"name": person.get_username()})


SECTION = Section(
    NAME,
    _("Co-owners"),
    "rooms/sections/owners.html",
    facts,
    OwnersForm,
    {"add": add, "remove": remove},
    is_for=lambda user, room: room.is_given_away_by(user),
)
