"""What a line of the log is about: the ids of request, meeting, event and recording, which go with the work.

They are of the thread's present context: a request's middleware and a worker's job begin one, and whatever finds out
more adds to it. `LOG_FORMAT=json` writes them with every line; without it they cost next to nothing.
"""

import json
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_about: ContextVar[dict[str, str]] = ContextVar("about")
# Lines say of themselves what they are about, too: `recording_linked recording=... meeting=...`.
_IDS = re.compile(r"\b(meeting|recording|transcript|room|request)=([0-9A-Za-z-]{1,64})(?=\s|$)")


@contextmanager
def about(**ids: Any) -> Iterator[None]:
    """What is logged meanwhile is about these, and about what it was before."""
    token = _about.set({**current(), **_given(ids)})
    try:
        yield
    finally:
        _about.reset(token)


def add(**ids: Any) -> None:
    """As it is found out; until what began the present context ends."""
    if (found := _about.get(None)) is not None:
        found.update(_given(ids))


@contextmanager
def errors_only() -> Iterator[None]:
    """For a command that itself says what it finds: the log's lines would stand between its own."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def ids_of(row: Any) -> dict[str, Any]:
    """Of the rows that a row of another table belongs to."""
    return {name: getattr(row, f"{name}_id", None) for name in ("meeting", "recording", "transcript", "room")}


def current() -> Mapping[str, str]:
    return _about.get({})


def _given(ids: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in ids.items() if value}


class RefusalsInALine(logging.Filter):
    """What a client was refused (status 4xx) is no fault here: Django's line of it goes without its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        return True


class JSONFormatter(logging.Formatter):
    """One object a line, whatever is in it."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
            **current(),
            **dict(_IDS.findall(message)),
            "pid": record.process,
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, ensure_ascii=False, default=str)
