"""What the list of rooms in Admin can be narrowed to."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from platforms.handler import platform_choices
from rooms.models import Room
from rooms.moving import AUTOMATIC

MOST_OWNERS = 200


class PlatformFilter(admin.SimpleListFilter):
    title = "platform"
    parameter_name = "platform"
    NONE = "automatic"  # an empty value would mean "all"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(self.NONE, AUTOMATIC), *platform_choices()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Room]) -> QuerySet[Room]:
        if not (value := self.value()):
            return queryset
        return queryset.filter(platform="" if value == self.NONE else value)


class LiveFilter(admin.SimpleListFilter):
    """Needs the annotation `live_meetings`."""

    title = "live meetings"
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "With a live meeting"), ("no", "Without")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(live_meetings__gt=0)
        return queryset.filter(live_meetings=0) if self.value() == "no" else queryset


class OwnerFilter(admin.RelatedOnlyFieldListFilter):
    """The people who have rooms. A list too long to read makes way: the search finds owners as well."""

    def has_output(self) -> bool:
        return super().has_output() and len(self.lookup_choices) <= MOST_OWNERS
