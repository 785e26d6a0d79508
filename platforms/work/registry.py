"""Which function does the work of which rows: the apps' `jobs.py` say so, so that the models need know none of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Performer:
    perform: Callable[[Any], None]
    on_permanent_failure: Callable[[Any, Exception], None] | None = None


_performers: dict[type[Model], Performer] = {}


def performs(
    model: type[Row],
    perform: Callable[[Row], None],
    on_permanent_failure: Callable[[Row, Exception], None] | None = None,
) -> None:
    """Have the rows of a model, and of its proxies, done by `perform`; Work says what is asked of either function."""
    _performers[model] = Performer(perform, on_permanent_failure)


def performer_of(model: type[Model]) -> Performer:
    for ancestor in model.__mro__:
        if ancestor in _performers:
            return _performers[ancestor]
    raise NotImplementedError(f"No jobs.py says how the work of {model.__name__} is done.")
