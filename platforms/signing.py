"""HMAC-SHA256 over raw bytes, in constant time, with any of several secrets (so that one can be rotated)."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable


def sign_hex(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def sign_base64(secret: str, message: bytes) -> str:
    """The secret is itself base64. Raises ValueError when it is not."""
    return base64.b64encode(hmac.new(decode_secret(secret), message, hashlib.sha256).digest()).decode()


def decode_secret(secret: str) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except ValueError as error:
        raise ValueError("the secret is not base64") from error


def matches_hex(secrets: Iterable[str], message: bytes, *signatures: str) -> bool:
    """Whether any of the signatures was made with any of the secrets; an empty secret never counts."""
    expected = [sign_hex(secret, message) for secret in secrets if secret]
    return _matches_any(expected, *(signature.lower() for signature in signatures))


def matches_base64(secrets: Iterable[str], message: bytes, signature: str) -> bool:
    """As `matches_hex`; a secret that is not base64, or empty, never counts."""
    expected = []
    for secret in filter(None, secrets):
        try:
            expected.append(sign_base64(secret, message))
        except ValueError:
            continue
    return _matches_any(expected, signature)


def is_recent(timestamp: str, window: float) -> bool:
    """Whether a Unix timestamp, in seconds or milliseconds, lies within `window` seconds of now, either side."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 15:
        return False
    seconds = int(timestamp) / 1000 if int(timestamp) > 1e11 else int(timestamp)
    return abs(time.time() - seconds) <= window


def stamped_signature(secret: str, body: bytes) -> str:
    """What this product signs its own calls with: `t=<Unix seconds>,v1=<hex>`, over the time, a dot and the body."""
    timestamp = int(time.time())
    return f"t={timestamp},v1={sign_hex(secret, b'%d.%b' % (timestamp, body))}"


def matches_stamped(secrets: Iterable[str], body: bytes, signature: str, window: float = 300) -> bool:
    """Whether `stamped_signature` was made of this body, with any of the secrets, within `window` seconds of now."""
    parts = [part.strip().partition("=") for part in signature.split(",", 10)]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    signatures = [value for name, _, value in parts if name == "v1"]
    return is_recent(timestamp, window) and matches_hex(secrets, timestamp.encode() + b"." + body, *signatures)


def _matches_any(expected: list[str], *signatures: str) -> bool:
    given = [signature.strip().encode("utf-8", "replace") for signature in signatures]
    # All are compared, so that the time taken does not tell which secret is in use.
    return any([hmac.compare_digest(right.encode(), one) for right in expected for one in given])  # noqa: C419
