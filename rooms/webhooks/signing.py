"""The two ways in which what is sent to a room's receiver is signed.

X-Webhook-Signature: `t=<Unix seconds>,v1=<hex>`, HMAC-SHA256 with the secret's text over the time, a dot and the body.
Standard Webhooks (https://www.standardwebhooks.com): webhook-id, webhook-timestamp and webhook-signature, with the
bytes that the secret stands for. While a secret is being replaced each header holds a signature with either.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from platforms.signing import decode_secret, sign_hex

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers_for(event_id: str, timestamp: int, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """`keys` are the secrets that are valid now, the newest first."""
    stamped = b"%d.%b" % (timestamp, body)
    identified = event_id.encode() + b"." + stamped
    return {
        "X-Webhook-Signature": ",".join([f"t={timestamp}", *(f"v1={sign_hex(key, stamped)}" for key in keys)]),
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_standard(key, identified)}" for key in keys),
    }


def _standard(key: str, message: bytes) -> str:
    return base64.b64encode(hmac.new(_bytes_of(key), message, hashlib.sha256).digest()).decode()


def _bytes_of(key: str) -> bytes:
    """As libraries read it: base64, with or without prefix and padding. What is no base64 stands for its own text."""
    encoded = key.removeprefix(PREFIX)
    try:
        return decode_secret(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        return key.encode()
