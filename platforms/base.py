"""The interface that every video platform keeps. `platforms.testing` holds its promises as test cases."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from platforms.events import Event, RecordingReady
from platforms.exceptions import PlatformNotConfigured, UnsupportedCapability
from platforms.types import (
    JoinLink,
    JoinRequest,
    MeetingData,
    Participant,
    RecordingRef,
    RecordingStore,
    RoomSettings,
    SessionData,
    VideoPlatformConfig,
    WebhookSubscription,
    WebhookSummary,
)


class VideoPlatformClient:
    """One platform. A client is shared by threads and lives as long as the process.

    Methods that call the provider raise PlatformUnavailable (try again later) or PlatformRejected (final).
    """

    label: ClassVar[str]
    # Option of VideoPlatformConfig that must be set -> the environment variable that sets it.
    required_options: ClassVar[dict[str, str]] = {}

    # What the platform can do. Callers ask these and never compare names.
    supports_logo: ClassVar[bool] = False
    supports_presence: ClassVar[bool] = False
    supports_closing: ClassVar[bool] = False
    supports_locking: ClassVar[bool] = False
    supports_join_tokens: ClassVar[bool] = False
    room_modes: ClassVar[frozenset[str]] = frozenset({"normal", "group"})
    recording_types: ClassVar[frozenset[str]] = frozenset({"none"})
    recording_triggers: ClassVar[frozenset[str]] = frozenset({"none"})

    # Routes below /v1/ at which this platform's webhooks arrive, beside /v1/<alias>/webhook.
    webhook_paths: ClassVar[tuple[str, ...]] = ()
    supports_webhook_registration: ClassVar[bool] = False
    # What a registered webhook should say: the events it delivers and, where there is a choice, how it retries.
    webhook_event_types: ClassVar[tuple[str, ...]] = ()
    webhook_retry_type: ClassVar[str] = ""
    supports_extension: ClassVar[bool] = False
    supports_recording_listing: ClassVar[bool] = False
    supports_recording_link: ClassVar[bool] = False
    supports_recording_deletion: ClassVar[bool] = False
    # Whether the provider still knows of a recording that it left in a bucket of one's own.
    remembers_bucket_recordings: ClassVar[bool] = True
    # Whether a recording can be started by a call, besides by what people do in the provider's room.
    supports_recording_start: ClassVar[bool] = False
    # Whether its meetings can be shown in a frame of the room page; else the page links to them.
    supports_embedding: ClassVar[bool] = True
    # CSP hashes of the styles that the provider's own browser code puts into the page which frames its meetings.
    embed_style_hashes: ClassVar[tuple[str, ...]] = ()
    # How many people must be in a room before get_presence sees any of them.
    presence_threshold: ClassVar[int] = 1

    def __init__(self, config: VideoPlatformConfig) -> None:
        self.config = config

    # Do not override

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def is_simulated(self) -> bool:
        """Whether the platform is only played, on this machine, so that people elsewhere cannot meet there."""
        return bool(self.config.extra.get("simulated"))

    @classmethod
    def missing_variables(cls, config: VideoPlatformConfig) -> list[str]:
        """The environment variables that must be set before this platform can be used."""
        return [variable for option, variable in cls.required_options.items() if not getattr(config, option)]

    def require_configured(self) -> None:
        if missing := self.missing_variables(self.config):
            raise PlatformNotConfigured(f"{self.label} is not configured: set {', '.join(missing)}.", self.name)

    def require(self, capability: str) -> None:
        """Refuse what the platform cannot do; `capability` is the name of a `supports_...` attribute."""
        if not getattr(self, capability):
            wanted = capability.removeprefix("supports_").replace("_", " ")
            raise UnsupportedCapability(f"{self.label} does not support {wanted}.", self.name)

    # May override

    def warnings(self) -> list[str]:
        """What staff should know about a configuration that works but not as they may expect."""
        return []

    def get_room_sessions(self, room_name: str) -> Sequence[SessionData]:
        """The stretches in which people were in the provider's room; empty for a room that is gone."""
        self.require("supports_presence")
        raise NotImplementedError

    def get_presence(self, room_name: str) -> Sequence[Participant]:
        """Who is in the provider's room now; empty for a room that is gone."""
        self.require("supports_presence")
        raise NotImplementedError

    def get_all_presence(self) -> dict[str, Sequence[Participant]] | None:
        """Who is in which room now, for all rooms in one call; None where the provider has no such call."""
        return None

    def extend_meeting(self, room_name: str, end_date: datetime) -> None:
        """Let people stay in, and come into, the provider's room until `end_date`."""
        self.require("supports_extension")
        raise NotImplementedError

    def is_webhook_probe(self, body: bytes) -> bool:
        """Whether this is the provider trying the address out: it is answered 200 whatever its signature."""
        return False

    def list_webhooks(self) -> Sequence[WebhookSubscription]:
        self.require("supports_webhook_registration")
        raise NotImplementedError

    def register_webhook(self, url: str, secret: str, replace: str = "") -> WebhookSubscription:
        """Have events sent to `url`, signed with `secret`; `replace` is the id of one to change or re-arm."""
        self.require("supports_webhook_registration")
        raise NotImplementedError

    def delete_webhook(self, subscription_id: str) -> None:
        self.require("supports_webhook_registration")
        raise NotImplementedError

    def new_webhook_secret(self) -> str:
        """A fresh secret in the form that this provider takes."""
        return secrets.token_urlsafe(32)

    def webhook_instructions(self, url: str) -> str:
        """What staff do by hand where webhooks cannot be registered by a call."""
        return f"Register {url} in the dashboard of {self.label}."

    def list_recordings(self, room_name: str = "") -> Iterator[RecordingRef]:
        """Finished recordings that the provider knows, newest first, fetched page by page as they are asked for."""
        self.require("supports_recording_listing")
        raise NotImplementedError

    def get_recording(self, recording_id: str) -> RecordingRef:
        """One recording as the provider knows it. Raises PlatformRejected with status 404 when it is unknown."""
        self.require("supports_recording_listing")
        raise NotImplementedError

    def recording_link(self, recording_id: str) -> str:
        """A fresh signed https link to a recording's single file; it ends after about an hour."""
        self.require("supports_recording_link")
        raise NotImplementedError

    def delete_recording(self, recording_id: str) -> bool:
        """Delete a recording at the provider. True also when it was gone already."""
        self.require("supports_recording_deletion")
        raise NotImplementedError

    def recording_kind(self) -> str:
        """What `start_recording` is best asked for here: cloud (one file) or raw-tracks (one for each person)."""
        return "cloud"

    def needs_recording_start(self, room: RoomSettings) -> bool:
        """Whether a room that is recorded by itself is so only when `start_recording` is called."""
        return False

    def start_recording(
        self, room_name: str, kind: str, instance_id: str, with_video: bool = True
    ) -> Mapping[str, str] | None:
        """Record the people who are in; what the provider answers, or None when this very recording runs already.

        `kind` is cloud or raw-tracks. Its events will carry `instance_id`, a UUID, which may be used again after the
        recording was stopped. Raises PlatformRejected with status 404 while the provider sees nobody in the room, and
        UnsupportedCapability for a kind that is not to be had.
        """
        self.require("supports_recording_start")
        raise NotImplementedError

    def recording_store(self) -> RecordingStore | None:
        """The bucket of one's own in which the provider leaves recordings; None where there is none."""
        return None

    def recording_objects(self, recording_id: str) -> Sequence[str]:
        """Keys in that bucket of what the provider left there of a recording; none where it does not say."""
        return ()

    def recording_at(self, key: str) -> RecordingRef | None:
        """What the name of an object in that bucket says of a recording; None for an object that is none."""
        return None

    def recording_of_event(self, event: RecordingReady) -> RecordingRef:
        """The recording that an event says is ready."""
        store = self.recording_store()
        return RecordingRef(
            platform=self.name,
            recording_id=event.recording_id,
            room_name=event.room_name,
            meeting_id=event.meeting_id,
            kind="tracks" if event.tracks is not None else "file",
            started_at=event.started_at,
            duration=event.duration,
            bucket=store.bucket if store and event.s3_key else "",
            key=event.s3_key if store else "",
            tracks=event.tracks,
            download_url=event.download_url,
        )

    def delete_room(self, room_name: str, meeting_id: str = "") -> bool:
        """Close the provider's room and send everyone out. True also when it was gone already."""
        self.require("supports_closing")
        raise NotImplementedError

    def upload_logo(self, room_name: str, logo_path: Path) -> bool:
        """Show a PNG in the provider's room."""
        self.require("supports_logo")
        raise NotImplementedError

    def join_link(self, request: JoinRequest) -> JoinLink:
        """The address for one person: the host's for owners where the platform tells hosts by address."""
        host_url = request.host_room_url if request.is_owner else ""
        return JoinLink(url=host_url or request.room_url)

    # Must write

    def create_meeting(self, room_name_prefix: str, end_date: datetime, room: RoomSettings) -> MeetingData:
        """Make a provider room that people can join until `end_date`.

        The prefix is shortened and cleaned to what the provider takes; the rest of the name makes it unique.
        """
        raise NotImplementedError

    def authenticate_webhook(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raise WebhookRejected unless the provider sent exactly these bytes. `headers` ignores case."""
        raise NotImplementedError

    def summarize_webhook(self, body: bytes) -> WebhookSummary:
        """Identify an authentic event. Never raises, whatever the body holds."""
        raise NotImplementedError

    def parse_webhook(self, body: bytes) -> Sequence[Event]:
        """What an authentic event says; `Ignored` where it says nothing of use. Never raises for an odd shape."""
        raise NotImplementedError

    def verify_webhook_signature(self, body: bytes, signature: str, timestamp: str | None = None) -> bool:
        """Whether the provider signed exactly these bytes, with any of the configured secrets, recently.

        Never raises for a malformed signature; compares in constant time.
        """
        raise NotImplementedError
