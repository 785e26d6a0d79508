"""What the API's document shows of each operation: docs/examples.yaml."""

from functools import cache
from typing import Any

import yaml
from django.conf import settings


@cache
def examples() -> dict[str, dict[str, Any]]:
    """What is sent (`request`) and what is answered with 200 (`response`), by the id of the operation."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((settings.BASE_DIR / "docs" / "examples.yaml").read_text())
    return found["operations"]


def show_example(operation: dict[str, Any]) -> None:
    for name, value in examples().get(operation["operationId"], {}).items():
        part = operation["requestBody"] if name == "request" else operation["responses"]["200"]
        for content in part["content"].values():
            content["example"] = value
