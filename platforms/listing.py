"""Lists whose cost does not grow with their tables: what is counted and what is looked through has a bound."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from typing import Any, Generic, TypeVar, cast, overload

from django.db import connection, connections
from django.db.models import Model, QuerySet, TextField
from django.db.models.expressions import RawSQL

from platforms.statements import Example, Statement, Written, ask, rows_of, values_of

Row = TypeVar("Row", bound=Model)

Write = Callable[..., tuple[str, Sequence[Any]]]  # an SQL and its parameters

NEWEST_FIRST = ("-created_at", "-id")
KEPT = 128  # of each list, its pages and what is asked of it, whose SQL a process keeps
COUNTED = 10_000  # rows; a longer list is said to have more
# Keys that are asked for at the least: for a few, PostgreSQL would go through all rows in their order until it had met
# so many of one person's, who may have fewer than most have.
FEWEST = 50
LAST_PLACE = 2**31  # of a row; beyond it no list goes, and databases refuse numbers that are far beyond


def count_up_to(rows: QuerySet[Any], limit: int | None = None) -> int:
    """How many there are; one more than `limit`, COUNTED unless it is given, where there are more."""
    return rows.order_by()[: (COUNTED if limit is None else limit) + 1].count()


class Listing(Generic[Row]):
    """One list of the rows of several querysets, no two of which have a row in common.

    Of a condition with "or" over them, databases would read and sort all rows. Here each gives its first ones, by an
    index of its own, and the rows of a page are read by their keys. `rows` says what is read with them.
    """

    def __init__(self, rows: QuerySet[Row], parts: Sequence[QuerySet[Row]], order: Sequence[str]) -> None:
        """`order` are fields of the model, each perhaps after a minus; a unique one comes last."""
        self._rows = rows
        self._parts = parts
        self._order = order

    def filter(self, *conditions: Any, **lookups: Any) -> "Listing[Row]":
        if not conditions and not lookups:
            return self
        return self.narrowed(lambda part: part.filter(*conditions, **lookups))

    def narrowed(self, narrow: Callable[[QuerySet[Row]], QuerySet[Row]]) -> "Listing[Row]":
        return Listing(self._rows, [narrow(part) for part in self._parts], self._order)

    def order_by(self, *order: str) -> "Listing[Row]":
        return Listing(self._rows, self._parts, order)

    def newest(self) -> "Listing[Row]":
        """Of each part that has more than COUNTED rows, those that were made last."""
        return self.narrowed(_newest)

    def of_values(self, *fields: str) -> "Listing[Any]":
        """The same list; of its rows are read these fields only, the first of which is the key."""
        return Listing(cast("QuerySet[Any]", self._rows.values_list(*fields)), self._parts, self._order)

    def parts(self) -> Sequence[QuerySet[Row]]:
        return self._parts

    def count(self) -> int:
        """Exact up to COUNTED; one more than that where there are more."""
        [[total]] = self.ask(_write_count, COUNTED)
        return int(total)

    def page_and_count(self, start: int, stop: int) -> tuple[list[Row], int | None]:
        """A slice, and how many rows there are in all where that costs no statement of its own."""
        return self[start:stop], None

    def ask(self, write: Write, *fixed: Hashable, texts: Sequence[str] = ()) -> list[Any]:
        """The rows of an SQL of one's own: what `write` makes of this listing, of what is `fixed` and of `texts`."""
        return rows_of(*write(self, *fixed, texts))

    def counted(self, limit: int) -> QuerySet[Row, Any]:
        """The keys of as many rows as are counted: one more than `limit`."""
        parts = [part.select_related(None).order_by().values("pk") for part in self._there()]
        if connections[self._rows.db].features.supports_slicing_ordering_in_compound:
            parts = [part[: COUNTED + 1] for part in parts]  # or one of them might be read as a whole
        return _united(parts or [self._rows.none().values("pk")])[: limit + 1]

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    @overload
    def __getitem__(self, place: int) -> Row: ...

    def __getitem__(self, place: int | slice) -> list[Row] | Row:
        if isinstance(place, int):
            return self[place : place + 1][0]
        return self._slice(place.start or 0, place.stop)

    def _slice(self, start: int, stop: int) -> list[Row]:
        keys = self.keys(start, stop)
        found = self._by_key(keys)
        return [found[key] for key in keys if key in found]

    def _by_key(self, keys: Sequence[Any]) -> Mapping[Any, Row]:
        rows = self._rows.order_by()
        if not rows.query.values_select:
            return rows.in_bulk(keys)
        return {row[0]: row for row in cast("QuerySet[Any, Any]", rows.filter(pk__in=keys))}

    def page(self, start: int, stop: int) -> QuerySet[Row]:
        """The rows from one place to another, in order, by one statement: for rows with which nothing is reckoned.

        Where more keys are asked for than rows, the others are left out before anything is read with them.
        """
        keys = self._keys(start, _enough(start, stop))
        if keys.query.is_empty():
            return self._rows.none()
        sql, parameters = keys.query.sql_with_params()
        key = self._order[-1].removeprefix("-")
        order = ", ".join(f"{name.removeprefix('-')} {'DESC' if name[0] == '-' else 'ASC'}" for name in self._order)
        # By itself, so that the database looks for the keys first, and for no fewer of them.
        first = f"WITH page AS MATERIALIZED ({sql}) SELECT {key} FROM page ORDER BY {order} LIMIT {stop - start}"  # noqa: S608  (the model's own)
        return self._rows.filter(pk__in=RawSQL(first, parameters)).order_by(*self._order)  # noqa: S611  (the same)

    def keys(self, start: int, stop: int) -> list[Any]:
        """Of the rows from one place to another, in order."""
        return self.values(self._order[-1].removeprefix("-"), start, stop)

    def values(self, field: str, start: int, stop: int) -> list[Any]:
        """The same of one field of the rows."""
        return [row[-1] for row in self._keys(start, _enough(start, stop), field)][: stop - start]

    def _keys(self, start: int, stop: int, *fields: str) -> QuerySet[Row, Any]:
        """What the rows are ordered by, their unique field last, and `fields`."""
        parts = self._there()
        if not parts or stop <= start:
            return self._rows.none()
        names = [name.removeprefix("-") for name in self._order]
        firsts = [self._first_of(part, stop, is_alone=len(parts) == 1).values_list(*names, *fields) for part in parts]
        return _united(firsts).order_by(*self._order)[start:stop]

    def _there(self) -> list[QuerySet[Row]]:
        """The parts that are not known to be empty."""
        return [part for part in self._parts if not part.query.is_empty()]

    def _first_of(self, part: QuerySet[Row], stop: int, is_alone: bool) -> QuerySet[Row]:
        first = part.select_related(None).order_by(*self._order)
        if is_alone:
            return first
        if connections[part.db].features.supports_slicing_ordering_in_compound:
            return first[:stop]
        return self._rows.model._default_manager.filter(pk__in=first.values("pk")[:stop]).order_by()


