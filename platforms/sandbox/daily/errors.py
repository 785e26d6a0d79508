"""Daily's refusals: https://docs.daily.co/reference/rest-api#errors"""

from typing import Any

from platforms.sandbox.wire.api import Refused


def refused(status: int, error: str, info: str, **more: Any) -> Refused:
    return Refused(status, {"error": error, "info": info, **more})


def invalid(info: str) -> Refused:
    return refused(400, "invalid-request-error", info)


def bad_json(info: str) -> Refused:
    return refused(400, "json-parsing-error", info)
