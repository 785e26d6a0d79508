"""What Whereby knows beside rooms and people, and what its parts work with."""

from dataclasses import dataclass, field

from platforms.sandbox.context import Context
from platforms.sandbox.wire.api import Window
from platforms.sandbox.wire.webhooks import Endpoint

BUDGET = 1000  # points in a minute


@dataclass
class WherebyState:
    context: Context
    subdomain: str = "sandbox"
    budget: Window = field(default_factory=lambda: Window(BUDGET, 60.0))
    endpoint: Endpoint | None = None  # registered in the dashboard only
