"""What the sandbox asks of each provider that it plays."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from platforms.sandbox.scene import Admission, File, Recording, Room

if TYPE_CHECKING:
    from platforms.sandbox.server import Sandbox


class Provider:
    """One provider's own objects, its REST API and its webhooks."""

    name: str

    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox
        self.world = sandbox.world

    def routes(self) -> Blueprint:
        raise NotImplementedError

    def register(self, product: str, secret: str) -> None:
        """Send webhooks to the product at this address, as if it had been registered before."""
        raise NotImplementedError

    def admit(self, room_name: str, query: Mapping[str, str]) -> Admission:
        """What somebody gets who opens the room's address with this query. Raises NotAdmitted."""
        raise NotImplementedError

    def tell(self, what: str, room: Room, **facts: Any) -> None:
        """Send the webhooks that the provider sends when this happens; see `World.listen`. Must not block."""
        raise NotImplementedError

    def keep(self, recording: Recording, files: Sequence[File]) -> None:
        """Put the files of a recording where the provider puts them. Raises SandboxError."""
        raise NotImplementedError
