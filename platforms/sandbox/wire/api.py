"""What the providers' REST APIs have in common: refusals, limits, lists in pages, and failing when asked to."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from flask import Response, jsonify, request
from werkzeug.exceptions import BadRequest

from platforms.sandbox.wire.faults import Faults

Item = TypeVar("Item")


class Refused(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = headers or {}

    def response(self) -> Response:
        answer = jsonify(self.body)
        answer.status_code = self.status
        answer.headers.update(self.headers)
        return answer


class Window:
    """Lets so many points through in so many seconds."""

    def __init__(self, points: int, seconds: float) -> None:
        self.points = points
        self.seconds = seconds
        self._spent: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    def spend(self, points: int = 1) -> float:
        """Seconds to wait before these points can be spent; 0 when they have been."""
        with self._lock:
            now = time.monotonic()
            while self._spent and self._spent[0][0] <= now - self.seconds:
                self._spent.popleft()
            if self.left < points:
                return self._spent[0][0] + self.seconds - now if self._spent else self.seconds
            self._spent.append((now, points))
            return 0.0

    @property
    def left(self) -> int:
        return self.points - sum(points for _, points in self._spent)


def inject_faults(faults: Faults, refusal: Callable[[int], Refused]) -> None:
    time.sleep(faults.api_delay)
    if faults.use_up("failing_calls"):
        raise refusal(faults.failing_status)


def json_body(refusal: Callable[[str], Refused]) -> dict[str, Any]:
    """The object in the request's body; an empty one where there is no body."""
    if not request.get_data(cache=True):
        return {}
    try:
        body = request.get_json(force=True)
    except BadRequest as error:
        raise refusal("the body is not JSON") from error
    if not isinstance(body, dict):
        raise refusal("the body is not an object")
    return body


def number_asked(name: str, default: int, least: int, most: int, refusal: Callable[[str], Refused]) -> int:
    text = request.args.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise refusal(f'"{name}" must be a number from {least} to {most}')
    return int(text)


def page_by_id(
    items: Sequence[Item], key: Callable[[Item], str], limit: int, after: str | None, before: str | None
) -> list[Item]:
    """Newest first. `after` and `before` are ids of items; the page before OLDEST is the last one."""
    if before == "OLDEST":
        return list(items[-limit:])
    ids = [key(item) for item in items]
    if after is not None:
        start = ids.index(after) + 1 if after in ids else len(ids)
        return list(items[start : start + limit])
    if before is not None:
        end = ids.index(before) if before in ids else 0
        return list(items[max(0, end - limit) : end])
    return list(items[:limit])


def unknown(given: Iterable[str], known: Iterable[str]) -> str:
    """The first of the names that is not known; "" when all are."""
    allowed = set(known)
    return next((name for name in given if name not in allowed), "")
