"""Where the files of a new adapter go: into this tree, or into a package of its own."""

import ast
import keyword
import re
import textwrap
from collections.abc import Collection
from pathlib import Path

from django.urls import resolve

from platforms.handler import get_available_platforms
from platforms.starter.rendering import Ability, context_of, render

NAME = re.compile(r"[a-z](?:_?[a-z0-9])*")
LONGEST_NAME = 32  # characters, of the column that holds it
# The last parts of the modules that hold clients, by which their static files are found too.
RESERVED = {"backends", "client"}
AFTER_PLATFORMS = "\n# AWS\n"  # the heading in env.example that follows the platforms


class Refused(Exception):
    """Nothing was written; the message says why, and what to do."""


def require_free_name(name: str, root: Path) -> None:
    """Raises Refused for what cannot be the alias of a new platform, be it of this tree or of a package."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise Refused(
            f"{name!r} cannot be a platform's name: it has lower-case letters, digits and single underscores, begins "
            f"with a letter, and is at most {LONGEST_NAME} long, as acme or acme_video."
        )
    if keyword.iskeyword(name):
        raise Refused(f"{name!r} is a word of Python itself; choose another name.")
    if name in RESERVED or _is_routed(name):
        raise Refused(f"{name!r} is reserved: the product uses it itself; choose another name.")
    backends = root / "platforms" / "backends"
    if name in get_available_platforms() or (backends / name).exists() or (backends / f"{name}.py").exists():
        raise Refused(f"There is a platform {name!r} already; choose another name.")
    its_variables = rf"^(?:# )?({name.upper()}_(?:API_URL|API_KEY|WEBHOOK_SECRET))="
    if taken := re.search(its_variables, (root / "env.example").read_text(), re.MULTILINE):
        raise Refused(f"{name!r} would have the variable {taken[1]}, which there is already; choose another name.")


def files_in_tree(name: str, abilities: Collection[Ability], root: Path) -> dict[Path, str]:
    """The new files, and those that gain lines, with what they are to hold."""
    context = context_of(name, abilities, f"platforms.backends.{name}")
    settings, example = root / "config" / "settings.py", root / "env.example"
    return {
        root / "platforms" / "backends" / f"{name}.py": render("client.py", context),
        root / "tests" / "platforms" / "backends" / f"test_{name}.py": render("test_client.py", context),
        settings: with_block(settings.read_text(), f'"{name}": {render("options.py", context).rstrip()},'),
        example: with_variables(example.read_text(), render("env.example", context)),
    }


def files_of_package(name: str, abilities: Collection[Ability], folder: Path) -> dict[Path, str]:
    project, package = f"reflector-rooms-{name.replace('_', '-')}", f"reflector_rooms_{name}"
    names = {"outside": True, "project": project, "package": package}
    context = context_of(name, abilities, f"{package}.client", **names)
    options = textwrap.indent(render("options.py", context).rstrip(), "    ").lstrip()
    variables = textwrap.indent(render("env.example", context).partition("\n\n")[2].rstrip(), "    ")
    context |= {"options": options, "variables": variables}
    home = folder / project
    return {
        home / "pyproject.toml": render("pyproject.toml", context),
        home / "README.md": render("README.md", context),
        home / package / "__init__.py": "",
        home / package / "client.py": render("client.py", context),
        home / package / "settings.py": render("settings.py", context),
        home / "tests" / f"test_{name}.py": render("test_client.py", context),
    }


def write(files: dict[Path, str], changed: Collection[Path] = ()) -> None:
    """Raises Refused, before anything is written, where a file is there that is not one of those to be changed."""
    if there := next((path for path in files if path not in changed and path.exists()), None):
        raise Refused(f"{there} is there already; move it away, or choose another name.")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def with_block(settings: str, block: str) -> str:
    """The source of the settings with one more platform, behind the others."""
    for node in ast.parse(settings).body:
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "VIDEO_PLATFORMS" and node.end_lineno:
            lines = settings.splitlines(keepends=True)
            lines.insert(node.end_lineno - 1, textwrap.indent(block, "    ") + "\n")
            return "".join(lines)
    raise Refused("config/settings.py has no VIDEO_PLATFORMS to which a platform could be added.")


def with_variables(example: str, lines: str) -> str:
    before, heading, after = example.partition(AFTER_PLATFORMS)
    return f"{before}\n{lines}{heading}{after}" if heading else f"{example}\n{lines}"


def _is_routed(name: str) -> bool:
    """Whether the address of the platform's webhooks is one of the product's own."""
    return resolve(f"/v1/{name}/webhook").func is not resolve("/v1").func
