"""Statements that are asked all the time: Django writes their SQL once in a process, and not each time anew."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.db import connection
from django.db.models import Field, JSONField, Model, QuerySet, UUIDField
from django.db.models.base import ModelState
from django.db.models.sql import UpdateQuery

Row = TypeVar("Row")

EMPTY: Mapping[str, Callable[[], Any]] = {"[]": list, "{}": dict}  # in JSON
LENGTHS = 100  # of lists of keys, for which the SQL is kept: those of a page

Example = tuple["Field[Any, Any]", Any]  # a field, and a value of it that stands nowhere else in the statement
Examples = Mapping[str, Callable[[], Example]]


def example(model: type[Model], field: str, value: Any) -> Callable[[], Example]:
    return lambda: (cast("Field[Any, Any]", model._meta.get_field(field)), value)


def values_of(examples: Examples) -> dict[str, Any]:
    return {name: example()[1] for name, example in examples.items()}


def rows_of(sql: str, parameters: Sequence[Any]) -> list[Any]:
    """Of several statements, which only PostgreSQL takes, those of the last."""
    return _answers_of([(sql, parameters)])[-1]


def _answers_of(asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[Any]]:
    """The rows of each statement; PostgreSQL is asked for all of them by one round trip."""
    if connection.vendor == "postgresql":
        sql = "; ".join(sql for sql, _ in asked)
        answers = cast(Any, connection).answers_of(sql, [value for _, values in asked for value in values])
        return cast("list[list[Any]]", answers)
    with connection.cursor() as cursor:
        return [cursor.execute(*one).fetchall() for one in asked]


class Asked(NamedTuple):
    """A statement with its values, and what is made of its rows."""

    sql: str
    parameters: Sequence[Any]
    make: Callable[[list[Any]], list[Any]] = list


def ask(*asked: Asked) -> list[list[Any]]:
    """What each of several statements gives. PostgreSQL is asked once, which is most of what a small one costs."""
    if not asked:
        return []
    answers = _answers_of([(one.sql, one.parameters) for one in asked])
    return [one.make(rows) for one, rows in zip(asked, answers, strict=True)]


class Written:
    """SQL, and the places of its values in it."""

    def __init__(self, sql: str, parameters: Sequence[Any], examples: Examples) -> None:
        fields = {name: example() for name, example in examples.items()}
        prepared = {name: field.get_db_prep_value(value, connection) for name, (field, value) in fields.items()}
        self._sql = sql
        self._places: list[tuple[str, Field[Any, Any] | None, Any]] = []
        for parameter in parameters:
            name = next((name for name, value in prepared.items() if value == parameter), "")
            self._places.append((name, fields[name][0] if name else None, parameter))
        if missing := prepared.keys() - {name for name, _, _ in self._places}:
            raise ValueError(f"Nothing in the statement depends on {', '.join(sorted(missing))}.")

    def asked(self, values: Mapping[str, Any]) -> Asked:
        parameters = [
            field.get_db_prep_value(values[name], connection) if field else constant
            for name, field, constant in self._places
        ]
        return Asked(self._sql, parameters)

    def run(self, values: Mapping[str, Any]) -> list[Any]:
        asked = self.asked(values)
        return rows_of(asked.sql, asked.parameters)


class Statement(Generic[Row]):
    """Rows of one model, or values of them, by a queryset of which only some values differ.

    `build` makes the queryset from an example of each value. It may leave fields out, have annotations and join rows
    that belong to its own, but without prefetching. What depends on the time or on settings is an argument, too. One
    that locks its rows is run in a transaction only.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Row]], **examples: Callable[[], Example]) -> None:
        self._build = build
        self._examples = examples
        self._written: dict[str, _Objects] = {}
        self._counted: dict[str, Written] = {}

    def asked(self, **values: Any) -> Asked:
        """To be asked together with others."""
        written = self._written.get(connection.vendor)
        if written is None:
            written = self._written[connection.vendor] = _Objects(self._build, self._examples)
        return written.asked(values)

    def rows(self, **values: Any) -> list[Row]:
        [found] = ask(self.asked(**values))
        return found

    def first(self, **values: Any) -> Row | None:
        return next(iter(self.rows(**values)), None)

    def count(self, **values: Any) -> int:
        counted = self._counted.get(connection.vendor)
        if counted is None:
            rows = self._build(**values_of(self._examples)).order_by().values("pk")
            sql, parameters = rows.query.sql_with_params()
            counted_sql = f"SELECT count(*) FROM ({sql}) AS counted"  # noqa: S608  (the model's own)
            counted = self._counted[connection.vendor] = Written(counted_sql, parameters, self._examples)
        [[total]] = counted.run(values)
        return int(total)


