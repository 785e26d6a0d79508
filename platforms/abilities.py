"""What a platform may be able to do, a class each: a client derives from those that it has, and writes their methods.

    class AcmeClient(Presence, Closing, Webhooks):
        label = "Acme"

A method without a body of its own must be written. Callers ask `isinstance(client, Presence)`, or for the ability
itself by `client.require(Presence)`; `client.supports_presence` says the same where only yes or no is asked for.
"""

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from platforms import signing
from platforms.base import VideoPlatformClient
from platforms.events import Event, RecordingReady
from platforms.exceptions import WebhookRejected
from platforms.types import (
    Participant,
    RecordingRef,
    RecordingStore,
    RoomSettings,
    SessionData,
    WebhookSubscription,
    WebhookSummary,
)


class CredentialCheck(VideoPlatformClient):
    """It can be asked whether it is there and takes the credentials, by a call that changes nothing there."""

    supports_credential_check = True

    def check_credentials(self) -> None:
        """Raises PlatformRejected for credentials that are not taken. It is asked again and again while it is down."""
        raise NotImplementedError


class Presence(VideoPlatformClient):
    """It says who is in a room."""

    supports_presence = True
    # How many people must be in a room before get_presence sees any of them.
    presence_threshold: ClassVar[int] = 1

    def get_room_sessions(self, room_name: str) -> Sequence[SessionData]:
        """The stretches in which people were in the provider's room; empty for a room that is gone."""
        raise NotImplementedError

    def get_presence(self, room_name: str) -> Sequence[Participant]:
        """Who is in the provider's room now; empty for a room that is gone."""
        raise NotImplementedError

    def get_all_presence(self) -> dict[str, Sequence[Participant]] | None:
        """Who is in which room now, for all rooms in one call; None where the provider has no such call."""
        return None


class RoomLookup(VideoPlatformClient):
    """It can be asked whether a room of its own is still there."""

    supports_room_lookup = True

    def has_room(self, room_name: str, meeting_id: str = "") -> bool:
        """Whether people can still meet in the provider's room; asked while somebody waits, so it answers soon."""
        raise NotImplementedError


class Closing(VideoPlatformClient):
    supports_closing = True

    def delete_room(self, room_name: str, meeting_id: str = "") -> bool:
        """Close the provider's room and send everyone out. True also when it was gone already."""
        raise NotImplementedError


class Extension(VideoPlatformClient):
    supports_extension = True

    def extend_meeting(self, room_name: str, end_date: datetime) -> None:
        """Let people stay in, and come into, the provider's room until `end_date`."""
        raise NotImplementedError


class Logo(VideoPlatformClient):
    supports_logo = True

    def upload_logo(self, room_name: str, logo_path: Path) -> bool:
        """Show a PNG in the provider's room."""
        raise NotImplementedError


class RecordingListing(VideoPlatformClient):
    supports_recording_listing = True

    def list_recordings(self, room_name: str = "") -> Iterator[RecordingRef]:
        """Finished recordings that the provider knows, newest first, fetched page by page as they are asked for."""
        raise NotImplementedError

    def get_recording(self, recording_id: str) -> RecordingRef:
        """One recording as the provider knows it. Raises PlatformRejected with status 404 when it is unknown."""
        raise NotImplementedError


class RecordingLink(VideoPlatformClient):
    supports_recording_link = True

    def recording_link(self, recording_id: str) -> str:
        """A fresh signed https link to a recording's single file; it ends after about an hour."""
        raise NotImplementedError


class RecordingDeletion(VideoPlatformClient):
    supports_recording_deletion = True

    def delete_recording(self, recording_id: str) -> bool:
        """Delete a recording at the provider. True also when it was gone already."""
        raise NotImplementedError


class RecordingStart(VideoPlatformClient):
    """A recording can be started by a call, besides by what people do in the provider's room."""

    supports_recording_start = True

    def recording_kind(self) -> str:
        """What `start_recording` is best asked for here: cloud (one file) or raw-tracks (one for each person)."""
        return "cloud"

    def recording_kinds(self) -> Collection[str]:
        """All that `start_recording` can be asked for here."""
        return {self.recording_kind()}

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
        raise NotImplementedError


class RecordingBucket(VideoPlatformClient):
    """It can leave recordings in a bucket of one's own."""

    supports_recording_bucket = True
    # Whether `recording_at` can tell recordings by the names of objects in the bucket.
    names_recordings_in_bucket: ClassVar[bool] = False
    # Whether the provider still knows of a recording that it left there.
    remembers_bucket_recordings: ClassVar[bool] = True

    def recording_store(self) -> RecordingStore | None:
        """The bucket in which the provider leaves recordings; None where none is configured."""
        raise NotImplementedError

    def recording_objects(self, recording_id: str) -> Sequence[str]:
        """Keys in that bucket of what the provider left there of a recording; none where it does not say."""
        return ()

    def recording_at(self, key: str) -> RecordingRef | None:
        """What the name of an object in that bucket says of a recording; None for an object that is none."""
        return None


