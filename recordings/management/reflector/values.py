"""What a Reflector stored, as values that can be stored here: of each kind the nearest that there is."""

import math
import uuid
from datetime import UTC, datetime
from typing import Any

from django.db.models import TextChoices

from recordings.models import ImportedRow

NAMESPACE = uuid.UUID("1b9c63a4-0c0e-5a8e-9d53-7f4a1f3f9c06")


def text(value: Any, longest: int | None = None) -> str:
    """Without what no database holds as text: JSON may name characters that are none."""
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:longest]


def seconds(value: Any, default: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return default
    return float(value)


def number(value: Any) -> int | None:
    """Of a speaker."""
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if is_one else None


def moment(value: Any) -> datetime | None:
    """Older versions stored UTC without saying so."""
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def choice(value: Any, choices: type[TextChoices], default: str) -> str:
    return value if value in choices.values else default


def objects(value: Any) -> list[dict[str, Any]]:
    """Those of a list in JSON, whatever else it holds."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def key_of(kind: str, source_id: str) -> uuid.UUID:
    """The same id as there, so that addresses stay; one that is made of it where that is no UUID."""
    try:
        return uuid.UUID(source_id)
    except ValueError:
        return uuid.uuid5(NAMESPACE, f"{kind} {source_id}")


ROOM, MEETING = ImportedRow.Kind.ROOM, ImportedRow.Kind.MEETING
RECORDING, TRANSCRIPT = ImportedRow.Kind.RECORDING, ImportedRow.Kind.TRANSCRIPT
