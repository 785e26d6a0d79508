"""Lists in Admin are searched for parts of words among the newest rows, and for whole names among all."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from platforms import listing
from platforms.handler import get_available_platforms

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = object


class BoundedSearch(AnyModelAdmin):
    """Goes before ModelAdmin. No index finds parts of words, so that the rows that are looked through have a bound."""

    def whole(self, term: str) -> Sequence[Q]:
        """Conditions that find rows of any age, each by an index on this model's own columns."""
        return ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, has_doubles = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        beyond = self.beyond_the_searched(request) if term else {}
        if not beyond:
            return found, has_doubles
        rows = found.exclude(**beyond)
        for condition in self.whole(term):
            rows |= queryset.filter(condition)
        return rows, has_doubles

    def beyond_the_searched(self, request: HttpRequest) -> dict[str, Any]:
        """A condition on rows that are not looked through for parts of words; empty where there are none."""
        order = self._order(request)
        if not order.startswith("-") or order in {"-pk", "-id"} or not self.get_search_fields(request):
            return {}
        bound, moment = listing.COUNTED, order.removeprefix("-")
        moments = self.model._default_manager.order_by(order).values_list(moment, flat=True)
        first_beyond = moments[bound : bound + 1].first()
        return {} if first_beyond is None else {f"{moment}__lte": first_beyond}

    def _order(self, request: HttpRequest) -> str:
        """The first column by which rows are listed; "" for none."""
        columns = [*self.get_ordering(request), *(self.opts.ordering or [])]
        return str(columns[0]) if columns else ""


def by_provider_names(**names: str) -> list[Q]:
    """By what a provider called it, which is indexed with the platform."""
    return [Q(platform__in=get_available_platforms(), **{name: term}) for name, term in names.items()]
