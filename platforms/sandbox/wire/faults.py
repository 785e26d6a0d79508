"""The faults that are injected into a platform of the sandbox, until told otherwise."""

import threading
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from platforms.sandbox.world.model import SandboxError


@dataclass
class Faults:
    """Numbers that count are used up one by one; what is said of each stands in `metadata` and is shown to people."""

    api_delay: float = field(default=0.0, metadata={"says": "Seconds before each answer of the API"})
    failing_calls: int = field(default=0, metadata={"says": "So many next calls of the API fail"})
    failing_status: int = field(default=500, metadata={"says": "Status of calls that fail", "of": (500, 503, 429)})
    lose_webhooks: bool = field(default=False, metadata={"says": "Webhooks get lost"})
    duplicate_webhooks: bool = field(default=False, metadata={"says": "Webhooks come twice"})
    reorder_webhooks: bool = field(default=False, metadata={"says": "Of two webhooks the second comes first"})
    webhook_delay: float = field(default=0.0, metadata={"says": "Seconds before each webhook is sent"})
    stop_webhooks: bool = field(
        default=False, metadata={"says": "The webhook's state is FAILED: nothing is sent until it is set going again"}
    )
    stale_presence: float = field(default=0.0, metadata={"says": "Seconds that lists of everybody may be old (Daily)"})
    recordings_without_audio: bool = field(default=False, metadata={"says": "Recordings have no audio"})
    recordings_fail: bool = field(default=False, metadata={"says": "Recordings fail"})
    busy_recorders: int = field(default=0, metadata={"says": "So many next starts of a recording find no recorder"})
    sentence_links: int = field(
        default=0, metadata={"says": "So many next links to a recording are a sentence instead (Daily)"}
    )
    expired_links: int = field(
        default=0, metadata={"says": "So many next links to a recording have expired already (Daily, Jitsi, Mock)"}
    )

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def use_up(self, name: str) -> bool:
        """Whether this time counts as one of those that were asked for."""
        with self._lock:
            left: int = getattr(self, name)
            setattr(self, name, max(0, left - 1))
            return left > 0

    def change(self, values: dict[str, Any]) -> None:
        """All of them or, with a SandboxError that says why, none."""
        known = {one.name: one for one in fields(self)}
        if unknown := set(values) - set(known):
            raise SandboxError(f"There is no {', '.join(sorted(unknown))}.")
        checked = {name: _checked(name, known[name].default, value) for name, value in values.items()}
        allowed = known["failing_status"].metadata["of"]
        if checked.get("failing_status", 500) not in allowed:
            raise SandboxError(f"failing_status is one of {', '.join(map(str, allowed))}.")
        with self._lock:
            for name, value in checked.items():
                setattr(self, name, value)

    def reset(self) -> None:
        self.change({one.name: one.default for one in fields(self)})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _checked(name: str, default: Any, value: Any) -> Any:
    if isinstance(default, bool) or isinstance(value, bool):
        if isinstance(default, bool) and isinstance(value, bool):
            return value
        raise SandboxError(f"{name} is {'true or false' if isinstance(default, bool) else 'a number'}.")
    is_number = isinstance(value, int) or (isinstance(default, float) and isinstance(value, float))
    if not is_number or not 0 <= value <= 3600:
        raise SandboxError(f"{name} is a {'whole ' if isinstance(default, int) else ''}number from 0 to 3600.")
    return type(default)(value)
