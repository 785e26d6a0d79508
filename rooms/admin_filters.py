"""What the list of rooms in Admin can be narrowed to."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.handler import platform_choices
from rooms.models import Room
from rooms.platform_change import AUTOMATIC

MOST_OWNERS = 200


class PlatformFilter(admin.SimpleListFilter):
    title = gettext_lazy("platform")
    parameter_name = "platform"
    NONE = "automatic"  # an empty value would mean "all"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(self.NONE, str(AUTOMATIC)), *platform_choices()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Room]) -> QuerySet[Room]:
        if not (value := self.value()):
            return queryset
        return queryset.filter(platform="" if value == self.NONE else value)


class LiveFilter(admin.SimpleListFilter):
    """Needs the annotation `live_meetings`."""

    title = gettext_lazy("live meetings")
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("With a live meeting")), ("no", _("Without"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(live_meetings__gt=0)
        return queryset.filter(live_meetings=0) if self.value() == "no" else queryset


class OwnerFilter(admin.RelatedOnlyFieldListFilter):
    """The people who have rooms. A list too long to read makes way: the search finds owners as well."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """One look for each person, not at each room."""
        has_rooms = Exists(Room.objects.filter(owner=OuterRef("pk")))
        people = get_user_model()._default_manager.filter(has_rooms)
        ordered = people.order_by(*self.field_admin_ordering(field, request, model_admin))
        return [(person.pk, str(person)) for person in ordered[: MOST_OWNERS + 1]]

    def has_output(self) -> bool:
        return super().has_output() and len(self.lookup_choices) <= MOST_OWNERS
