"""What a section of a room's page is made of: what it shows, a form, and what its buttons do.

The page shows one section below the other. A button posts to the section's own address; what comes of that is told in
the section, on the page that follows. A form that is not right comes back filled in, with what is wrong beside it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext

from rooms.api.errors import BadRequest
from rooms.api.serializers import UpdateRoomSerializer
from rooms.api.views import save_room
from rooms.models import Room

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise

Facts = dict[str, Any]


class SectionForm(forms.Form):
    """Some of a room's settings. The rules are the API's: its serializer checks, and its function saves."""

    stored: ClassVar[tuple[str, ...]] = ()  # fields that show what the room has

    def __init__(self, room: Room, data: Any = None) -> None:
        self.room = room
        super().__init__(data, initial={name: getattr(room, name) for name in self.stored})

    def changes(self) -> Facts:
        """What is to be stored, by the names of the API."""
        return self.cleaned_data

    def save(self) -> bool:
        """Store what was filled in, if it is right; otherwise the form says what is wrong."""
        if not self.is_valid():
            return False
        with transaction.atomic():
            room = Room.objects.select_for_update().get(pk=self.room.pk)
            serializer = UpdateRoomSerializer(room, data=self.changes(), partial=True)
            if not serializer.is_valid():
                self._take_over(serializer.errors)
                return False
            return self._save(serializer)

    def _save(self, serializer: UpdateRoomSerializer) -> bool:
        try:
            self.room = self.store(serializer)
        except BadRequest as error:
            self.add_error("name", gettext(str(error.detail)))
            return False
        return True

    def store(self, serializer: UpdateRoomSerializer) -> Room:
        """Raises BadRequest."""
        return save_room(serializer)

    def _take_over(self, errors: Mapping[str, Any]) -> None:
        for name, found in errors.items():
            self.add_error(name if name in self.fields else None, [str(error) for error in found])


Action = Callable[[HttpRequest, Room], SectionForm | None]


@dataclass(frozen=True)
class Section:
    """`name` stands in addresses and is the anchor. An action gives back the form that it could not use, or None."""

    name: str
    title: "StrOrPromise"
    template: str
    facts: Callable[[HttpRequest, Room], Facts]
    form: Callable[[Room], SectionForm] | None = None
    actions: Mapping[str, Action] = field(default_factory=dict)
    is_for: Callable[[Any, Room], bool] = lambda user, room: True  # of those who may change the room

    def shown(self, request: HttpRequest, room: Room, form: SectionForm | None = None) -> Facts:
        """What its template is given; `form` is one that has errors."""
        blank = self.form(room) if self.form and form is None else form
        return {"section": self, "form": blank, "room": room, **self.facts(request, room)}


def tell(request: HttpRequest, section: str, text: "StrOrPromise", is_good: bool = True) -> None:
    """Say in the section, on the next page, what came of a button."""
    messages.add_message(request, messages.SUCCESS if is_good else messages.ERROR, text, extra_tags=section)
