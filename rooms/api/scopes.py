"""What API keys with scopes may be used for: the area that an address belongs to, read or written."""

import re

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from rooms.models import ApiKey

# Whatever a key is for: who it belongs to, and what there is.
FOR_ALL = frozenset({"me", "config"})
_MEETINGS_OF_A_ROOM = re.compile(r"/v1/rooms/[^/]+/meetings?(?:/|$)")


def area_of(path: str) -> str:
    if path == "/v1/events":
        return "transcripts"
    return "meetings" if _MEETINGS_OF_A_ROOM.match(path) else path.removeprefix("/v1/").partition("/")[0]


def require(key: ApiKey, request: Request) -> None:
    """Raises PermissionDenied. An area that has no scope, as that of the keys themselves, needs a key without any."""
    area = area_of(request.path_info)
    writing = request.method not in SAFE_METHODS
    if area not in FOR_ALL and not key.allows(area, writing=writing):
        raise PermissionDenied(
            f"This API key may not be used for this; it lacks {area}:{'write' if writing else 'read'}.",
            "scope_missing",
        )