class StatementOfKeys(Generic[Row]):
    """Rows of one model by a list of UUIDs; each length of it has an SQL of its own."""

    def __init__(self, build: Callable[[Sequence[uuid.UUID]], QuerySet[Any, Row]]) -> None:
        self._build = build
        self._of_length = lru_cache(LENGTHS)(self._written)

    def asked(self, keys: Sequence[uuid.UUID]) -> Asked:
        """To be asked together with others; there is at least one key."""
        return self._of_length(len(keys)).asked(**{f"key_{number}": key for number, key in enumerate(keys)})

    def rows(self, keys: Sequence[uuid.UUID]) -> list[Row]:
        if not keys:
            return []
        [found] = ask(self.asked(keys))
        return found

    def _written(self, length: int) -> Statement[Row]:
        examples = {f"key_{number}": partial(_example_key, number) for number in range(length)}
        return Statement(lambda **keys: self._build(list(keys.values())), **examples)


def _example_key(number: int) -> Example:
    return UUIDField(), uuid.UUID(int=number)


class Update:
    """Sets values in the rows of a queryset; `build` makes both from an example of each value, as for a Statement.

    Outside of a transaction, doing it twice must be as good as once: after a connection was lost it may be.
    """

    def __init__(
        self, build: Callable[..., tuple[QuerySet[Any], Mapping[str, Any]]], **examples: Callable[[], Example]
    ) -> None:
        self._build = build
        self._examples = examples
        self._written: dict[str, Written] = {}

    def run(self, **values: Any) -> int:
        """How many rows that were."""
        written = self._written.get(connection.vendor)
        if written is None:
            rows, changes = self._build(**values_of(self._examples))
            query: Any = rows.query.chain(UpdateQuery)
            query.add_update_values(changes)
            sql, parameters = query.get_compiler(connection=connection).as_sql()
            written = self._written[connection.vendor] = Written(f"{sql} RETURNING 1", parameters, self._examples)
        return len(written.run(values))


class _Objects:
    """The SQL for one kind of database, and how its rows become objects: as Django's ModelIterable makes them.

    Those of a queryset of values stay what they are.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], examples: Examples) -> None:
        query = build(**values_of(examples)).query
        compiler = query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        self._written = Written(sql, parameters, examples)
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        self._converters = [(place, _converter(*found)) for place, found in converters.items()]
        info = None if query.values_select else compiler.klass_info
        self._part = _Part(info, compiler.select) if info else None
        self._annotations = list(compiler.annotation_col_map.items()) if self._part else []

    def asked(self, values: Mapping[str, Any]) -> Asked:
        return self._written.asked(values)._replace(make=self._objects if self._part else self._values)

    def _values(self, rows: list[Any]) -> list[Any]:
        return [self._converted(row) for row in rows] if self._converters else rows

    def _objects(self, rows: list[Any]) -> list[Any]:
        alias, make = connection.alias, cast(_Part, self._part).make
        converted = self._values(rows)
        objects = [make(row, alias) for row in converted]
        for name, place in self._annotations:
            for made, row in zip(objects, converted, strict=True):
                made.__dict__[name] = row[place]
        return objects

    def _converted(self, row: Any) -> list[Any]:
        values = list(row)
        for place, convert in self._converters:
            if values[place] is not None:
                values[place] = convert(values[place])
        return values


def _converter(converters: Sequence[Callable[..., Any]], expression: Any) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        for one in converters:
            value = one(value, expression, connection)
        return value

    if not isinstance(expression.output_field, JSONField):
        return convert
    # Most are empty, which need no parser.
    return lambda text: EMPTY[text]() if text in EMPTY else convert(text)


class _Part:
    """The columns of a row that make one object, and the objects that belong to it.

    Nobody listens to the signals that Django sends before and after it makes an object; without them, and with all
    values at once, that takes a tenth of the time.
    """

    def __init__(self, info: Mapping[str, Any], select: Sequence[Any]) -> None:
        columns = info["select_fields"]
        self._model = info["model"]
        self._start, self._stop = columns[0], columns[-1] + 1
        self._names = [column.target.attname for column, _, _ in select[self._start : self._stop]]
        self._key = self._start + self._names.index(self._model._meta.pk.attname)
        self._set_here, self._set_there = info.get("local_setter"), info.get("remote_setter")
        self._others = [_Part(other, select) for other in info.get("related_klass_infos", [])]

    def make(self, row: Any, alias: str) -> Any:
        made = self._model.__new__(self._model)
        state = ModelState()
        state.adding, state.db = False, alias
        values = row[self._start : self._stop]
        made.__dict__.update(zip(self._names, values, strict=True), _state=state)
        for other in self._others:
            other.join(made, row, alias)
        return made

    def join(self, made: Any, row: Any, alias: str) -> None:
        other = None if row[self._key] is None else self.make(row, alias)
        self._set_here(made, other)  # type: ignore[misc]  # both are there for a part that is joined
        if other is not None:
            self._set_there(other, made)  # type: ignore[misc]
