"""Where a sandbox is reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Addresses:
    """`own` is the sandbox's, known once it listens.

    `rooms` is what rooms' addresses begin with, by platform, where that is not the sandbox's own address.
    """

    own: str = ""
    rooms: Mapping[str, str] = field(default_factory=dict)

    def room(self, platform: str, name: str) -> str:
        return f"{self.rooms.get(platform) or f'{self.own}/{platform}'}/{name}"
