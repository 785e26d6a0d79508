"""What the sandbox asks of each provider that it plays."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import Blueprint

from platforms.sandbox.context import Context
from platforms.sandbox.world.model import Admission, File, Recording, Room


class Provider:
    """One provider's own objects, its REST API and its webhooks.

    The module `provider` of its package calls its class PROVIDER, by which `registry` finds it.
    """

    name: ClassVar[str]
    label: ClassVar[str]  # for people
    api_path: ClassVar[str]  # of its API, below the sandbox's address
    # Paths of scripts that pages of other sites load.
    scripts: ClassVar[tuple[str, ...]] = ()
    # The buckets that are there for it, and those of them whose new objects the queue tells of.
    buckets: ClassVar[tuple[str, ...]] = ()
    queued_buckets: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: Context) -> None:
        self.context = context

    @staticmethod
    def sign(secret: str, body: bytes) -> Mapping[str, str]:
        """The headers that go with a webhook of this body."""
        raise NotImplementedError

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
