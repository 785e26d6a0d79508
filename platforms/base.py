"""What every video platform has; `abilities` has what only some can do. `platforms.testing` holds their promises."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, TypeVar

from django.utils.translation import gettext as _

from platforms.exceptions import PlatformNotConfigured, UnsupportedCapability
from platforms.types import JoinLink, JoinRequest, MeetingData, RoomSettings, VideoPlatformConfig

Ability = TypeVar("Ability")


class VideoPlatformClient:
    """One platform. A client is shared by threads and lives as long as the process.

    Methods that call the provider raise PlatformUnavailable (try again later) or PlatformRejected (final).
    """

    label: ClassVar[str]
    # The dataclass of its options, and those that must be set -> the environment variable that sets each.
    options_class: ClassVar[type[VideoPlatformConfig]] = VideoPlatformConfig
    required_options: ClassVar[dict[str, str]] = {}

    # What its meetings can be; callers ask these and never compare names.
    supports_locking: ClassVar[bool] = False
    supports_join_tokens: ClassVar[bool] = False
    # Whether its meetings can be shown in a frame of the room page; else the page links to them.
    supports_embedding: ClassVar[bool] = True
    # CSP hashes of the styles that the provider's own browser code puts into the page which frames its meetings.
    embed_style_hashes: ClassVar[tuple[str, ...]] = ()
    # Each one that is listed must make a difference; "group", a room for many, is what every platform has anyhow.
    room_modes: ClassVar[frozenset[str]] = frozenset({"group"})
    recording_types: ClassVar[frozenset[str]] = frozenset({"none"})
    recording_triggers: ClassVar[frozenset[str]] = frozenset({"none"})
    # Whether a recording that begins by itself waits for a host, who alone may record.
    only_hosts_record: ClassVar[bool] = False

    # What it can do beside; each of them is set by the class of `abilities` that it names, and nowhere else.
    supports_credential_check: ClassVar[bool] = False
    supports_presence: ClassVar[bool] = False
    supports_room_lookup: ClassVar[bool] = False
    supports_closing: ClassVar[bool] = False
    supports_extension: ClassVar[bool] = False
    supports_logo: ClassVar[bool] = False
    supports_recording_listing: ClassVar[bool] = False
    supports_recording_link: ClassVar[bool] = False
    supports_recording_deletion: ClassVar[bool] = False
    supports_recording_start: ClassVar[bool] = False
    supports_recording_bucket: ClassVar[bool] = False
    supports_webhooks: ClassVar[bool] = False
    supports_webhook_registration: ClassVar[bool] = False

    def __init__(self, config: VideoPlatformConfig) -> None:
        self.config = config

    # Do not override

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def is_simulated(self) -> bool:
        """Whether the platform is only played, on this machine, so that people elsewhere cannot meet there."""
        return self.config.simulated

    @classmethod
    def missing_variables(cls, config: VideoPlatformConfig) -> list[str]:
        """The environment variables that must be set before this platform can be used."""
        required = {**cls.required_options, **config.variables}
        return [required[option] for option in cls.required_options if not getattr(config, option)]

    def require_configured(self) -> None:
        if missing := self.missing_variables(self.config):
            raise PlatformNotConfigured(
                _("{platform} is not configured: set {variables}.").format(
                    platform=self.label, variables=", ".join(missing)
                ),
                self.name,
            )

    def require(self, ability: type[Ability]) -> Ability:
        """The client as one that has the ability, a class of `abilities`. Raises UnsupportedCapability."""
        if isinstance(self, ability):
            return self
        raise UnsupportedCapability(f"{self.label} does not support {ability_name(ability)}.", self.name)

    # Must write

    def create_meeting(self, room_name_prefix: str, end_date: datetime, room: RoomSettings) -> MeetingData:
        """Make a provider room that people can join until `end_date`.

        The prefix is shortened and cleaned to what the provider takes; the rest of the name makes it unique.
        """
        raise NotImplementedError

    # May override

    def join_link(self, request: JoinRequest) -> JoinLink:
        """The address for one person: the host's for owners where the platform tells hosts by address."""
        host_url = request.host_room_url if request.is_owner else ""
        return JoinLink(url=host_url or request.room_url)

    def page_sources(self, room_url: str) -> Mapping[str, Sequence[str]]:
        """What the platform's own script in the room's page may load or call: origins by directive of its policy.

        `script-src` for a library that only the provider serves, `connect-src` for an API or a WebSocket. See
        https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy.
        """
        return {}

    def warnings(self) -> list[str]:
        """What staff should know about a configuration that works but not as they may expect."""
        return []

    def deployment_warnings(self) -> list[str]:
        """What is fine on a development machine and not in production; `manage.py check --deploy` shows it."""
        return []


def ability_name(ability: type) -> str:
    """Its name for people: `recording start` for RecordingStart."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", ability.__name__).lower()
