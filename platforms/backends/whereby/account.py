"""What every call to Whereby goes through, and what its answers have in common."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from platforms.abilities import CredentialCheck
from platforms.http.client import ProviderAPI, unless_gone
from platforms.payloads import mapping, number, objects, text
from platforms.types import VideoPlatformConfig

API_URL = "https://api.whereby.dev/v1"
URL_LIMIT = 2000  # characters
KEY_LIMIT_BYTES = 1024  # of an S3 key
PAGE = 100  # the most that a list gives at once
PAGES = 20  # a list that goes on is cut off here


class WherebyAccount(CredentialCheck):
    label = "Whereby"
    required_options = {"api_key": "WHEREBY_API_KEY"}

    def __init__(self, config: VideoPlatformConfig) -> None:
        super().__init__(config)
        self.api = ProviderAPI(
            self.name,
            self.label,
            config.api_url or API_URL,
            config.api_key,
            secrets=(config.aws_access_key_secret, config.aws_access_key_id),
            wait_in_body=_wait_in_body,
        )

    def check_credentials(self) -> None:
        """GET /meetings: the list is short, and there whether or not it holds anything."""
        self.api.get("/meetings", {"limit": 1})

    def _list(self, path: str, params: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        """All items of a list, page by page; none where Whereby does not know what is asked for."""
        cursor = ""
        for _ in range(PAGES):
            page = {}
            with unless_gone():
                page = mapping(self.api.get(path, {**params, "limit": PAGE, **({"cursor": cursor} if cursor else {})}))
            yield from objects(page, "results") or []
            cursor = text(page, "cursor", limit=URL_LIMIT)
            if not cursor:
                return


def with_slash(room_name: str) -> str:
    return f"/{room_name.lstrip('/')}"


def web_address(answer: Mapping[str, Any], name: str) -> str:
    url = text(answer, name, limit=URL_LIMIT)
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.hostname else ""


def _wait_in_body(answer: Mapping[str, Any]) -> float | None:
    """Seconds, from the milliseconds in a 429; one client in use reads them as ms_left."""
    milliseconds = number(text(mapping(answer.get("data")), "msLeft", "ms_left"))
    return None if milliseconds is None else milliseconds / 1000
