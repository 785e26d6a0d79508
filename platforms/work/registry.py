"""Which function does the work of which rows: the apps' `jobs.py` say so, so that the models need know none of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model

Row = TypeVar("Row", bound=Model)
Together = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True)
class Performer:
    perform: Callable[[Any], None]
    on_permanent_failure: Callable[[Any, Exception], None] | None = None
    perform_together: Together | None = None


_performers: dict[type[Model], Performer] = {}


def performs(
    model: type[Row],
    perform: Callable[[Row], None],
    on_permanent_failure: Callable[[Row, Exception], None] | None = None,
    perform_together: Callable[[Sequence[Row]], Sequence[Row]] | None = None,
) -> None:
    """Have the rows of a model, and of its proxies, done by `perform`; Job says what is asked of either function.

    Where it and its outcome are one transaction, rows that were claimed together are given to `perform_together`
    first, in one transaction for all. It says which of them it has done; the others are done one by one, and all of
    them when it fails.
    """
    _performers[model] = Performer(perform, on_permanent_failure, perform_together)


def performer_of(model: type[Model]) -> Performer:
    if (performer := _found(model)) is None:
        raise NotImplementedError(f"No jobs.py says how the work of {model.__name__} is done.")
    return performer


def together_of(model: type[Model]) -> Together | None:
    """None where rows are done one by one, as are those of a model that has a `perform` of its own."""
    performer = _found(model)
    return performer.perform_together if performer else None


def _found(model: type[Model]) -> Performer | None:
    return next((_performers[ancestor] for ancestor in model.__mro__ if ancestor in _performers), None)
