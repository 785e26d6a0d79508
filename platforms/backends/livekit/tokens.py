"""LiveKit's tokens: JSON Web Tokens, made of an API key and its secret by HMAC-SHA256.

https://docs.livekit.io/frontends/authentication/tokens/: one for each call to its API, one for each person who joins,
and one that goes with each webhook. The signer is named by `iss`, and what the holder may do stands in `video`.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from platforms.payloads import mapping, number

ALGORITHM = "HS256"
SHORT_SECRET_BYTES = 32  # a shorter key is filled up with zeros, as HMAC does itself: then nothing warns of it

Keys = Sequence[tuple[str, str]]  # API key and secret


def sign(key: str, secret: str, seconds: float, claims: Mapping[str, Any]) -> str:
    """A token with these claims that holds from now on for so many seconds."""
    now = int(time.time())
    return jwt.encode(
        {**claims, "iss": key, "nbf": now, "exp": now + int(seconds)}, _filled(secret), algorithm=ALGORITHM
    )


def body_hash(body: bytes) -> str:
    """What stands for a webhook's body in its token, as `sha256`."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def is_signed(body: bytes, token: str, keys: Keys) -> bool:
    """Whether one of the keys signed a token for exactly this body, at any time; one without an end is never right."""
    # All secrets are tried that the key named may have, so that one can be replaced.
    return any(_is_signed_with(body, token, key, secret) for key, secret in keys if key and secret)


def _is_signed_with(body: bytes, token: str, key: str, secret: str) -> bool:
    options: Any = {"require": ["exp", "iss"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        claims = jwt.decode(token, _filled(secret), algorithms=[ALGORITHM], issuer=key, options=options)
    except (jwt.InvalidTokenError, ValueError):
        return False
    return hmac.compare_digest(str(claims.get("sha256")).encode("utf-8", "replace"), body_hash(body).encode())


def signed_at(token: str, usual_seconds: float) -> str | None:
    """The Unix time at which a token was made, in seconds, as far as it says; None for what is no token.

    One that has ended counts as made as long before its end as tokens usually last.
    """
    try:
        claims = mapping(jwt.decode(token, options={"verify_signature": False}))
    except (jwt.InvalidTokenError, ValueError):
        return None
    began, ends = number(claims.get("nbf")), number(claims.get("exp"))
    known = [began, None if ends is None else ends - usual_seconds]
    return str(int(min(moment for moment in known if moment is not None))) if any(known) else None


def _filled(secret: str) -> bytes:
    return secret.encode().ljust(SHORT_SECRET_BYTES, b"\x00")
