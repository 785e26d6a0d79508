"""An account at Jitsi as a Service, or a self-hosted Jitsi that takes the same tokens: its options and its tokens.

https://developer.8x8.com/jaas/docs/api-keys-jwt
"""

import time
from dataclasses import dataclass, field
from typing import ClassVar

import jwt

from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformNotConfigured
from platforms.types import JoinRequest, VideoPlatformConfig

API_URL = "https://8x8.vc"
CLOCK_SECONDS = 60  # by which another clock may be behind
# All that a token can allow, beside recording: https://developer.8x8.com/jaas/docs/api-keys-jwt
OTHER_FEATURES = (
    *("livestreaming", "transcription", "sip-inbound-call", "sip-outbound-call", "inbound-call", "outbound-call"),
    "file-upload",
)


@dataclass(frozen=True)
class JaasConfig(VideoPlatformConfig):
    """`app_id` is the first part of a room's address (the tenant), `key_id` that of the public key at the provider.

    `private_key` is PEM.
    """

    app_id: str = ""
    key_id: str = ""
    private_key: str = field(default="", repr=False)


class JaasAccount(VideoPlatformClient):
    label = "Jitsi as a Service"
    options_class = JaasConfig
    required_options: ClassVar[dict[str, str]] = {
        "app_id": "JAAS_APP_ID",
        "key_id": "JAAS_KEY_ID",
        "private_key": "JAAS_PRIVATE_KEY",
    }
    config: JaasConfig

    @property
    def base_url(self) -> str:
        """The address below which its rooms are, and the script that shows them."""
        return f"{self.config.api_url or API_URL}/{self.config.app_id}"

    def token_for(self, request: JoinRequest) -> str:
        """What lets one person into one room, signed here. Texts stand for true and false, as is documented."""
        records = request.settings.recording_type == "cloud" and request.is_owner
        user = {"id": request.user_id, "name": request.user_name, "moderator": _word(request.is_owner)}
        features = {"recording": _word(records), **dict.fromkeys(OTHER_FEATURES, _word(False))}
        claims = {
            "aud": "jitsi",
            "iss": "chat",
            "sub": self.config.app_id,
            "room": request.room_name,
            "nbf": int(time.time()) - CLOCK_SECONDS,
            "exp": int(request.expires_at.timestamp()),
            "context": {"user": {name: value for name, value in user.items() if value}, "features": features},
        }
        try:
            return jwt.encode(claims, self.config.private_key, algorithm="RS256", headers={"kid": self.key_id})
        except (ValueError, TypeError, jwt.InvalidKeyError):
            raise PlatformNotConfigured(
                f"{self.label} cannot be joined: JAAS_PRIVATE_KEY is no RSA private key in PEM.", self.name
            ) from None

    @property
    def key_id(self) -> str:
        """As the console shows it, with the app id in front; that may be left out of the setting."""
        given = self.config.key_id
        return given if "/" in given else f"{self.config.app_id}/{given}"


def _word(holds: bool) -> str:
    return "true" if holds else "false"
