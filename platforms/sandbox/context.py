"""What the sandbox hands to a provider that it plays."""

from dataclasses import dataclass

from platforms.sandbox.addresses import Addresses
from platforms.sandbox.media.links import Links
from platforms.sandbox.storage import Storage
from platforms.sandbox.wire.faults import Faults
from platforms.sandbox.wire.webhooks import Courier
from platforms.sandbox.world.world import World


@dataclass(frozen=True)
class Context:
    """Faults and courier are the provider's own; everything else is one for all of them."""

    api_key: str
    world: World
    addresses: Addresses
    links: Links
    storage: Storage | None
    faults: Faults
    courier: Courier
