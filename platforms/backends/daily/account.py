"""What every call to Daily goes through, and what its answers have in common."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from platforms.abilities import CredentialCheck
from platforms.exceptions import PlatformUnavailable
from platforms.http import client as http
from platforms.payloads import objects
from platforms.types import VideoPlatformConfig

API_URL = "https://api.daily.co/v1"
KEY_LIMIT = 2048  # characters of an S3 key
URL_LIMIT = 4096  # characters of an address or a meeting token
PAGE = 100  # objects, the most there are

Fields = Mapping[str, Any]

# A room that has expired but is still there is refused with an error that says so.
unless_gone = partial(http.unless_gone, '"deleted":true')


class DailyAccount(CredentialCheck):
    label = "Daily"
    required_options = {"api_key": "DAILY_API_KEY"}

    def __init__(self, config: VideoPlatformConfig) -> None:
        super().__init__(config)
        url = config.api_url or API_URL
        self.api = http.ProviderAPI(self.name, self.label, url, config.api_key, config.webhook_secrets)

    def check_credentials(self) -> None:
        """GET /rooms: the list is short, and there whether or not it holds anything."""
        self.api.get("/rooms", {"limit": 1})

    def _wants_tracks(self) -> bool:
        return self.config.extra.get("recording_mode") == "raw-tracks"

    def _bucket(self) -> dict[str, Any] | None:
        if not (self.config.s3_bucket and self.config.aws_role_arn):
            return None
        return {
            "bucket_name": self.config.s3_bucket,
            "bucket_region": self.config.s3_region,
            "assume_role_arn": self.config.aws_role_arn,
            "allow_api_access": True,
        }

    def _get(self, path: str, params: Fields | None = None) -> Any:
        """The answer; an empty list where there is no such thing (any more)."""
        with unless_gone():
            return self.api.get(path, params)
        return []

    def _items(self, answer: Any) -> list[dict[str, Any]]:
        """The objects of a list; nothing else may pass for an empty one."""
        items = objects(answer, "data")
        if items is None:
            raise self._odd("answered with something that is no list")
        return items

    def _odd(self, what: str) -> PlatformUnavailable:
        return PlatformUnavailable(f"{self.label} {what}.", self.name)
