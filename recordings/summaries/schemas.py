"""What a language model is to answer, as JSON schemas. All is required, as services with strict schemas want it."""

from typing import Any


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _texts(*names: str) -> dict[str, Any]:
    return _object(**{name: {"type": "string"} for name in names})


def _list_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


TOPICS = _object(
    topics=_list_of(_object(number={"type": "integer"}, title={"type": "string"}, summary={"type": "string"}))
)
WHOLE = _object(
    title={"type": "string"},
    short_summary={"type": "string"},
    long_summary={"type": "string"},
    action_items=_object(
        decisions=_list_of(_texts("decision", "decided_by", "context")),
        next_steps=_list_of(_texts("task", "assigned_to", "deadline", "context")),
    ),
)
