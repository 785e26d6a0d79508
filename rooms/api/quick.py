"""Rows as their serializer says, ten times as fast as REST framework shows them.

The fields of a serializer class are looked at once: where a value comes from, and what is made of it. What an answer
holds stays what the serializer, and so the schema, says; `tests/rooms/api/test_quick.py` compares the two.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, cached_property
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db.models import CharField, Model, TextField
from django.db.models.query_utils import DeferredAttribute
from rest_framework import serializers

from rooms.models.sealed import Sealed, SealedField

Row = TypeVar("Row", bound=Model)
NOTHING = frozenset[str]()


class Shown(NamedTuple):
    """A field: what the serializer's `method` says, or what `convert` makes of what is found at `source`."""

    name: str
    method: str
    source: str
    convert: Callable[[Any], Any] | None


class Plan:
    """The fields of a serializer in the ways in which they are got."""

    def __init__(self, model: type[Model], fields: Sequence[Shown], hidden: Collection[str]) -> None:
        self.empty: dict[str, Any] = {field.name: None for field in fields}
        seen = [field for field in fields if field.name not in hidden]
        self.methods = [(field.name, field.method) for field in seen if field.method]
        found = [field for field in seen if not field.method]
        # What every row has itself is got at once, and most of that is there as the database gave it.
        columns = {
            field.attname for field in model._meta.fields if issubclass(field.descriptor_class, DeferredAttribute)
        }
        near = [field for field in found if field.source in columns]
        self.near = tuple(field.name for field in near)
        sources = [field.source for field in near]
        self._get_loaded, self._get_any = itemgetter(*sources, "_state"), attrgetter(*sources, "_state")  # tuples
        self.converted = [(field.name, field.convert) for field in near if field.convert]
        self.far = [(field.name, attrgetter(field.source), field.convert) for field in found if field not in near]

    def get_near(self, instance: Model) -> Sequence[Any]:
        try:
            return self._get_loaded(instance.__dict__)  # type: ignore[no-any-return]
        except KeyError:  # not all of it was loaded
            return self._get_any(instance)


class QuickSerializer(serializers.ModelSerializer[Row]):
    """For serializers that only show. Their fields may not ask for the context; methods may."""

    def shown(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        return [self.to_representation(row) for row in rows]

    def to_representation(self, instance: Row, hidden: frozenset[str] = NOTHING) -> dict[str, Any]:
        """`hidden` fields are null, and are not even read."""
        plan = plan_of(type(self), hidden)
        shown = plan.empty.copy()
        shown.update(zip(plan.near, plan.get_near(instance), strict=False))
        for name, convert in plan.converted:
            if shown[name] is not None:
                shown[name] = convert(shown[name])
        for name, get, of_found in plan.far:
            try:
                value = get(instance)
            except (AttributeError, ObjectDoesNotExist):  # on the way to it nothing is there
                continue
            shown[name] = value if value is None or of_found is None else of_found(value)
        for name, method in plan.methods:
            shown[name] = getattr(self, method)(instance)
        return shown


class Computed(NamedTuple):
    """What a function makes of what is found at some sources."""

    function: Callable[..., Any]
    sources: Sequence[str]


class Columns:
    """The fields of a serializer as columns of a table, so that its rows are shown without objects between them.

    What is neither a column nor computed of some is null. Columns of which nothing is shown may be read `also`; they
    come last.
    """

    def __init__(
        self,
        serializer_class: type[serializers.ModelSerializer[Any]],
        computed: Mapping[str, Computed],
        also: Sequence[str] = (),
    ) -> None:
        self._serializer_class = serializer_class
        self._computed = computed
        self._also = also

    @cached_property
    def _fields(self) -> Sequence[Shown]:
        return shown_fields(self._serializer_class)

    @cached_property
    def _plain(self) -> Sequence[Shown]:
        model = self._serializer_class.Meta.model
        return [field for field in self._fields if field.name not in self._computed and is_column(model, field.source)]

    @cached_property
    def _sources(self) -> Sequence[str]:
        computed = chain(*(one.sources for one in self._computed.values()))
        return list(dict.fromkeys([*(field.source for field in self._plain), *computed, *self._also]))

    @cached_property
    def names(self) -> Sequence[str]:
        """For `values_list`."""
        return [source.replace(".", "__") for source in self._sources]

    @cached_property
    def _show(self) -> Callable[[Sequence[Any]], dict[str, Any]]:
        empty: dict[str, Any] = {field.name: None for field in self._fields}
        names = tuple(field.name for field in self._plain)
        converted = [(field.name, field.convert) for field in self._plain if field.convert]
        computed = [
            (name, one.function, itemgetter(*map(self._sources.index, one.sources)))
            for name, one in self._computed.items()
        ]

        def show(row: Sequence[Any]) -> dict[str, Any]:
            shown = empty.copy()
            shown.update(zip(names, row, strict=False))
            for name, convert in converted:
                if shown[name] is not None:
                    shown[name] = convert(shown[name])
            for name, function, get in computed:
                shown[name] = function(*get(row))
            return shown

        return show

    def shown(self, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
        show = self._show
        return [show(row) for row in rows]


@cache
def plan_of(serializer_class: type[serializers.ModelSerializer[Any]], hidden: frozenset[str]) -> Plan:
    return Plan(serializer_class.Meta.model, shown_fields(serializer_class), hidden)


def shown_fields(serializer_class: type[serializers.ModelSerializer[Any]]) -> Sequence[Shown]:
    fields, model = serializer_class().fields.values(), serializer_class.Meta.model
    return [shown_of(field, model) for field in fields if not field.write_only]


def shown_of(field: serializers.Field[Any, Any, Any, Any], model: type[Model]) -> Shown:
    name = str(field.field_name)
    if isinstance(field, serializers.SerializerMethodField):
        return Shown(name, str(field.method_name), name, None)
    source = ".".join(field.source_attrs)
    convert = CONVERT.get(class_that_converts(field), field.to_representation)
    if is_sealed(model, source):
        return Shown(name, "", source, opened)
    return Shown(name, "", source, None if convert is str and is_text(model, source) else convert)


def class_that_converts(field: serializers.Field[Any, Any, Any, Any]) -> type:
    return next(one for one in type(field).__mro__ if "to_representation" in vars(one))


def is_column(model: type[Model] | None, source: str) -> bool:
    try:
        for name in source.split("."):
            model = model and model._meta.get_field(name).related_model
    except FieldDoesNotExist:
        return False
    return True


def is_text(model: type[Model], source: str) -> bool:
    """Whether the database gives it as what it is shown as."""
    return any(isinstance(field, CharField | TextField) for field in model._meta.fields if field.name == source)


def is_sealed(model: type[Model], source: str) -> bool:
    return any(isinstance(field, SealedField) for field in model._meta.fields if field.attname == source)


def opened(value: Sealed | str) -> str:
    return value.open() if isinstance(value, Sealed) else value


def moment(value: datetime) -> datetime:
    """In UTC, as REST framework writes times; as databases give them they are."""
    return value if value.tzinfo is UTC else value.astimezone(UTC)


# None where the value is shown as it is: the database gives it in its type, and the renderer knows how to write it.
CONVERT: dict[type, Callable[[Any], Any] | None] = {
    serializers.BooleanField: None,
    serializers.CharField: str,
    serializers.ChoiceField: None,
    serializers.DateTimeField: moment,
    serializers.IntegerField: None,
    serializers.URLField: str,
    serializers.UUIDField: None,
}
