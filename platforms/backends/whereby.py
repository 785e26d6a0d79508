"""Whereby: rooms made for one meeting through the REST API, webhooks registered by hand.

API: https://docs.whereby.com/reference/whereby-rest-api-reference
Its budget is in points per minute for the whole organisation (100 on the smallest plan; a read costs 1 to 10), so
insights are asked for sparingly. A session there needs two people: one who waits alone is in none.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.text import slugify

from platforms import signing
from platforms.base import VideoPlatformClient
from platforms.events import (
    Event,
    Ignored,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingReady,
)
from platforms.exceptions import PlatformRejected, PlatformUnavailable, WebhookRejected
from platforms.http import ProviderAPI, path_to, unless_gone
from platforms.reading import TEXT_LIMIT, integer, key_of, load, mapping, moment, number, objects, text
from platforms.types import (
    MeetingData,
    Participant,
    RecordingRef,
    RecordingStore,
    RoomSettings,
    SessionData,
    VideoPlatformConfig,
    WebhookSummary,
)

API_URL = "https://api.whereby.dev/v1"
PREFIX_LIMIT = 39  # characters, the hyphen before Whereby's own part included
URL_LIMIT = 2000  # characters
KEY_LIMIT = 1024  # bytes, of an S3 key
PAGE = 100  # the most that a list gives at once
PAGES = 20  # a list that goes on is cut off here
LINK_SECONDS = 3600
SIGNATURE_WINDOW = 60.0  # seconds between signing and arriving, either way
MOST_PEOPLE = 10_000  # a larger count is not to be believed
# <room name without its slash>-<start>.<format>. The room's name may itself hold a time, so the last one counts.
RECORDING_NAME = re.compile(
    r"(?P<room>[^/\s\x00-\x1f]{1,254})-(?P<start>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)\.(?:mp4|mkv)",
    re.ASCII | re.IGNORECASE,
)


class WherebyClient(VideoPlatformClient):
    label = "Whereby"
    required_options = {"api_key": "WHEREBY_API_KEY"}
    supports_logo = True
    supports_presence = True
    supports_recording_link = True
    supports_recording_deletion = True
    remembers_bucket_recordings = False  # as far as is documented
    supports_closing = True
    supports_locking = True
    recording_types = frozenset({"none", "local", "cloud"})
    recording_triggers = frozenset({"none", "prompt", "automatic", "automatic-2nd-participant"})
    webhook_paths = ("whereby",)
    presence_threshold = 2
    # Of the <style> that the vendored SDK makes; a test compares it with what a browser finds there.
    embed_style_hashes = ("sha256-wWkhDcvkWlEEFofM+oCKyKaIPQKTy4KP7Elu/UcEYFs=",)

    def __init__(self, config: VideoPlatformConfig) -> None:
        super().__init__(config)
        self.api = ProviderAPI(
            self.name,
            self.label,
            config.api_url or API_URL,
            config.api_key,
            secrets=(config.aws_access_key_secret, config.aws_access_key_id),
            wait_in_body=_wait_in_body,
        )

    def warnings(self) -> list[str]:
        storage = {
            "AWS_WHEREBY_S3_BUCKET": self.config.s3_bucket,
            "AWS_WHEREBY_ACCESS_KEY_ID": self.config.aws_access_key_id,
            "AWS_WHEREBY_ACCESS_KEY_SECRET": self.config.aws_access_key_secret,
        }
        found = []
        if missing := [variable for variable, value in storage.items() if not value]:
            found.append(
                f"{', '.join(missing)} not set: cloud recordings on Whereby go where its dashboard says. Those in "
                "Whereby's own storage are fetched when its webhook tells of them; those in another bucket are not."
            )
        if not self.config.webhook_secrets:
            found.append("WHEREBY_WEBHOOK_SECRET is not set: all webhooks from Whereby are refused.")
        return found

    # Rooms: https://docs.whereby.com/reference/whereby-rest-api-reference/meetings

    def create_meeting(self, room_name_prefix: str, end_date: datetime, room: RoomSettings) -> MeetingData:
        """POST /meetings. The room lasts until an hour after `end_date`; nobody is sent out at `end_date` itself.

        A call whose answer is lost is not repeated, as it may have made a room, which then expires unused.
        """
        answer = self.api.post(
            "/meetings",
            {
                "isLocked": room.is_locked,
                "roomMode": room.room_mode,
                "roomNamePrefix": _prefix(room_name_prefix),
                "endDate": end_date.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "recording": self._recording(room),
                "fields": ["hostRoomUrl"],
            },
        )
        return self._meeting(mapping(answer))

    def _recording(self, room: RoomSettings) -> dict[str, Any]:
        """Always sent: without it the organisation's default holds, which may be to record."""
        if room.recording_type != "cloud":
            return {"type": room.recording_type, "destination": None, "startTrigger": "none"}
        return {"type": "cloud", "destination": self._destination(), "startTrigger": room.recording_trigger}

    def _destination(self) -> dict[str, str] | None:
        """The bucket, or None for what the organisation's dashboard says."""
        config = self.config
        if not (config.s3_bucket and config.aws_access_key_id and config.aws_access_key_secret):
            return None
        return {
            "provider": "s3",
            "bucket": config.s3_bucket,
            "accessKeyId": config.aws_access_key_id,
            "accessKeySecret": config.aws_access_key_secret,
            "fileFormat": "mp4",
        }

    def _meeting(self, answer: Mapping[str, Any]) -> MeetingData:
        room_url = _web_address(answer, "roomUrl")
        found = {
            "meetingId": text(answer, "meetingId"),
            "roomUrl": room_url,
            "roomName": text(answer, "roomName") or urlsplit(room_url).path.rstrip("/"),
        }
        if missing := [name for name, value in found.items() if not value]:
            raise PlatformUnavailable(
                f"Whereby made a meeting, but its answer has no usable {' and '.join(missing)}.", self.name
            )
        return MeetingData(
            meeting_id=found["meetingId"],
            room_name=found["roomName"],
            room_url=room_url,
            host_room_url=_web_address(answer, "hostRoomUrl"),
            platform=self.name,
        )

    def delete_room(self, room_name: str, meeting_id: str = "") -> bool:
        """DELETE /meetings/{meetingId}: sends everyone out, and lets nobody in again.

        Whereby closes rooms by meeting id only, and finding it would take reading the list of all meetings;
        raises PlatformRejected without one.
        """
        if not meeting_id:
            raise PlatformRejected(f"Whereby closes rooms by meeting id; none is known for {room_name}.", self.name)
        with unless_gone():
            self.api.delete(path_to("meetings", meeting_id))
        return True

    def upload_logo(self, room_name: str, logo_path: Path) -> bool:
        """PUT /rooms/{roomName}/theme/logo, a PNG, best 400 px wide or more."""
        image = ("logo.png", logo_path.read_bytes(), "image/png")
        self.api.request("PUT", f"{path_to('rooms', room_name.strip('/'))}/theme/logo", files={"image": image})
        return True

    # Who is there: https://docs.whereby.com/reference/whereby-rest-api-reference/insights

    def get_room_sessions(self, room_name: str) -> Sequence[SessionData]:
        """GET /insights/room-sessions: the stretches in which two people or more were there."""
        found = []
        for item in self._list("/insights/room-sessions", {"roomName": _with_slash(room_name)}):
            session_id, started_at = text(item, "roomSessionId"), moment(item.get("startedAt"))
            if session_id and started_at:
                found.append(SessionData(session_id, started_at, moment(item.get("endedAt"))))
        return found

    def get_presence(self, room_name: str) -> Sequence[Participant]:
        """The people in the room's open sessions; empty also for one person alone."""
        open_sessions = [session for session in self.get_room_sessions(room_name) if session.ended_at is None]
        return [
            participant
            for session in open_sessions
            for item in self._list("/insights/participants", {"roomSessionId": session.session_id})
            if (participant := _present_person(item, session))
        ]

    def _list(self, path: str, params: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        """All items of a list, page by page; none where Whereby does not know what is asked for."""
        cursor = ""
        for _ in range(PAGES):
            page = {}
            with unless_gone():
                page = mapping(self.api.get(path, {**params, "limit": PAGE, **({"cursor": cursor} if cursor else {})}))
            yield from objects(page, "results") or []
            cursor = text(page, "cursor", limit=URL_LIMIT)
            if not cursor:
                return

    # Recordings: https://docs.whereby.com/meeting-content-and-quality/recording/cloud-recording

    def recording_store(self) -> RecordingStore | None:
        """The bucket of the option, which may name a folder in it: `bucket/folder`."""
        bucket, _, folder = self.config.s3_bucket.partition("/")
        if not bucket:
            return None
        return RecordingStore(
            bucket=bucket,
            prefix=f"{folder.strip('/')}/" if folder.strip("/") else "",
            region=self.config.s3_region,
            endpoint_url=self.config.s3_endpoint_url,
            access_key_id=self.config.aws_access_key_id,
            access_key_secret=self.config.aws_access_key_secret,
        )

    def recording_at(self, key: str) -> RecordingRef | None:
        """By the name that Whereby gives to files, in whatever folder; transcripts have other endings."""
        store = self.recording_store()
        named = RECORDING_NAME.fullmatch(key.rpartition("/")[2])
        started_at = moment(named["start"].upper()) if named else None
        if not (store and named and started_at):
            return None
        return RecordingRef(
            platform=self.name,
            room_name=_with_slash(named["room"]),
            kind="file",
            started_at=started_at,
            bucket=store.bucket,
            key=key,
        )

    def recording_of_event(self, event: RecordingReady) -> RecordingRef:
        """The event has the file's name without the folder; with it, it is the object that the bucket tells of."""
        ref, store = super().recording_of_event(event), self.recording_store()
        if store and ref.key and not ref.key.startswith(store.prefix):
            ref = replace(ref, key=store.prefix + ref.key)
        found = self.recording_at(event.s3_key)
        return replace(ref, started_at=ref.started_at or (found.started_at if found else None))

    def recording_link(self, recording_id: str) -> str:
        """Of one in Whereby's own storage: https://docs.whereby.com/reference/whereby-rest-api-reference/recordings"""
        path = f"{path_to('recordings', recording_id)}/access-link"
        link = _web_address(mapping(self.api.get(path, {"validForSeconds": LINK_SECONDS})), "accessLink")
        if not link:
            raise PlatformRejected(f"{self.label} gave no link to the recording.", self.name)
        return link

    def delete_recording(self, recording_id: str) -> bool:
        """From Whereby's own storage; https://docs.whereby.com/reference/whereby-rest-api-reference/recordings"""
        with unless_gone():
            self.api.delete(path_to("recordings", recording_id))
        return True

    # Webhooks: https://docs.whereby.com/meeting-content-and-quality/insights-suite-and-api/webhooks

    def webhook_instructions(self, url: str) -> str:
        return (
            f"As an admin of the organisation, open Configure > Webhooks in Whereby's dashboard, add {url} and choose "
            f"these events: {', '.join(PARSERS)}. Put the secret shown there into WHEREBY_WEBHOOK_SECRET. The webhook "
            "gets the events of all rooms of the organisation."
        )

    def authenticate_webhook(self, body: bytes, headers: Mapping[str, str]) -> None:
        signature = headers.get("Whereby-Signature")
        if signature is None:
            raise WebhookRejected("The Whereby-Signature header is missing.", self.name, status=400)
        if not self.verify_webhook_signature(body, signature):
            raise WebhookRejected("The Whereby-Signature header does not match.", self.name)

    def verify_webhook_signature(self, body: bytes, signature: str, timestamp: str | None = None) -> bool:
        """`signature` is the whole header, `t=<Unix seconds>,v1=<hex>`; its own time counts, not `timestamp`.

        The option `webhook_window` is how old it may be, in seconds.
        """
        time, candidates = _signature_parts(signature)
        if not candidates or not signing.is_recent(time, self.config.extra.get("webhook_window", SIGNATURE_WINDOW)):
            return False
        return any(
            signing.matches_hex(self.config.webhook_secrets, time.encode() + b"." + signed, *candidates)
            for signed in _as_signed(body)
        )

    def summarize_webhook(self, body: bytes) -> WebhookSummary:
        event = load(body)
        event_type, event_id = text(event, "type"), text(event, "id", limit=KEY_LIMIT)
        key = key_of("id", event_type, event_id) if event_id else key_of("body", body)
        return WebhookSummary(key=key, event_id=event_id[:TEXT_LIMIT], type=event_type)

    def parse_webhook(self, body: bytes) -> Sequence[Event]:
        event = load(body)
        data = mapping(event.get("data"))
        occurred_at = moment(event.get("createdAt"))
        common: dict[str, Any] = {
            "platform": self.name,
            "occurred_at": occurred_at or timezone.now(),
            "room_name": text(data, "roomName"),
            "meeting_id": text(data, "meetingId"),
            "raw": event,
        }
        event_type = text(event, "type")
        parse = PARSERS.get(event_type)
        if parse is None:
            reason = IGNORED.get(event_type, f"Whereby's event {event_type!r} is not known.")
        elif occurred_at is None:
            reason = "It does not say when it happened."
        elif not (common["room_name"] or common["meeting_id"]):
            reason = "It names no room."
        else:
            return [parse(data, common)]
        return [Ignored(reason=reason, **common)]


# What events say: https://docs.whereby.com/meeting-content-and-quality/insights-suite-and-api/webhooks

BOT_ROLES = frozenset({"recorder", "streamer", "captioner", "assistant"})


def _joined(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    if not text(data, "participantId"):
        return Ignored(reason="It names no participant.", **common)
    return ParticipantJoined(joined_at=common["occurred_at"], **_participant(data), **common)


def _left(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    if not text(data, "participantId"):
        return Ignored(reason="It names no participant.", **common)
    return ParticipantLeft(left_at=common["occurred_at"], **_participant(data), **common)


def _session_started(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    return MeetingStarted(session_id=text(data, "roomSessionId"), **common)


def _session_ended(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    return MeetingEnded(session_id=text(data, "roomSessionId"), **common)


def _recording_finished(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    """A hint: the file's name is known, its bucket is not."""
    status = text(data, "status")
    if status not in {"", "completed"}:
        return Ignored(reason=f"The recording's status is {status!r}.", **common)
    return RecordingReady(
        recording_id=text(data, "recordingId"),
        recording_type="cloud",
        s3_key=text(data, "filename", limit=KEY_LIMIT),
        **common,
    )


PARSERS: dict[str, Callable[[Mapping[str, Any], dict[str, Any]], Event]] = {
    "room.client.joined": _joined,
    "room.client.left": _left,
    "room.session.started": _session_started,
    "room.session.ended": _session_ended,
    "recording.finished": _recording_finished,
}
IGNORED = {
    "room.client.knocked": "Who knocks is not in yet.",
    "room.client.knockCancelled": "Who knocked was not in.",
    "transcription.started": "Whereby's own transcripts are not used.",
    "transcription.finished": "Whereby's own transcripts are not used.",
    "transcription.failed": "Whereby's own transcripts are not used.",
    "assistant.requested": "Whereby's assistants are not used.",
}


def _participant(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "session_id": text(data, "participantId"),
        "user_id": text(data, "externalId") or None,
        "user_name": text(data, "displayName") or None,
        "is_bot": text(data, "roleName") in BOT_ROLES,
        "present": _people(data),
    }


def _people(data: Mapping[str, Any]) -> int | None:
    """How many are in after the event, without bots. Whether numClients counts bots is not documented.

    So both ways of counting are tried, and the larger holds: people must not be taken for gone.
    """
    by_role = {role: integer(count) or 0 for role, count in mapping(data.get("numClientsByRoleName")).items()}
    bots = sum(by_role.get(role, 0) for role in BOT_ROLES)
    everyone = integer(data.get("numClients"))
    if everyone is None and not by_role:
        return None
    people = max(sum(by_role.values()) - bots, (everyone or 0) - bots, 0)
    return people if people <= MOST_PEOPLE else None


def _present_person(item: Mapping[str, Any], session: SessionData) -> Participant | None:
    participant_id = text(item, "participantId")
    if not participant_id or item.get("leftAt") or text(item, "roleName") in BOT_ROLES:
        return None
    return Participant(
        session_id=participant_id,
        joined_at=moment(item.get("joinedAt")) or session.started_at,
        user_id=text(item, "externalId") or None,
        user_name=text(item, "displayName") or None,
    )


def _signature_parts(header: str) -> tuple[str, list[str]]:
    """The time and every version 1 signature, in any order, with spaces or without, beside parts not known."""
    pairs = [(name.strip(), value.strip()) for name, _, value in (part.partition("=") for part in header.split(","))]
    time = next((value for name, value in pairs if name == "t"), "")
    return time, [value for name, value in pairs if name == "v1"]


def _as_signed(body: bytes) -> Iterator[bytes]:
    """The bytes that may have been signed: those that came or, if a proxy reformatted them, what JavaScript writes."""
    yield body
    try:
        event = json.loads(body)
        for ascii_only in (False, True):
            yield json.dumps(event, separators=(",", ":"), ensure_ascii=ascii_only).encode()
    except (ValueError, RecursionError):
        return


def _prefix(wanted: str) -> str:
    """Lower-case letters, digits and hyphens; Whereby puts its own part right behind, so a hyphen ends it."""
    return f"{slugify(wanted).replace('_', '-')[: PREFIX_LIMIT - 1].strip('-') or 'room'}-"


def _with_slash(room_name: str) -> str:
    return f"/{room_name.lstrip('/')}"


def _web_address(answer: Mapping[str, Any], name: str) -> str:
    url = text(answer, name, limit=URL_LIMIT)
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.hostname else ""


def _wait_in_body(answer: Mapping[str, Any]) -> float | None:
    """Seconds, from the milliseconds in a 429; one client in use reads them as ms_left."""
    milliseconds = number(text(mapping(answer.get("data")), "msLeft", "ms_left"))
    return None if milliseconds is None else milliseconds / 1000
