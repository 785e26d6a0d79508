"""What Daily knows beside rooms and people, and what its parts work with."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from platforms.sandbox.context import Context
from platforms.sandbox.wire.api import Window
from platforms.sandbox.wire.webhooks import Endpoint

# By https://docs.daily.co/reference/rest-api#rate-limits
MOST, SLOW, STARTS = (100, 5.0), (50, 30.0), (5, 5.0)


@dataclass
class Webhook:
    uuid: str
    endpoint: Endpoint
    retry_type: str
    basic_auth: str | None
    created_at: datetime
    updated_at: datetime


def _windows() -> dict[str, Window]:
    return {"most": Window(*MOST), "slow": Window(*SLOW), "starts": Window(*STARTS)}


@dataclass
class DailyState:
    context: Context
    domain: str = "sandbox"
    domain_id: str = str(uuid.uuid5(uuid.NAMESPACE_DNS, "sandbox"))
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=_windows)
