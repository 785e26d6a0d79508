"""A platform without a provider: for tests, and for a first run without any account.

Its rooms are mere names. In the sandbox, people meet under them, and it says who is in and what was recorded; without
it nobody ever comes. Webhooks are JSON objects with `id`, `type`, `at` (Unix seconds or ISO 8601), `room_name`,
`meeting_id` and, for people, `session_id`, `user_id` and `user_name`; for recordings, `recording_id` and, when they are
ready, `download_url`, `started_at` and `duration` (seconds). They are signed by the hex HMAC-SHA256 of the body in
X-Mock-Signature.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.utils import timezone
from django.utils.text import slugify

from platforms import signing
from platforms.abilities import (
    Closing,
    CredentialCheck,
    Logo,
    Presence,
    RecordingDeletion,
    RecordingLink,
    RecordingListing,
    RoomLookup,
    Webhooks,
)
from platforms.events import (
    Event,
    Ignored,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingFailed,
    RecordingReady,
    RecordingStarted,
)
from platforms.http.client import ProviderAPI, path_to
from platforms.payloads import key_of, load, mapping, moment, number, text
from platforms.types import (
    JoinLink,
    JoinRequest,
    MeetingData,
    Participant,
    RecordingRef,
    RoomSettings,
    SessionData,
    VideoPlatformConfig,
    WebhookSummary,
)

URL_LIMIT = 2000  # characters


class MockClient(Presence, Closing, Logo, RecordingDeletion, Webhooks):
    # A recording of it is kept nowhere, so that deleting one succeeds.
    label = "Mock"
    supports_locking = True
    supports_embedding = False  # nothing is there to be shown
    signature_header = "X-Mock-Signature"
    room_modes = frozenset({"normal", "group"})
    recording_types = frozenset({"none", "local", "cloud"})
    recording_triggers = frozenset({"none", "prompt", "automatic", "automatic-2nd-participant"})

    def __init__(self, config: VideoPlatformConfig) -> None:
        super().__init__(config)
        self.sandbox = ProviderAPI(self.name, self.label, config.api_url, "") if config.api_url else None

    @property
    def is_simulated(self) -> bool:
        return True

    def warnings(self) -> list[str]:
        return ["Nobody can meet on Mock, as the sandbox is off: SANDBOX_ENABLED=true turns it on."]

    def create_meeting(self, room_name_prefix: str, end_date: datetime, room: RoomSettings) -> MeetingData:
        name = f"{slugify(room_name_prefix)[:50] or 'room'}-{secrets.token_hex(8)}"
        base = self.config.api_url or f"{self.config.extra.get('public_url', 'http://localhost')}/mock"
        # The sandbox knows of a meeting what its address says.
        url = _with_query(f"{base}/{name}", _rules(room) if self.sandbox else {})
        return MeetingData(
            meeting_id=f"mock-{int(time.time() * 1000)}-{secrets.token_hex(8)}",
            room_name=name,
            room_url=url,
            host_room_url=_with_query(url, {"host": secrets.token_urlsafe(16)}),
            platform=self.name,
        )

    def join_link(self, request: JoinRequest) -> JoinLink:
        link = super().join_link(request)
        if not (self.sandbox and request.user_name):
            return link
        return JoinLink(url=_with_query(link.url, {"name": request.user_name}))

    def get_room_sessions(self, room_name: str) -> Sequence[SessionData]:
        return []

    def get_presence(self, room_name: str) -> Sequence[Participant]:
        people = self.sandbox.get(f"/{quote(room_name, safe='')}/presence") if self.sandbox else []
        return [
            Participant(
                session_id=text(person, "session_id"),
                joined_at=moment(person.get("joined_at")) or timezone.now(),
                user_id=text(person, "user_id") or None,
                user_name=text(person, "name") or None,
            )
            for person in map(mapping, people)
        ]

    def delete_room(self, room_name: str, meeting_id: str = "") -> bool:
        if self.sandbox:
            self.sandbox.delete(f"/{quote(room_name, safe='')}")
        return True

    def upload_logo(self, room_name: str, logo_path: Path) -> bool:
        return True

    def delete_recording(self, recording_id: str) -> bool:
        return True

    def is_signed(self, body: bytes, signature: str, timestamp: str | None) -> bool:
        return signing.matches_hex(self.config.webhook_secrets, body, signature)

    def summarize_webhook(self, body: bytes) -> WebhookSummary:
        event = load(body)
        event_id, event_type = text(event, "id"), text(event, "type")
        key = key_of("id", event_type, event_id) if event_id else key_of("body", body)
        return WebhookSummary(key=key, event_id=event_id, type=event_type)

    def parse_webhook(self, body: bytes) -> Sequence[Event]:
        event = load(body)
        at = moment(event.get("at")) or timezone.now()
        common: dict[str, Any] = {
            "platform": self.name,
            "occurred_at": at,
            "room_name": text(event, "room_name"),
            "meeting_id": text(event, "meeting_id"),
            "raw": event,
        }
        person: dict[str, Any] = {
            "session_id": text(event, "session_id"),
            "user_id": text(event, "user_id") or None,
            "user_name": text(event, "user_name") or None,
        }
        recording_id = text(event, "recording_id")
        match text(event, "type"):
            case "participant.joined" if person["session_id"]:
                return [ParticipantJoined(joined_at=at, **person, **common)]
            case "participant.left" if person["session_id"]:
                return [ParticipantLeft(left_at=at, **person, **common)]
            case "meeting.started":
                return [MeetingStarted(session_id=person["session_id"], **common)]
            case "meeting.ended":
                return [MeetingEnded(session_id=person["session_id"], **common)]
            case "recording.started" if recording_id:
                return [RecordingStarted(recording_id=recording_id, started_at=at, **common)]
            case "recording.ready" if recording_id:
                return [
                    RecordingReady(
                        recording_id=recording_id,
                        recording_type="cloud",
                        download_url=text(event, "download_url", limit=URL_LIMIT),
                        started_at=moment(event.get("started_at")),
                        duration=number(event.get("duration")),
                        **common,
                    )
                ]
            case "recording.failed" if recording_id:
                return [RecordingFailed(recording_id=recording_id, error=text(event, "error"), **common)]
            case unknown:
                return [Ignored(reason=f"The mock's event {unknown!r} says nothing of use.", **common)]


class SandboxMockClient(MockClient, CredentialCheck, RoomLookup, RecordingListing, RecordingLink):
    """With the sandbox behind it, which also knows what was recorded."""

    supports_embedding = True

    def check_credentials(self) -> None:
        self._ask("/recordings")

    def has_room(self, room_name: str, meeting_id: str = "") -> bool:
        """The sandbox has no room before somebody comes, and all that were made before it began are gone."""
        if self.sandbox is None:
            return True
        made = meeting_id.removeprefix("mock-").partition("-")[0]
        return self.sandbox.exists(f"/{quote(room_name, safe='')}/room?{urlencode({'made': made})}")

    def warnings(self) -> list[str]:
        return []

    def list_recordings(self, room_name: str = "") -> Iterator[RecordingRef]:
        for item in self._ask("/recordings"):
            ref = self._recording_ref(mapping(item))
            if room_name in {"", ref.room_name}:
                yield ref

    def get_recording(self, recording_id: str) -> RecordingRef:
        return self._recording_ref(mapping(self._ask(path_to("recordings", recording_id))))

    def recording_link(self, recording_id: str) -> str:
        item = mapping(self._ask(path_to("recordings", recording_id)))
        return text(item, "download_url", limit=URL_LIMIT)

    def delete_recording(self, recording_id: str) -> bool:
        if self.sandbox:
            self.sandbox.delete(path_to("recordings", recording_id))
        return True

    def _ask(self, path: str) -> Any:
        return self.sandbox.get(path) if self.sandbox else []

    def _recording_ref(self, item: Mapping[str, Any]) -> RecordingRef:
        return RecordingRef(
            platform=self.name,
            recording_id=text(item, "recording_id"),
            room_name=text(item, "room_name"),
            kind="file",
            started_at=moment(item.get("started_at")),
            duration=number(item.get("duration")),
        )


def _rules(room: RoomSettings) -> dict[str, str]:
    rules = {"recording": room.recording_type, "trigger": room.recording_trigger}
    switches = {"locked": room.is_locked, "small": room.room_mode == "normal"}
    return rules | {name: "true" for name, holds in switches.items() if holds}


def _with_query(url: str, values: Mapping[str, str]) -> str:
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}{urlencode(values)}" if values else url
