"""Finding a row by its id, as logs and the API name it, or by a whole name, besides by its words."""

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from rooms.models import Room

MOST_PEOPLE = 100  # who may share an e-mail address

if TYPE_CHECKING:
    SearchableAdmin = admin.ModelAdmin[Any]
else:
    SearchableAdmin = object


class SearchById(SearchableAdmin):
    """For models whose key is a UUID; goes before ModelAdmin."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        try:
            return queryset.filter(pk=uuid.UUID(search_term)), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)


def people_called(term: str) -> list[int]:
    """Keys of accounts with this name or e-mail address."""
    people = get_user_model()._default_manager.filter(Q(username=term) | Q(email__iexact=term))
    return list(people.values_list("pk", flat=True)[:MOST_PEOPLE])


def rooms_called(term: str) -> list[uuid.UUID]:
    """The key of the room with this name, if there is one."""
    return list(Room.objects.named(term).values_list("pk", flat=True))
