"""System checks: each platform says itself what its configuration lacks; this only asks all of them."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from platforms.exceptions import PlatformNotConfigured
from platforms.handler import (
    create_platform_client,
    get_available_platforms,
    get_platform_client_class,
    why_unavailable,
)


@register()
def check_platforms(**kwargs: Any) -> Iterable[CheckMessage]:
    configured = 0
    for name in get_available_platforms():
        try:
            get_platform_client_class(name)
        except PlatformNotConfigured as error:
            yield Error(str(error), hint="BACKEND is the dotted path of a client class.", id="platforms.E001")
            continue
        if reason := why_unavailable(name):
            yield Warning(reason, hint="Rooms will not open on this platform until then.", id="platforms.W001")
            continue
        configured += 1
        for warning in create_platform_client(name).warnings():
            yield Warning(warning, id="platforms.W002")
    if not configured:
        yield Warning(
            "No video platform is configured: no meeting can open.",
            hint="Set the variables named above, or MOCK_PLATFORM_ENABLED=true to try the product out.",
            id="platforms.W003",
        )


@register()
def check_rollout(**kwargs: Any) -> Iterable[CheckMessage]:
    known = get_available_platforms()
    for variable, names in {
        "DEFAULT_VIDEO_PLATFORM": [settings.DEFAULT_VIDEO_PLATFORM],
        "VIDEO_PLATFORM_FAILOVER": settings.VIDEO_PLATFORM_FAILOVER,
    }.items():
        for name in names:
            if name not in known:
                yield Error(
                    f"{variable} names {name!r}, which is no platform; there are: {', '.join(known)}.",
                    id="platforms.E002",
                )
