"""Platforms of packages that are installed beside this product, found by their entry points.

A package names, under `reflector_rooms.platforms` and by the platform's alias, a function that is given the
`Environment` and gives the platform's block in VIDEO_PLATFORMS. It runs while settings are read. The package is a
Django app as well, so that its static files and templates are found.
"""

import re
from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NoReturn

from config.environment import Environment

GROUP = "reflector_rooms.platforms"
ALIAS = re.compile(r"[a-z][a-z0-9_]{0,31}")


def installed_platforms(env: Environment, taken: Collection[str]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The blocks by alias, and the packages that they are of. A package that is wrong ends the start, with its name."""
    blocks, packages = dict[str, dict[str, Any]](), list[str]()
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        if not ALIAS.fullmatch(entry.name):
            _refuse(entry, "is no alias: lower-case letters, digits and underscores, at most 32, a letter first")
        if entry.name in taken or entry.name in blocks:
            _refuse(entry, "is the alias of another platform already")
        blocks[entry.name] = _block(entry, env)
        packages.append(entry.module.partition(".")[0])
    return blocks, list(dict.fromkeys(packages))


def _block(entry: EntryPoint, env: Environment) -> dict[str, Any]:
    try:
        block = entry.load()(env)
    except Exception as error:  # noqa: BLE001  (whatever a package does wrong is told as its own)
        _refuse(entry, f"could not be loaded from {entry.value}: {type(error).__name__}: {error}", error)
    if not (
        isinstance(block, dict) and isinstance(block.get("BACKEND"), str) and isinstance(block.get("OPTIONS"), dict)
    ):
        _refuse(entry, f"has no settings: {entry.value} must give a dict with BACKEND and OPTIONS")
    return block


def _refuse(entry: EntryPoint, problem: str, cause: Exception | None = None) -> NoReturn:
    package = entry.dist.name if entry.dist else entry.module
    raise SystemExit(f"Settings: the platform {entry.name!r} of the package {package} {problem}.") from cause
