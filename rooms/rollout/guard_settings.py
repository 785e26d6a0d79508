"""What staff set of the guards: JSON by the guard's name. What is not there has its default."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from rooms.rollout.guards import DEFAULTS, Guard

LOWEST: Mapping[str, float] = {"limit": 0, "tolerated": 1, "minimum": 1, "within_minutes": 1}
HIGHEST: Mapping[str, float] = {"limit": 10_000, "tolerated": 100, "minimum": 100_000, "within_minutes": 14 * 24 * 60}
WHOLE = ("minimum", "within_minutes")


def guards_of(settings: Mapping[str, Any]) -> list[Guard]:
    """The guards as they are set. Raises ValidationError that names what is wrong, and what would be right."""
    _refuse_unknown(_("guard"), settings, [guard.name for guard in DEFAULTS])
    return [_guard_of(guard, settings.get(guard.name, {})) for guard in DEFAULTS]


def settings_of(guards: Sequence[Guard]) -> dict[str, dict[str, Any]]:
    """The same as JSON, whole."""
    return {guard.name: {"on": guard.is_on, **{key: getattr(guard, key) for key in _keys(guard)}} for guard in guards}


def _guard_of(default: Guard, given: Any) -> Guard:
    if not isinstance(given, Mapping):
        raise ValidationError(
            _('Guard {name}: {given!r} is not an object, such as {{"limit": 10}}.').format(
                name=default.name, given=given
            )
        )
    _refuse_unknown(_("setting of {guard}").format(guard=default.name), given, ["on", *_keys(default)])
    is_on = given.get("on", True)
    if not isinstance(is_on, bool):
        raise ValidationError(
            _("Guard {name}: “on” is {is_on!r}, and should be true or false.").format(name=default.name, is_on=is_on)
        )
    numbers: dict[str, Any] = {key: _number(default, key, given[key]) for key in given if key != "on"}
    return replace(default, is_on=is_on, **numbers)


def _keys(guard: Guard) -> list[str]:
    if guard.name == "silent-webhooks":
        return ["limit", "minimum"]
    return ["limit", "tolerated", "minimum", *(["within_minutes"] if guard.within_minutes else [])]


def _refuse_unknown(what: str, given: Any, known: Sequence[str]) -> None:
    if not isinstance(given, Mapping):
        raise ValidationError(_("Guards are an object by name: {names}.").format(names=", ".join(known)))
    if unknown := [str(name) for name in given if name not in known]:
        raise ValidationError(
            _("There is no {what} {unknown}; there are: {known}.").format(
                what=what, unknown=", ".join(unknown), known=", ".join(known)
            )
        )


def _number(guard: Guard, key: str, value: Any) -> float:
    lowest, highest = LOWEST[key], 99 if key == "limit" and guard.unit == "%" else HIGHEST[key]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and lowest <= value <= highest and (key != "limit" or value > 0):
        if key not in WHOLE:
            return float(value)
        if value == int(value):
            return int(value)
    kind = _("a whole number") if key in WHOLE else _("a number")
    above = _("above 0") if key == "limit" else _("from {lowest:g}").format(lowest=lowest)
    raise ValidationError(
        _("Guard {name}: “{key}” is {value!r}, and should be {kind} {above} to {highest:g}.").format(
            name=guard.name, key=key, value=value, kind=kind, above=above, highest=highest
        )
    )
