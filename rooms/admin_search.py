"""Finding a row by its id, as logs and the API name it, besides by its words."""

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    SearchableAdmin = admin.ModelAdmin[Any]
else:
    SearchableAdmin = object


class NoGuessing:
    """Keeps fields out of what an address can filter by; goes before ModelAdmin.

    Else their content could be guessed, letter by letter, from whether anything is found.
    """

    never_filtered: frozenset[str] = frozenset()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        if lookup.split("__")[0] in self.never_filtered:
            return False
        allowed: bool = super().lookup_allowed(lookup, value, request)  # type: ignore[misc]
        return allowed


class SearchById(SearchableAdmin):
    """For models whose key is a UUID; goes before ModelAdmin."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        try:
            return queryset.filter(pk=uuid.UUID(search_term)), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