def _enough(start: int, stop: int) -> int:
    """Where to stop at the earliest, so that as many as FEWEST are asked for."""
    return max(stop, start + FEWEST) if stop > start else stop


def _united(parts: Sequence[QuerySet[Row, Any]]) -> QuerySet[Row, Any]:
    return parts[0].union(*parts[1:], all=True) if parts[1:] else parts[0]


def _newest(part: QuerySet[Row]) -> QuerySet[Row]:
    made = part.order_by("-created_at").values_list("created_at", flat=True)
    beyond = made[COUNTED : COUNTED + 1].first()
    return part if beyond is None else part.filter(created_at__gt=beyond)


def _write_count(listing: Listing[Any], limit: int, texts: Sequence[str]) -> tuple[str, Sequence[Any]]:
    sql, parameters = listing.counted(limit).query.sql_with_params()
    return f"SELECT count(*) FROM ({sql}) AS counted", parameters  # noqa: S608  (the model's own)


def _example_text(number: int) -> Example:
    return TextField(), f"an example of text {number}"


class Kept(Generic[Row]):
    """Listings of which only some values differ, such as whose rows they are: a process writes their SQL once."""

    def __init__(self, build: Callable[..., Listing[Row]], **examples: Callable[[], Example]) -> None:
        """As of a Statement, but for what `build` makes."""
        self.build = build
        self.of_values = lru_cache(KEPT)(self._of_values)
        self.page = lru_cache(KEPT)(self._page)
        self.sql = lru_cache(KEPT)(self._sql)
        self._examples = examples

    def of(self, **values: Any) -> Listing[Row]:
        return _KeptListing(self, values)

    def _of_values(self, *fields: str) -> "Kept[Any]":
        return Kept(lambda **values: self.build(**values).of_values(*fields), **self._examples)

    def _page(self, start: int, stop: int) -> Statement[Row]:
        return Statement(lambda **values: self.build(**values).page(start, stop), **self._examples)

    def _sql(self, vendor: str, write: Write, fixed: tuple[Hashable, ...], texts: int) -> Written:
        examples = self._examples | {f"text {n}": partial(_example_text, n) for n in range(texts)}
        listing = self.build(**values_of(self._examples))
        sql, parameters = write(listing, *fixed, [_example_text(n)[1] for n in range(texts)])
        return Written(sql, parameters, examples)


class _KeptListing(Listing[Row]):
    """One of them. What it is narrowed to is a listing like any other."""

    def __init__(self, kept: Kept[Row], values: Mapping[str, Any]) -> None:
        self._kept = kept
        self._values = values

    @cached_property
    def _whole(self) -> Listing[Row]:
        return self._kept.build(**self._values)

    @cached_property
    def _rows(self) -> QuerySet[Row]:  # type: ignore[override]  # nobody sets it
        return self._whole._rows

    @cached_property
    def _parts(self) -> Sequence[QuerySet[Row]]:  # type: ignore[override]  # nobody sets it
        return self._whole._parts

    @cached_property
    def _order(self) -> Sequence[str]:  # type: ignore[override]  # nobody sets it
        return self._whole._order

    def of_values(self, *fields: str) -> Listing[Any]:
        return self._kept.of_values(*fields).of(**self._values)

    def ask(self, write: Write, *fixed: Hashable, texts: Sequence[str] = ()) -> list[Any]:
        values = {**self._values, **{f"text {n}": text for n, text in enumerate(texts)}}
        return self._kept.sql(connection.vendor, write, fixed, len(texts)).run(values)

    def page_and_count(self, start: int, stop: int) -> tuple[list[Row], int | None]:
        if connection.vendor != "postgresql":
            return super().page_and_count(start, stop)
        page = self._kept.page(start, stop).asked(**self._values)
        count = self._kept.sql(connection.vendor, _write_count, (COUNTED,), 0).asked(self._values)
        rows, [[total]] = ask(page, count)
        return rows, int(total)

    def _slice(self, start: int, stop: int) -> list[Row]:
        if stop <= start:
            return []
        return self._kept.page(start, stop).rows(**self._values)
