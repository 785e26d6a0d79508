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


class SearchById(SearchableAdmin):
    """For models whose key is a UUID; goes before ModelAdmin."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        try:
            return queryset.filter(pk=uuid.UUID(search_term)), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
