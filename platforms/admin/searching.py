"""Lists in Admin are searched for parts of words among the newest rows, and for whole names among all."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import AutoField, Q, QuerySet
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal

from platforms import listing
from platforms.handler import get_available_platforms

FEW = 100  # rows that are read by their keys

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
        term = search_term.strip()
        beyond = self.beyond_the_searched(request) if term else {}
        if not beyond:
            return super().get_search_results(request, queryset, search_term)
        newest = queryset.filter(*map(self._holding(request), _words(term))).exclude(**beyond)
        found = [newest, *map(queryset.filter, self.whole(term))]
        # Each by an index of its own; after this, the list counts few keys and reads their rows.
        keys = {key for rows in found for key in rows.order_by().values_list("pk", flat=True)[: FEW + 1]}
        return (queryset.filter(pk__in=keys) if len(keys) <= FEW else reduce(or_, found)), False

    def beyond_the_searched(self, request: HttpRequest) -> dict[str, Any]:
        """A condition on rows that are not looked through for parts of words; empty where there are none."""
        order = self._order(request)
        is_bounded = _is_by_age(self.model, order) and self.get_search_fields(request)
        return _beyond(self.model, order) if is_bounded else {}

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        """Of more rows than are counted, only by their age: by anything else, all of them would be sorted."""
        columns, order = super().get_sortable_by(request), self._order(request)
        is_long = _is_by_age(self.model, order) and _beyond(self.model, order)
        return [column for column in columns if column == order.removeprefix("-")] if is_long else list(columns)

    def _order(self, request: HttpRequest) -> str:
        """The first column by which rows are listed; "" for none."""
        columns = [*self.get_ordering(request), *(self.opts.ordering or [])]
        return str(columns[0]) if columns else ""

    def _holding(self, request: HttpRequest) -> Callable[[str], Q]:
        """The condition that some field holds a word.

        Names that stand in other rows are looked for there, among the newest of those: joined with them, all of them
        might be read.
        """
        names = defaultdict(list)
        for field in self.get_search_fields(request):
            relation, _, name = field.rpartition("__")
            names[relation].append(name)
        own = names.pop("", [])
        related = {relation: _newest(self.opts.get_field(relation).related_model) for relation in names}

        def holding(word: str) -> Q:
            keys = {
                f"{relation}__in": rows.filter(_any_holds(names[relation], word)).values("pk")
                for relation, rows in related.items()
            }
            return Q(_any_holds(own, word), *keys.items(), _connector=Q.OR)

        return holding


def _any_holds(names: Iterable[str], word: str) -> Q:
    return Q(*((f"{name}__icontains", word) for name in names), _connector=Q.OR)


def _words(term: str) -> Iterator[str]:
    """As Django's own search takes a term apart: what is in quotes is one word."""
    for word in smart_split(term):
        yield unescape_string_literal(word) if word[0] in "\"'" and word[0] == word[-1] else word


def _is_by_age(model: Any, order: str) -> bool:
    """Whether it is the newest first: by a moment, or by a key that counts up."""
    return order.startswith("-") and (order not in {"-pk", "-id"} or isinstance(model._meta.pk, AutoField))


def _newest(model: Any) -> QuerySet[Any]:
    order = str(next(iter(model._meta.ordering), ""))
    rows: QuerySet[Any] = model._default_manager.order_by()
    return rows.exclude(**_beyond(model, order if _is_by_age(model, order) else "-pk"))


def _beyond(model: Any, order: str) -> dict[str, Any]:
    """A condition on the rows after as many as are counted; empty where there are none."""
    bound, column = listing.COUNTED, order.removeprefix("-")
    values = model._default_manager.order_by(order).values_list(column, flat=True)
    first = values[bound : bound + 1].first()
    return {} if first is None else {f"{column}__lte": first}


def by_provider_names(**names: str) -> list[Q]:
    """By what a provider called it, which is indexed with the platform."""
    return [Q(platform__in=get_available_platforms(), **{name: term}) for name, term in names.items()]
