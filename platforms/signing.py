"""HMAC-SHA256 over raw bytes, in constant time, with any of several secrets (so that one can be rotated)."""

import base64
import hashlib
import hmac
import math
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
    """Whether any of the signatures was made with any of the secrets; an empty secret never counts.

    In lower case, as providers write them: of each message there is one signature with a secret.
    """
    expected = [sign_hex(secret, message) for secret in secrets if secret]
    return _matches_any(expected, *signatures)


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
    return abs(age(timestamp)) <= window


def age(timestamp: str) -> float:
    """By how many seconds a Unix timestamp, in seconds or milliseconds, lies before now; infinite if it is none."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 15 or timestamp.startswith("0"):
        return math.inf
    return time.time() - (int(timestamp) / 1000 if int(timestamp) > 1e11 else int(timestamp))


def clock_advice(timestamp: str, window: float, variable: str) -> str:
    """What staff may do about a signature that is right and made at another time."""
    seconds = age(timestamp)
    when = f"{abs(seconds):.0f} s {'ago' if seconds > 0 else 'ahead'}" if math.isfinite(seconds) else "at no time"
    return f"By this server's clock it was signed {when}; {window:.0f} s are allowed. Set the clock, or {variable}."


def stamped_signature(secret: str, body: bytes) -> str:
    """What this product signs its own calls with: `t=<Unix seconds>,v1=<hex>`, over the time, a dot and the body."""
    timestamp = int(time.time())
    return f"t={timestamp},v1={sign_hex(secret, b'%d.%b' % (timestamp, body))}"


def matches_stamped(secrets: Iterable[str], body: bytes, signature: str, window: float = 300) -> bool:
    """Whether `stamped_signature` was made of this body, with any of the secrets, within `window` seconds of now."""
    check = StampedCheck(secrets, signature, window)
    check.update(body)
    return check.matches()


class StampedCheck:
    """`matches_stamped` of a body that comes part by part."""

    def __init__(self, secrets: Iterable[str], signature: str, window: float = 300) -> None:
        parts = [part.strip(" ").partition("=") for part in signature.split(",", 10)]
        timestamp = next((value for name, _, value in parts if name == "t"), "")
        self._signatures = [value for name, _, value in parts if name == "v1"]
        start = timestamp.encode("utf-8", "replace") + b"."
        self._sums = [hmac.new(secret.encode(), start, hashlib.sha256) for secret in secrets if secret]
        self.may_match = bool(self._sums and self._signatures) and is_recent(timestamp, window)

    def update(self, part: bytes) -> None:
        for one in self._sums:
            one.update(part)

    def matches(self) -> bool:
        return self.may_match and _matches_any([one.hexdigest() for one in self._sums], *self._signatures)


def _matches_any(expected: list[str], *signatures: str) -> bool:
    given = [signature.encode("utf-8", "replace") for signature in signatures]
    # All are compared, so that the time taken does not tell which secret is in use.
    return any([hmac.compare_digest(right.encode(), one) for right in expected for one in given])  # noqa: C419
