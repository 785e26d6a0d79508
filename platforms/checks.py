"""System checks: each platform says itself what its configuration lacks; this only asks all of them."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from platforms.exceptions import PlatformNotConfigured
from platforms.handler import (
    create_platform_client,
    get_available_platforms,
    get_platform_client_class,
    get_platform_config,
    platform_label,
    why_unavailable,
)


@register()
def check_platforms(**kwargs: Any) -> Iterable[CheckMessage]:
    configured, left_out = 0, list[tuple[str, str]]()
    for name in get_available_platforms():
        try:
            get_platform_client_class(name)
        except PlatformNotConfigured as error:
            yield Error(str(error), hint="BACKEND is the dotted path of a client class.", id="platforms.E001")
            continue
        if reason := why_unavailable(name):
            left_out.append((name, reason))
            continue
        configured += 1
        for warning in create_platform_client(name).warnings():
            yield Warning(warning, id="platforms.W002")
    for name, reason in left_out:
        if not configured or is_wanted(name):
            yield Warning(reason, hint="Rooms will not open on this platform until then.", id="platforms.W001")
    if not configured:
        yield Warning(
            "No video platform is configured: no meeting can open.",
            hint="Set the variables named above, or MOCK_PLATFORM_ENABLED=true to try the product out.",
            id="platforms.W003",
        )


def is_wanted(name: str) -> bool:
    """Whether a platform that lacks something is meant to be used: one that is not is no fault."""
    migration, config = settings.VIDEO_PLATFORM_MIGRATION, get_platform_config(name)
    is_target = name == migration["TARGET"] and getattr(settings, migration["SWITCH"])
    return bool(name == settings.DEFAULT_VIDEO_PLATFORM or is_target or config.webhook_secrets or config.s3_bucket)


@register()
def check_sandbox(**kwargs: Any) -> Iterable[CheckMessage]:
    for variable, name in settings.SANDBOX_UNUSED_VARIABLES.items():
        yield Warning(
            f"{variable} is set and not used: {platform_label(name)} is played on this machine.",
            hint="A platform is the real one once its key is set; SANDBOX_ENABLED=false turns the sandbox off.",
            id="platforms.W004",
        )


@register(Tags.security, deploy=True)
def check_deployment(**kwargs: Any) -> Iterable[CheckMessage]:
    for name in get_available_platforms():
        if why_unavailable(name) is None:
            for warning in create_platform_client(name).deployment_warnings():
                yield Warning(warning, id="platforms.W005")


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
