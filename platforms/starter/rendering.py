"""The files of a new adapter, made of the templates in `files` for the abilities that were asked for."""

import ast
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from platforms.abilities import ABILITIES, WebhookRegistration, Webhooks
from platforms.base import VideoPlatformClient, ability_name

FILES = Path(__file__).parent / "files"
LINE = 120  # characters
TAG_LINE = re.compile(r"^[ \t]*(\{% [^%\n]+ %\})\n", re.MULTILINE)
RECORDS = ("RecordingListing", "RecordingLink", "RecordingStart", "RecordingBucket")
LISTS = ("Presence", "RecordingListing", "WebhookRegistration")

Ability = type[VideoPlatformClient]


def option_of(ability: Ability) -> str:
    """As it is asked for on the command line: recording-start."""
    return ability_name(ability).replace(" ", "-")


OPTIONS: dict[str, Ability] = {option_of(ability): ability for ability in ABILITIES}


def context_of(name: str, asked: Collection[Ability], module: str, **more: Any) -> dict[str, Any]:
    """What the templates are given. A webhook that is registered by a call is one without that, too."""
    has = {ability for ability in ABILITIES if ability in asked}
    if WebhookRegistration in has:
        has.add(Webhooks)
    named = [ability.__name__ for ability in ABILITIES if ability in has]
    bases = [one for one in named if one != "Webhooks" or WebhookRegistration not in has]
    contracts = [f"{_contract_of(one)}Contract" for one in bases] or ["PlatformContract"]
    class_name = f"{''.join(part.capitalize() for part in name.split('_'))}Client"
    return {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "prefix": name.upper(),
        "header": "-".join(part.capitalize() for part in name.split("_") if part),
        "module": module,
        "class_name": class_name,
        "client_class": _listing(f"class {class_name}(", bases or ["VideoPlatformClient"], room=1),
        "test_class": _listing(f"class Test{class_name}(", contracts, room=1),
        "abilities": sorted(bases) or ["Presence"],  # an import that is not used is taken out
        "contracts": sorted([*contracts, "SignedWebhook"]),
        "is_recorded": any(one in named for one in RECORDS),
        "has_lists": any(one in named for one in LISTS),
        **{ability_name(ability).replace(" ", "_"): ability in has for ability in ABILITIES},
        **more,
    }


def render(file: str, context: dict[str, Any]) -> str:
    """Lines that hold a tag alone leave nothing, and Python imports only what it uses."""
    source = TAG_LINE.sub(r"\1", (FILES / f"{file}-tpl").read_text())
    text = Engine(autoescape=False).from_string(source).render(Context(context, autoescape=False))
    return without_unused_imports(text) if file.endswith("client.py") else text


def without_unused_imports(source: str) -> str:
    tree, lines = ast.parse(source), source.splitlines()
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in reversed([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]):
        names = [alias.name for alias in node.names if alias.name in used]
        head = f"from {node.module} import " if isinstance(node, ast.ImportFrom) else "import "
        lines[node.lineno - 1 : node.end_lineno] = _listing(head, names).splitlines() if names else []
    # A group of imports of which none is left leaves its blank line.
    return re.sub(r"\n\n\n+(?=import |from )", "\n\n", "\n".join(lines)) + "\n"


def _listing(head: str, names: Iterable[str], room: int = 0) -> str:
    """`head` and the names in one line or, where that is too long, a line for each, as the formatter has it.

    A head that ends in a parenthesis has it closed. `room` is for what follows in the line.
    """
    opened = head.endswith("(")
    line = f"{head}{', '.join(names)}{')' if opened else ''}"
    if len(line) + room <= LINE:
        return line
    return "\n".join([head if opened else f"{head}(", *(f"    {name}," for name in names), ")"])


def _contract_of(ability: str) -> str:
    return ability.removesuffix("s") if ability == "Webhooks" else ability
