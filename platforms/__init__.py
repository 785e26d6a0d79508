"""Everything about video platforms; knows no room, meeting or recording.

`settings.VIDEO_PLATFORMS` maps an alias to a backend class and its options. `create_platform_client(alias)` makes
the client (`handler`): `base` says what it is, and `abilities` what it may be able to do, in the types of
`types`. A backend lives in `backends`, calls its provider only through `http.ProviderAPI`, and raises only what
`exceptions` has.
`testing` holds the promises of a client as test cases. `work.models` has the model for jobs that must not be lost.
"""

from platforms.base import VideoPlatformClient
from platforms.handler import (
    create_platform_client,
    get_available_platforms,
    get_platform_client_class,
    get_platform_config,
    register_platform,
)
from platforms.types import MeetingData, SessionData, VideoPlatformConfig

__all__ = [
    "MeetingData",
    "SessionData",
    "VideoPlatformClient",
    "VideoPlatformConfig",
    "create_platform_client",
    "get_available_platforms",
    "get_platform_client_class",
    "get_platform_config",
    "register_platform",
]
