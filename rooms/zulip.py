"""Zulip, by its REST API (https://zulip.com/api/rest), as a bot that the operator made for this server.

All calls raise the errors of `platforms.exceptions`.
"""

import base64
import json
from functools import lru_cache
from typing import Any

from django.conf import settings

from platforms.exceptions import PlatformNotConfigured
from platforms.http.client import ProviderAPI
from platforms.payloads import number
from rooms.services import why_no_zulip

LATEST = 20  # messages that are looked through


def streams() -> list[dict[str, Any]]:
    """https://zulip.com/api/get-streams"""
    found = _get("/streams", {"include_public": "true"}).get("streams")
    return [{"stream_id": one["stream_id"], "name": one["name"]} for one in _dicts(found, "stream_id", "name")]


def topics(stream_id: int) -> list[dict[str, Any]]:
    """https://zulip.com/api/get-stream-topics, the latest first."""
    found = _get(f"/users/me/{stream_id}/topics").get("topics")
    return [{"name": one["name"]} for one in _dicts(found, "name")]


def post(stream: str, topic: str, content: str) -> int:
    """The id of the message. https://zulip.com/api/send-message"""
    message = {"type": "stream", "to": json.dumps(stream), "topic": topic, "content": content}
    answer = _api().request("POST", "/messages", data=message, headers=_headers())
    return int(number(answer.get("id")) or 0) if isinstance(answer, dict) else 0


def find(stream: str, topic: str, words: str) -> int:
    """The id of a message of the bot that holds these words, among the latest; 0 where there is none.

    https://zulip.com/api/get-messages
    """
    narrow = {"stream": stream, "topic": topic, "sender": settings.ZULIP_BOT_EMAIL}
    query = {
        "anchor": "newest",
        "num_before": LATEST,
        "num_after": 0,
        "apply_markdown": "false",
        "narrow": json.dumps([{"operator": name, "operand": value} for name, value in narrow.items()]),
    }
    found = _dicts(_get("/messages", query).get("messages"), "id", "content")
    return next((int(number(one["id"]) or 0) for one in found if words in str(one["content"])), 0)


def _get(path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = _api().request("GET", path, params=params, headers=_headers())
    return answer if isinstance(answer, dict) else {}


def _dicts(found: Any, *needed: str) -> list[dict[str, Any]]:
    listed = found if isinstance(found, list) else []
    return [one for one in listed if isinstance(one, dict) and all(name in one for name in needed)]


def _headers() -> dict[str, str]:
    words = f"{settings.ZULIP_BOT_EMAIL}:{settings.ZULIP_API_KEY}"
    return {"Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}


def _api() -> ProviderAPI:
    """Raises PlatformNotConfigured."""
    if why := why_no_zulip():
        raise PlatformNotConfigured(why)
    return _made_api(settings.ZULIP_REALM, settings.ZULIP_API_KEY)


@lru_cache(maxsize=4)
def _made_api(realm: str, key: str) -> ProviderAPI:
    """One for a process, which keeps connections open."""
    return ProviderAPI("", "Zulip", f"{realm}/api/v1", auth="", secrets=(key,))
