"""Who is let in by which token: https://developer.8x8.com/jaas/docs/api-keys-jwt"""

from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from platforms.sandbox.world.model import NotAdmitted

APP_ID = "jaas"  # a room's address is /jaas/<room>, as all of the sandbox are
KEY_ID = "jaas/sandbox"
KEY_FILE = Path(__file__).parent / "key.pem"
PUBLIC_KEY: Any = load_pem_private_key(KEY_FILE.read_bytes(), None).public_key()


def admitted(token: str, room_name: str) -> dict[str, Any]:
    """What the token says of its holder. Raises NotAdmitted."""
    try:
        if jwt.get_unverified_header(token).get("kid") != KEY_ID:
            raise NotAdmitted("This key is not known.", "not-allowed")
        claims = jwt.decode(
            token,
            PUBLIC_KEY,
            algorithms=["RS256"],
            audience="jitsi",
            issuer="chat",
            options={"require": ["exp", "nbf", "sub", "room"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise NotAdmitted("The way into this meeting is over.", "exp-token") from error
    except jwt.ImmatureSignatureError as error:
        raise NotAdmitted("This meeting has not begun yet.", "nbf-token") from error
    except jwt.InvalidTokenError as error:
        raise NotAdmitted("You are not allowed to join this meeting.", "not-allowed") from error
    if claims["sub"] != APP_ID or claims["room"] not in {room_name, "*"}:
        raise NotAdmitted("You are not allowed to join this meeting.", "not-allowed")
    context = claims.get("context")
    return context if isinstance(context, dict) else {}
