"""What every call to a LiveKit server goes through: Twirp, which is JSON by POST, and a token for each call.

https://docs.livekit.io/reference/other/roomservice-api/. Answers name their fields as the protocol does (`joined_at`),
webhooks as JSON does (`joinedAt`), and whole numbers of 64 bits are text in both: `field_of` reads either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from platforms.abilities import CredentialCheck
from platforms.backends.livekit import tokens
from platforms.exceptions import PlatformUnavailable
from platforms.http import client as http
from platforms.payloads import mapping, objects
from platforms.types import VideoPlatformConfig

TOKEN_SECONDS = 600.0  # that a call's token holds
NOBODYS_ROOM = "no-room-has-this-name"

Fields = Mapping[str, Any]

unless_gone = partial(http.unless_gone, '"not_found"')


@dataclass(frozen=True)
class LiveKitConfig(VideoPlatformConfig):
    """`api_url` is the server's address, as wss:// or https://.

    A webhook secret is `key:secret` where another API key signs than the one of the calls, else the secret alone.
    """

    api_secret: str = field(default="", repr=False)


class LiveKitAccount(CredentialCheck):
    label = "LiveKit"
    options_class = LiveKitConfig
    required_options = {"api_url": "LIVEKIT_URL", "api_key": "LIVEKIT_API_KEY", "api_secret": "LIVEKIT_API_SECRET"}

    config: LiveKitConfig

    def __init__(self, config: VideoPlatformConfig) -> None:
        super().__init__(config)
        hidden = (self.config.api_secret, self.config.aws_access_key_secret, *self.config.webhook_secrets)
        self.api = http.ProviderAPI(self.name, self.label, with_scheme(self.config.api_url, "http"), secrets=hidden)

    def check_credentials(self) -> None:
        self._ask("RoomService/ListRooms", {"names": [NOBODYS_ROOM]}, roomList=True)

    def _ask(self, method: str, body: Fields, repeatable: bool = True, **grants: Any) -> dict[str, Any]:
        """The answer to one call, for which these grants are needed. It is repeatable unless it starts something."""
        return mapping(self.api.post(f"/twirp/livekit.{method}", body, repeatable, self._token(**grants)))

    def _token(self, **grants: Any) -> str:
        return tokens.sign(self.config.api_key, self.config.api_secret, TOKEN_SECONDS, {"video": grants})

    def _rooms(self, room_name: str, seconds: float | None = None) -> list[dict[str, Any]]:
        """The room of that name, if there is one."""
        answer = self.api.request(
            "POST",
            "/twirp/livekit.RoomService/ListRooms",
            json={"names": [room_name]},
            repeatable=True,
            total=seconds,
            token=self._token(roomList=True),
        )
        return objects(answer, "rooms") or []

    def _odd(self, what: str) -> PlatformUnavailable:
        return PlatformUnavailable(f"{self.label} {what}.", self.name)


def with_scheme(url: str, scheme: str) -> str:
    """The server's address for calls (http) or for browsers (ws); encrypted or not, as it was given."""
    given, separator, rest = url.partition("://")
    return f"{scheme}{'s' if given in {'https', 'wss'} else ''}://{rest}" if separator else url


def field_of(source: Fields, name: str) -> Any:
    """What is under a name of the protocol, written as there or as in JSON."""
    first, *others = name.split("_")
    return source.get(name, source.get(first + "".join(map(str.capitalize, others))))
