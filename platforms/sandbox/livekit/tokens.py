"""LiveKit's tokens, of people and of calls: https://docs.livekit.io/frontends/authentication/tokens/"""

import base64
import hashlib
import time
from typing import Any

import jwt

KEY = "sandbox"
SECRET = "sandbox-secret-that-guards-nothing"  # noqa: S105  (so it says)
WEBHOOK_TOKEN_SECONDS = 300


class BadToken(Exception):
    """`has_expired` tells one that was good once."""

    def __init__(self, message: str, has_expired: bool = False) -> None:
        super().__init__(message)
        self.has_expired = has_expired


def claims_of(token: str) -> dict[str, Any]:
    """Raises BadToken."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, SECRET, algorithms=["HS256"], issuer=KEY, options={"require": ["exp"]}
        )
    except jwt.ExpiredSignatureError as error:
        raise BadToken("invalid token: the token has expired", has_expired=True) from error
    except jwt.InvalidTokenError as error:
        raise BadToken("invalid token: its signature or its claims are wrong") from error
    return claims


def sign_webhook(secret: str, body: bytes) -> dict[str, str]:
    now = int(time.time())
    claims = {
        "iss": KEY,
        "nbf": now,
        "exp": now + WEBHOOK_TOKEN_SECONDS,
        "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }
    # HMAC fills a short key up with zeros itself: done here, that is the same signature, without a warning.
    return {"Authorization": jwt.encode(claims, secret.encode().ljust(32, b"\x00"), algorithm="HS256")}
