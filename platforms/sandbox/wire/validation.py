"""Bodies checked strictly, by tables of what a provider takes."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[str, Any], str]  # name and value -> what is wrong, in the provider's words; "" for nothing


def problem(given: Mapping[str, Any], table: Mapping[str, Check], nullable: bool = False) -> str:
    """What is wrong with the first value that is not right; "" when all are."""
    for name, value in given.items():
        if name not in table:
            return f'"{name}" is not allowed'
        if (value is not None or not nullable) and (wrong := table[name](name, value)):
            return wrong
    return ""


def boolean(name: str, value: Any) -> str:
    return "" if isinstance(value, bool) else f'"{name}" must be a boolean'


def anything(name: str, value: Any) -> str:
    return ""


def an_object(name: str, value: Any) -> str:
    return "" if isinstance(value, dict) else f'"{name}" must be an object'


def seconds_since_epoch(name: str, value: Any) -> str:
    is_right = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**11
    return "" if is_right else f"{name} should be a number of seconds since the unix epoch"


def integer(least: int = 0, most: int = 2**53, step: int = 1) -> Check:
    def check(name: str, value: Any) -> str:
        is_right = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if is_right and value % step == 0 else f'"{name}" must be a number from {least} to {most}'

    return check


def text(most: int = 10_000, pattern: str = "") -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str):
            return f'"{name}" must be a string'
        if len(value) > most:
            return f'"{name}" length must be less than or equal to {most} characters long'
        return "" if not pattern or re.fullmatch(pattern, value) else f'"{name}" with value "{value}" fails to match'

    return check


def one_of(*words: str) -> Check:
    def check(name: str, value: Any) -> str:
        return "" if value in words else f'"{name}" must be one of [{", ".join(words)}]'

    return check


def an_array(of: Check, most: int = 10_000) -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, list) or len(value) > most:
            return f'"{name}" must be an array of at most {most}'
        return next(filter(None, (of(name, item) for item in value)), "")

    return check


def nested(table: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, dict):
            return f'"{name}" must be an object'
        if missing := next((one for one in required if one not in value), ""):
            return f'"{name}.{missing}" is required'
        return problem(value, table)

    return check
