"""Where meetings open now, for the top of Admin's first page."""

from dataclasses import replace
from typing import Any

from django import template

from platforms.exceptions import PlatformNotConfigured
from platforms.handler import create_platform_client, platform_label
from rooms.moving import count_of
from rooms.selection import RolloutPolicy, current_policy, select_platform

register = template.Library()


@register.inclusion_tag("admin/rollout.html")
def rollout() -> dict[str, Any]:
    policy = current_policy()
    usable = [name for name, refusal in policy.platforms.items() if refusal is None]
    return {
        "platforms": [(platform_label(name), refusal) for name, refusal in policy.platforms.items()],
        "sentences": [_default_sentence(policy), _migration_sentence(policy)],
        "only_simulated": bool(usable) and all(create_platform_client(name).is_simulated for name in usable),
        "usable": [platform_label(name) for name in usable],
    }


def _default_sentence(policy: RolloutPolicy) -> str:
    """What becomes of an automatic room that the migration does not reach."""
    try:
        selection = select_platform("", "", replace(policy, room_ids=frozenset(), percentage=0))
    except PlatformNotConfigured as error:
        return str(error)
    return f"Automatic rooms open on {platform_label(selection.platform)}. {selection.reason}"


def _migration_sentence(policy: RolloutPolicy) -> str:
    target = platform_label(policy.target)
    if not policy.switched_on:
        return f"{policy.switch_name} is off: no meeting opens on {target}, not even in rooms that chose it."
    listed = count_of(len(policy.room_ids), "listed room")
    return (
        f"{policy.switch_name} is on: {listed} and {policy.percentage} % of the other automatic rooms go to {target}."
    )
