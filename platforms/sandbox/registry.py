"""Which providers the sandbox plays: one for each package beside this file that has a module `provider`."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from platforms.sandbox.provider import Provider


@cache
def find_providers() -> Mapping[str, type[Provider]]:
    """By the platform that each plays."""
    packages = [
        f"platforms.sandbox.{one.name}" for one in pkgutil.iter_modules([str(Path(__file__).parent)]) if one.ispkg
    ]
    modules = [f"{package}.provider" for package in packages if find_spec(f"{package}.provider")]
    found: list[type[Provider]] = [import_module(module).PROVIDER for module in modules if find_spec(module)]
    return {provider.name: provider for provider in found}
