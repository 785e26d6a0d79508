"""What every platform client promises, whatever it can do."""
# ruff: noqa: S101  (test cases are made of asserts)

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from platforms.abilities import ABILITIES, RecordingStart
from platforms.base import VideoPlatformClient, ability_name
from platforms.exceptions import PlatformNotConfigured, UnsupportedCapability
from platforms.testing.malformed import HOSTILE_PREFIXES
from platforms.types import JoinRequest, MeetingData

ROOM_MODES = {"normal", "group"}
RECORDING_TYPES = {"none", "local", "cloud"}
AUTOMATIC = {"automatic", "automatic-2nd-participant"}
RECORDING_TRIGGERS = {"none", "prompt", *AUTOMATIC}
SHORTEST_TOKEN = 32  # characters
PAGE_DIRECTIVES = {"connect-src", "img-src", "media-src", "script-src", "worker-src"}
ORIGIN = re.compile(r"(https?|wss?)://(\*\.[\w-]+\.)?[\w.-]+(:\d+)?|blob:|data:")


@dataclass(frozen=True)
class ExampleRoom:
    """What a client reads from a room."""

    is_locked: bool = False
    room_mode: str = "group"
    recording_type: str = "none"
    recording_trigger: str = "none"
    skip_consent: bool = False


class PlatformContract:
    """For every platform; the case class of an ability names it, as `LogoContract(PlatformContract, ability=Logo)`."""

    covered: ClassVar[frozenset[type[VideoPlatformClient]]] = frozenset()
    client_class: ClassVar[type[VideoPlatformClient]]
    options: Mapping[str, Any] = {}
    alias = "under-test"
    webhook_secrets: tuple[str, str] = ("Zmlyc3Qgc2VjcmV0", "c2Vjb25kIHNlY3JldA==")  # both are base64 too

    def __init_subclass__(cls, ability: type[VideoPlatformClient] | None = None) -> None:
        inherited = frozenset[type[VideoPlatformClient]]().union(*(base.covered for base in _contracts(cls.__bases__)))
        cls.covered = inherited | {ability} if ability else inherited

    def make_client(self, **changes: Any) -> VideoPlatformClient:
        options = {**self.options, "webhook_secrets": self.webhook_secrets, **changes}
        return self.client_class(self.client_class.options_class.from_options(self.alias, options))

    @pytest.fixture
    def client(self, provider: Any) -> VideoPlatformClient:
        return self.make_client()

    @pytest.fixture(autouse=True)
    def provider(self) -> Any:
        """May override: the provider's stand-in, whose address goes into `options`."""

    def open(self, client: VideoPlatformClient, prefix: str = "standup", **settings: Any) -> MeetingData:
        return client.create_meeting(prefix, datetime.now(UTC) + timedelta(hours=8), ExampleRoom(**settings))

    # Configuration

    def test_it_speaks_the_common_words_for_what_it_can_do(self, client: VideoPlatformClient) -> None:
        assert client.label
        assert client.room_modes <= ROOM_MODES
        assert client.recording_types <= RECORDING_TYPES
        assert client.recording_triggers <= RECORDING_TRIGGERS
        assert all(isinstance(sentence, str) and sentence for sentence in client.warnings())

    def test_each_missing_credential_is_named(self) -> None:
        known = {field.name for field in fields(self.client_class.options_class)}
        for option, variable in self.client_class.required_options.items():
            assert option in known
            with pytest.raises(PlatformNotConfigured, match=rf"\b{variable}\b"):
                self.make_client(**{option: ""}).require_configured()

    def test_it_is_configured_with_its_credentials(self, client: VideoPlatformClient) -> None:
        client.require_configured()

    # Abilities

    def test_all_that_it_can_do_is_tried(self) -> None:
        """A class that derives from no case class of an ability promises nothing of it."""
        abilities = {ability for ability in ABILITIES if issubclass(self.client_class, ability)}
        assert {ability.__name__ for ability in abilities - self.covered} == set()

    @pytest.mark.parametrize("ability", ABILITIES, ids=lambda ability: ability.__name__)
    def test_it_says_truly_what_it_can_do(
        self, client: VideoPlatformClient, ability: type[VideoPlatformClient]
    ) -> None:
        has_it = getattr(client, "supports_" + ability_name(ability).replace(" ", "_"))
        assert has_it is isinstance(client, ability)
        if has_it:
            assert client.require(ability) is client
            return
        with pytest.raises(UnsupportedCapability, match=f"{client.label} does not support {ability_name(ability)}"):
            client.require(ability)

    # Meetings

    def test_a_meeting_has_what_later_events_and_people_need(self, client: VideoPlatformClient) -> None:
        meeting = self.open(client)
        assert meeting.platform == self.alias
        assert meeting.meeting_id
        assert meeting.room_name
        assert _is_address(meeting.room_url)
        assert not meeting.host_room_url or _is_address(meeting.host_room_url)

    def test_two_meetings_never_share_a_room(self, client: VideoPlatformClient) -> None:
        first, second = self.open(client), self.open(client)
        assert first.room_name != second.room_name
        assert first.meeting_id != second.meeting_id

    @pytest.mark.parametrize("prefix", HOSTILE_PREFIXES, ids=ascii)
    def test_any_prefix_is_made_to_fit(self, client: VideoPlatformClient, prefix: str) -> None:
        assert self.open(client, prefix).room_name

    def test_every_setting_that_it_offers_opens_a_meeting(self, client: VideoPlatformClient) -> None:
        for recording_type in sorted(client.recording_types):
            for trigger in sorted(client.recording_triggers):
                for mode in sorted(client.room_modes):
                    settings = {"recording_type": recording_type, "recording_trigger": trigger, "room_mode": mode}
                    assert self.open(client, is_locked=client.supports_locking, **settings).room_url

    # Joining

    def test_only_owners_are_told_the_hosts_address(self, client: VideoPlatformClient) -> None:
        meeting = self.open(client)
        guest = self.request_to_join(meeting)
        guest_link = client.join_link(guest)
        owner_link = client.join_link(replace(guest, is_owner=True))
        assert _is_address(guest_link.url)
        assert _is_address(owner_link.url)
        if meeting.host_room_url and meeting.host_room_url != meeting.room_url:
            assert meeting.host_room_url not in guest_link.url
            assert guest_link.url != owner_link.url

    def test_an_owner_gets_in_where_the_provider_gave_no_hosts_address(self, client: VideoPlatformClient) -> None:
        request = replace(self.request_to_join(self.open(client)), host_room_url="", is_owner=True)
        assert client.join_link(request).url.startswith(request.room_url)

    def test_the_pages_script_is_given_texts_and_a_guest_no_hosts_address(self, client: VideoPlatformClient) -> None:
        meeting = self.open(client)
        parameters = client.join_link(self.request_to_join(meeting)).parameters
        assert all(isinstance(text, str) for pair in parameters.items() for text in pair)
        if meeting.host_room_url and meeting.host_room_url != meeting.room_url:
            assert meeting.host_room_url not in parameters.values()

    def test_what_begins_with_whoever_comes_does_so_where_it_was_to_wait_for_the_second(
        self, client: VideoPlatformClient
    ) -> None:
        """Rooms keep their trigger when they change their platform, which may know one way to begin by itself only."""
        known = client.recording_triggers & AUTOMATIC
        if len(known) == 1:
            only, other = *known, *(AUTOMATIC - known)
            assert self._beginning(client, other) == self._beginning(client, only)

    def _beginning(self, client: VideoPlatformClient, trigger: str) -> tuple[bool, dict[str, str]]:
        """Whether the product asks for a recording, and what a host's page does about it, without their token."""
        room = ExampleRoom(recording_type="cloud", recording_trigger=trigger)
        meeting = self.open(client, recording_type="cloud", recording_trigger=trigger)
        link = client.join_link(replace(self.request_to_join(meeting), settings=room, is_owner=True))
        parameters = {name: text for name, text in link.parameters.items() if len(text) < SHORTEST_TOKEN}
        return isinstance(client, RecordingStart) and client.needs_recording_start(room), parameters

    def test_the_pages_policy_gains_single_origins_only(self, client: VideoPlatformClient) -> None:
        sources = client.page_sources(self.open(client).room_url)
        assert set(sources) <= PAGE_DIRECTIVES
        assert [origin for origins in sources.values() for origin in origins if not ORIGIN.fullmatch(origin)] == []

    def request_to_join(self, meeting: MeetingData) -> JoinRequest:
        return JoinRequest(
            room_name=meeting.room_name,
            room_url=meeting.room_url,
            host_room_url=meeting.host_room_url,
            settings=ExampleRoom(),
            expires_at=datetime.now(UTC) + timedelta(hours=1),
            user_id="7",
            user_name="Zoë",
        )


def _contracts(bases: Iterable[type]) -> list[type[PlatformContract]]:
    return [base for base in bases if issubclass(base, PlatformContract)]


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and bool(parts.hostname)