class Webhooks(VideoPlatformClient):
    """It sends events. They arrive at /v1/<alias>/webhook."""

    supports_webhooks = True
    # Routes below /v1/ at which they arrive as well.
    webhook_paths: ClassVar[tuple[str, ...]] = ()
    # The header that holds the signature, and the one with the time that it covers, where that stands by itself.
    signature_header: ClassVar[str]
    timestamp_header: ClassVar[str] = ""
    # Seconds between signing and arriving, either way, and the environment variable by which staff set others.
    signature_window: ClassVar[float] = 300.0
    window_variable: ClassVar[str] = "the option webhook_window"

    # Do not override

    def authenticate_webhook(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raise WebhookRejected unless the provider sent exactly these bytes: 400 for an unsigned one, else 401.

        `headers` ignores case.
        """
        signature, timestamp = self.find_signature(headers)
        if not signature:
            needed = " or ".join(filter(None, (self.signature_header, self.timestamp_header)))
            raise WebhookRejected(f"{needed} is missing.", self.name, status=400)
        if not self.is_signed(body, signature, timestamp):
            raise WebhookRejected("The signature does not match.", self.name)
        signed_at = self.signed_at(signature, timestamp)
        if signed_at is not None and not signing.is_recent(signed_at, self.webhook_window):
            variable = self.config.variables.get("webhook_window", self.window_variable)
            advice = signing.clock_advice(signed_at, self.webhook_window, variable)
            raise WebhookRejected("It was signed at another time.", self.name, advice=advice)

    def verify_webhook_signature(self, body: bytes, signature: str, timestamp: str | None = None) -> bool:
        """Whether the provider signed exactly these bytes, with any of the configured secrets, recently.

        `timestamp` is the header as received. Never raises for a malformed signature.
        """
        signed_at = self.signed_at(signature, timestamp)
        is_recent = signed_at is None or signing.is_recent(signed_at, self.webhook_window)
        return is_recent and self.is_signed(body, signature, timestamp)

    @property
    def webhook_window(self) -> float:
        """The option of that name is how long ago a webhook may have been signed, in seconds."""
        window = self.config.webhook_window
        return self.signature_window if window is None else window

    # Must write

    def is_signed(self, body: bytes, signature: str, timestamp: str | None) -> bool:
        """Whether the signature was made of exactly these bytes, with any of the configured secrets, at any time.

        Never raises for a malformed signature; compares in constant time, as `platforms.signing` does.
        """
        raise NotImplementedError

    def summarize_webhook(self, body: bytes) -> WebhookSummary:
        """Identify an authentic event. Never raises, whatever the body holds."""
        raise NotImplementedError

    def parse_webhook(self, body: bytes) -> Sequence[Event]:
        """What an authentic event says; `Ignored` where it says nothing of use. Never raises for an odd shape."""
        raise NotImplementedError

    # May override

    def find_signature(self, headers: Mapping[str, str]) -> tuple[str, str | None]:
        """The signature, "" for a webhook that lacks what it needs, and the time where that has a header of its own."""
        timestamp = headers.get(self.timestamp_header) if self.timestamp_header else None
        is_whole = timestamp or not self.timestamp_header
        return (headers.get(self.signature_header) or "" if is_whole else ""), timestamp

    def signed_at(self, signature: str, timestamp: str | None) -> str | None:
        """The Unix time that the signature covers; None where it covers none, so that it is valid for ever."""
        return timestamp

    def is_webhook_probe(self, body: bytes) -> bool:
        """Whether this is the provider trying the address out: it is answered 200 whatever its signature."""
        return False

    def new_webhook_secret(self) -> str:
        """A fresh secret in the form that this provider takes."""
        return secrets.token_urlsafe(32)

    def webhook_instructions(self, url: str) -> str:
        """What staff do by hand where webhooks cannot be registered by a call."""
        return f"Register {url} in the dashboard of {self.label}."

    def recording_of_event(self, event: RecordingReady) -> RecordingRef:
        """The recording that an event says is ready."""
        store = self.recording_store() if isinstance(self, RecordingBucket) else None
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


class WebhookRegistration(Webhooks):
    """Its webhooks can be registered by a call."""

    supports_webhook_registration = True
    # What a registered webhook should say: the events it delivers and, where there is a choice, how it retries.
    webhook_event_types: ClassVar[tuple[str, ...]] = ()
    webhook_retry_type: ClassVar[str] = ""

    def list_webhooks(self) -> Sequence[WebhookSubscription]:
        raise NotImplementedError

    def register_webhook(self, url: str, secret: str, replace: str = "") -> WebhookSubscription:
        """Have events sent to `url`, signed with `secret`; `replace` is the id of one to change or re-arm."""
        raise NotImplementedError

    def delete_webhook(self, subscription_id: str) -> None:
        raise NotImplementedError


ABILITIES: tuple[type[VideoPlatformClient], ...] = (
    CredentialCheck,
    Presence,
    RoomLookup,
    Closing,
    Extension,
    Logo,
    RecordingListing,
    RecordingLink,
    RecordingDeletion,
    RecordingStart,
    RecordingBucket,
    Webhooks,
    WebhookRegistration,
)
