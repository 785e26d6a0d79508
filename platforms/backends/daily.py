"""Daily.co, by https://docs.daily.co/reference/rest-api; what rests on another page than its own call's names it."""

import base64
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from platforms import events, signing
from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformRejected, PlatformUnavailable, UnsupportedCapability, WebhookRejected
from platforms.http import ProviderAPI, path_to, unless_gone
from platforms.reading import after, first_moment, integer, key_of, load, mapping, moment, number, objects, text
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

API_URL = "https://api.daily.co/v1"
NAME_LIMIT = 128  # characters, of A-Z a-z 0-9 - _
NAMES_TRIED = 3
USER_ID_LIMIT = 36  # characters; a token with a longer one is refused
USER_NAME_LIMIT = 100  # characters; of any alphabet, they leave a token below the 2,048 that it may have
PAGE = 100  # objects, the most there are
LISTING_PAUSE = 0.6  # seconds between pages; 50 calls are let through in 30 s
PAGES = 20  # more than any room fills
# <recording's start>-<session>-<medium>-<track's start>, in milliseconds, where a track's key ends
TRACK_NAME = re.compile(r"(\d{13})-([0-9a-fA-F-]{36})-([a-z]+-[a-z]+)-(\d{13})(?:\.\w+)?$")
RECORDING_LIMIT = 8 * 3600  # seconds; without it a recording ends after three hours
# What a recording is called that was started without a name, in every room: it would be taken for any of those.
RESERVED_INSTANCE = "c3df927c-f738-4471-a2b7-066fa7e95a6b"
# Seconds. A delivery is tried for about an hour, and nothing says that a later try has a new timestamp.
WEBHOOK_WINDOW = 2 * 3600
KEY_LIMIT = 2048  # characters of an S3 key
URL_LIMIT = 4096  # characters of an address or a meeting token

# Events, by https://docs.daily.co/reference/rest-api/webhooks/events. Beside the real shapes those of early drafts are
# read: `data` for `payload`, `ts` or `timestamp` for `event_ts`, a room or a person as an object of its own.
# Daily's word -> ours, the time at which it happened, and what it must say to be of use.
VOCABULARY: dict[str, tuple[type[events.Event], str, tuple[str, ...]]] = {
    "meeting.started": (events.MeetingStarted, "started_at", ("room_name",)),
    "meeting.ended": (events.MeetingEnded, "ended_at", ("room_name",)),
    "participant.joined": (events.ParticipantJoined, "joined_at", ("room_name", "session_id")),
    "participant.left": (events.ParticipantLeft, "left_at", ("room_name", "session_id")),
    "recording.started": (events.RecordingStarted, "started_at", ("recording_id",)),
    "recording.ready-to-download": (events.RecordingReady, "sent_at", ("recording_or_room",)),
    "recording.error": (events.RecordingFailed, "failed_at", ("recording_room_or_instance",)),
}
# The rest of what Daily sends, by the first part of its word.
IGNORED = {
    "waiting-participant": "People in the lobby are not in the meeting.",
    "transcript": "Daily's own transcripts are not used.",
    "streaming": "Live streams are not followed.",
    "batch-processor": "Daily's own processing is not used.",
    "dialin": "People on the telephone are participants and reported as such.",
    "dialout": "People on the telephone are participants and reported as such.",
}

Fields = Mapping[str, Any]


def _payload(event: Fields) -> dict[str, Any]:
    payload = mapping(event.get("payload")) or mapping(event.get("data"))
    return {**mapping(payload.get("participant")), **mapping(payload.get("recording")), **payload}


def _room(payload: Fields) -> str:
    return text(payload, "room_name", "room") or text(mapping(payload.get("room")), "name")


def _session(payload: Fields) -> str:
    """One connection of one person, or what Daily calls a meeting: one stretch of time with people in the room."""
    return text(payload, "session_id", "participant_id", "meeting_id", "id")


def _recording(payload: Fields) -> str:
    return text(payload, "recording_id", "id")


def _facts(event: Fields, payload: Fields) -> dict[str, Any]:
    """All that an event may say, under the names of `platforms.events`."""
    room_name, recording_id, tracks = _room(payload), _recording(payload), _tracks(payload)
    recording_type = text(payload, "type") or ("raw-tracks" if tracks else "cloud")
    joined_at, user_id = moment(payload.get("joined_at")), text(payload, "user_id")
    return {
        "raw": event,
        "sent_at": first_moment(event, "event_ts", "ts", "timestamp") or datetime.now(UTC),
        "room_name": room_name,
        "session_id": _session(payload),
        "user_id": None if user_id in {"", "hipaa"} else user_id,  # under HIPAA the word stands for what is no UUID
        "user_name": text(payload, "user_name") or None,
        "joined_at": joined_at,
        "left_at": after(joined_at, payload.get("duration")),
        "started_at": first_moment(payload, "start_ts", "start_time"),
        "ended_at": moment(payload.get("end_ts")),
        "recording_id": recording_id,
        "recording_or_room": recording_id or room_name,
        "recording_room_or_instance": recording_id or room_name or text(payload, "instance_id"),
        "recording_type": recording_type,
        "instance_id": _own_instance(payload),
        "s3_key": _s3_key(payload),
        "tracks": tracks if recording_type == "raw-tracks" else None,
        "download_url": text(payload, "download_url", "download_link", limit=URL_LIMIT),
        "duration": number(payload.get("duration")),
        "failed_at": moment(payload.get("timestamp")),
        "error": text(payload, "error_msg", "error"),
    }


def _own_instance(payload: Fields) -> str:
    """The id under which a recording was asked for; the one of all others tells nothing."""
    instance_id = text(payload, "instance_id")
    return "" if instance_id.lower() == RESERVED_INSTANCE else instance_id


def _s3_key(source: Fields) -> str:
    return text(source, "s3_key", "s3key", "s3Key", limit=KEY_LIMIT)


def _tracks(payload: Fields) -> list[events.Track] | None:
    """None when the files are not listed; empty when there are none."""
    tracks = payload.get("tracks")
    if not isinstance(tracks, list):
        return None
    return [
        events.Track(s3_key=_s3_key(track), size=integer(track.get("size")), **_named_in(_s3_key(track), track))
        for track in map(mapping, tracks)
        if _s3_key(track)
    ]


def _named_in(key: str, track: Fields) -> dict[str, Any]:
    """What a track's key says beside its entry: whose it is, of what, and when it began."""
    name = TRACK_NAME.search(key)
    if name is None:
        return {"kind": text(track, "type")}
    began, session_id, kind, track_began = name.groups()
    return {"kind": kind, "session_id": session_id, "offset": max(0, int(track_began) - int(began)) / 1000}


class DailyClient(VideoPlatformClient):
    label = "Daily"
    required_options = {"api_key": "DAILY_API_KEY"}
    supports_presence = True
    supports_closing = True
    supports_locking = True
    supports_join_tokens = True
    supports_extension = True
    supports_recording_listing = True
    supports_recording_link = True
    supports_recording_deletion = True
    supports_recording_start = True
    supports_webhook_registration = True
    recording_types = frozenset({"none", "local", "cloud"})
    # A person's token starts the recording, the first one's: nothing waits for a second.
    recording_triggers = frozenset({"none", "prompt", "automatic"})
    webhook_paths = ("daily_webhook",)
    webhook_event_types = tuple(VOCABULARY)
    # With the other choice three failures in a row stop all deliveries for good.
    webhook_retry_type = "exponential"

    def __init__(self, config: VideoPlatformConfig) -> None:
        super().__init__(config)
        url = config.api_url or API_URL
        self.api = ProviderAPI(self.name, self.label, url, config.api_key, config.webhook_secrets)
        self._listing = threading.Lock()
        self._next_listing = 0.0  # by the monotonic clock

    def warnings(self) -> list[str]:
        bucket, role = "AWS_DAILY_S3_BUCKET", "AWS_DAILY_ROLE_ARN"
        given, missing = (bucket, role) if self.config.s3_bucket else (role, bucket)
        found = {
            f"DAILY_RECORDING_MODE is raw-tracks, which needs {bucket} and {role}: until both are set, "
            "meetings are recorded as one file (cloud).": self._wants_tracks() and not self._bucket(),
            f"{given} is set but {missing} is not: recordings stay in Daily's own storage.": (
                bool(self.config.s3_bucket) != bool(self.config.aws_role_arn)
            ),
            "DAILY_WEBHOOK_SECRET is not set: every webhook from Daily is refused.": not self.config.webhook_secrets,
            "DAILY_WEBHOOK_SECRET holds a value that is not base64: Daily cannot sign webhooks with it.": not all(
                map(_is_base64, self.config.webhook_secrets)
            ),
        }
        return [sentence for sentence, holds in found.items() if holds]

    # Rooms

    def create_meeting(self, room_name_prefix: str, end_date: datetime, room: RoomSettings) -> MeetingData:
        """https://docs.daily.co/reference/rest-api/rooms/create-room

        `meeting_id` is the id of the provider's room. Hosts are told by token, so their address is everybody's.
        Daily writes a test file to a configured bucket meanwhile: a wrong role is a PlatformRejected.
        """
        body = {
            "privacy": "private" if room.is_locked else "public",
            "properties": self._room_properties(end_date, room),
        }
        for _ in range(NAMES_TRIED):
            made = self._make_room({"name": _room_name(room_name_prefix), **body})
            if made is not None:
                return self._meeting(made)
        raise PlatformRejected(f"{self.label} had every name taken that was tried.", self.name, 400)

    def _room_properties(self, end_date: datetime, room: RoomSettings) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "exp": int(end_date.timestamp()),
            "eject_at_room_exp": True,
            "enable_knocking": room.is_locked,
            "enable_chat": True,
            "enable_screenshare": True,
            "start_video_off": False,
            "start_audio_off": False,
        }
        # There is no value for "no recording": the property is left out.
        if recording_mode := self._recording_mode(room):
            properties["enable_recording"] = recording_mode
        if room.recording_type == "cloud" and (bucket := self._bucket()):
            properties["recordings_bucket"] = bucket
        return properties

    def _recording_mode(self, room: RoomSettings) -> str:
        """Daily's word for how a room is recorded; "" when it is not. Raw tracks need a bucket of one's own."""
        if room.recording_type == "cloud":
            return self.recording_kind()
        return "local" if room.recording_type == "local" else ""

    def _wants_tracks(self) -> bool:
        return self.config.extra.get("recording_mode") == "raw-tracks"

    def _bucket(self) -> dict[str, Any] | None:
        if not (self.config.s3_bucket and self.config.aws_role_arn):
            return None
        return {
            "bucket_name": self.config.s3_bucket,
            "bucket_region": self.config.s3_region,
            "assume_role_arn": self.config.aws_role_arn,
            "allow_api_access": True,
        }

    def _make_room(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """The room of that name, also one made by a call whose answer was lost; None when it is someone else's."""
        try:
            return mapping(self.api.post("/rooms", body, repeatable=True))
        except PlatformRejected as error:
            if "already exists" not in str(error).lower():
                raise
        room = mapping(self._get(path_to("rooms", body["name"])))
        is_ours = number(mapping(room.get("config")).get("exp")) == body["properties"]["exp"]
        return room if is_ours else None

    def _meeting(self, room: Fields) -> MeetingData:
        meeting_id, name, url = text(room, "id"), text(room, "name"), text(room, "url", limit=URL_LIMIT)
        if not (meeting_id and name and url.startswith(("https://", "http://"))):
            raise self._odd("made a room without saying its id, name and url")
        return MeetingData(meeting_id, name, room_url=url, host_room_url=url, platform=self.name, extra_data=room)

    def extend_meeting(self, room_name: str, end_date: datetime) -> None:
        """https://docs.daily.co/reference/rest-api/rooms/set-room-config"""
        properties = {"exp": int(end_date.timestamp())}
        self.api.post(path_to("rooms", room_name), {"properties": properties}, repeatable=True)

    def delete_room(self, room_name: str, meeting_id: str = "") -> bool:
        """https://docs.daily.co/reference/rest-api/rooms/delete-room; about two a second are let through."""
        with _unless_gone():
            self.api.delete(path_to("rooms", room_name))
        return True

    # People

    def join_link(self, request: JoinRequest) -> JoinLink:
        """https://docs.daily.co/reference/rest-api/meeting-tokens/create-meeting-token

        The token lets people in until it expires; whoever is in by then stays for as long as the room lasts.
        """
        answer = self.api.post("/meeting-tokens", {"properties": self._token_properties(request)}, repeatable=True)
        token = text(mapping(answer), "token", limit=URL_LIMIT)
        if not token:
            raise self._odd("made a meeting token without saying it")
        return JoinLink(url=f"{request.room_url}?{urlencode({'t': token})}", expires_at=request.expires_at)

    def _token_properties(self, request: JoinRequest) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "room_name": request.room_name,  # without it the token would open every room there is
            "is_owner": request.is_owner,
            "exp": int(request.expires_at.timestamp()),
            "enable_recording_ui": _may_start_recording(request),
        }
        if request.settings.is_locked and not request.is_owner:
            properties["knocking"] = True
        if request.user_name:
            properties["user_name"] = request.user_name[:USER_NAME_LIMIT]
        if request.user_id and len(request.user_id) <= USER_ID_LIMIT:
            properties["user_id"] = request.user_id
        # This starts a recording into one file only; raw tracks are started by a call.
        is_automatic = request.settings.recording_trigger.startswith("automatic")
        if is_automatic and self._recording_mode(request.settings) == "cloud":
            properties["start_cloud_recording"] = True
            properties["start_cloud_recording_opts"] = {"maxDuration": RECORDING_LIMIT}
        return properties

    def get_room_sessions(self, room_name: str) -> Sequence[SessionData]:
        """https://docs.daily.co/reference/rest-api/meetings, newest first; who stayed for seconds is not in it."""
        sessions: list[SessionData] = []
        params: dict[str, Any] = {"room": room_name, "limit": PAGE}
        for _ in range(PAGES):
            page = self._items(self._get("/meetings", params))
            sessions += filter(None, map(_session_data, page))
            if len(page) < PAGE:
                break
            params["starting_after"] = text(page[-1], "id")
        return sessions

    def get_presence(self, room_name: str) -> Sequence[Participant]:
        """https://docs.daily.co/reference/rest-api/rooms/get-room-presence"""
        return _participants(self._items(self._get(f"{path_to('rooms', room_name)}/presence")))

    def get_all_presence(self) -> dict[str, Sequence[Participant]]:
        """https://docs.daily.co/reference/rest-api/presence; up to 15 s old, so that asking more often is no use."""
        rooms = self.api.get("/presence")
        if not isinstance(rooms, dict):
            raise self._odd("answered with something that names no rooms")
        return {room_name: _participants(self._items(people)) for room_name, people in rooms.items()}

    # Recordings

    def recording_kind(self) -> str:
        return "raw-tracks" if self._wants_tracks() and self._bucket() else "cloud"

    def needs_recording_start(self, room: RoomSettings) -> bool:
        """A person's token starts a recording into one file; raw tracks are started by a call only."""
        return room.recording_trigger.startswith("automatic") and self._recording_mode(room) == "raw-tracks"

    def start_recording(
        self, room_name: str, kind: str, instance_id: str, with_video: bool = True
    ) -> Mapping[str, str] | None:
        """https://docs.daily.co/reference/rest-api/rooms/recordings/start; about one a second is let through.

        What it answers is not documented: the recording's id is learnt from the event that it has started.
        """
        if instance_id.lower() == RESERVED_INSTANCE:
            raise UnsupportedCapability(f"{self.label} keeps this instance id for itself; choose another.", self.name)
        if kind == "raw-tracks" and not self._bucket():
            raise UnsupportedCapability(f"{self.label} records raw tracks only into a bucket of one's own.", self.name)
        body: dict[str, Any] = {"type": kind, "instanceId": instance_id, "maxDuration": RECORDING_LIMIT}
        if kind == "raw-tracks" and not with_video:
            body["layout"] = {"preset": "raw-tracks-audio-only"}
        try:
            # A second call for the same instance changes nothing.
            answer = mapping(self.api.post(f"{path_to('rooms', room_name)}/recordings/start", body, repeatable=True))
        except PlatformRejected as error:
            if "has an active stream" not in str(error).lower():
                raise
            return None
        found = {"status": text(answer, "status"), "recordingId": text(answer, "recordingId", "recording_id", "id")}
        return {name: value for name, value in found.items() if value}

    def list_recordings(self, room_name: str = "") -> Iterator[RecordingRef]:
        """https://docs.daily.co/reference/rest-api/recordings/list-recordings; some two calls a second are let through.

        There is no filter by time, and pages are told apart by ids.
        """
        params: dict[str, Any] = {"limit": PAGE, **({"room_name": room_name} if room_name else {})}
        while True:
            self._wait_for_turn()
            page = self._items(self.api.get("/recordings", params))
            yield from (self._recording_ref(item) for item in page if _is_finished(item))
            last = text(page[-1], "id") if page else ""
            if len(page) < PAGE or last in {"", params.get("starting_after")}:
                return
            params["starting_after"] = last

    def _wait_for_turn(self) -> None:
        """Keep two listings apart, also those of two threads."""
        with self._listing:
            time.sleep(max(0.0, self._next_listing - time.monotonic()))
            self._next_listing = time.monotonic() + LISTING_PAUSE

    def get_recording(self, recording_id: str) -> RecordingRef:
        """https://docs.daily.co/reference/rest-api/recordings/get-recording"""
        return self._recording_ref(mapping(self.api.get(path_to("recordings", recording_id))))

    def recording_link(self, recording_id: str) -> str:
        """https://docs.daily.co/reference/rest-api/recordings/get-recording-link

        For recordings of one file; it lasts an hour. What stands in the link's place when there is none is a sentence.
        """
        answer = mapping(self.api.get(f"{path_to('recordings', recording_id)}/access-link"))
        link = text(answer, "download_link", limit=URL_LIMIT)
        if not link.startswith(("https://", "http://")):
            said = self.api.safe_text(link.encode())
            raise PlatformRejected(f"{self.label} gave no link to the recording: {said}", self.name)
        return link

    def delete_recording(self, recording_id: str) -> bool:
        """https://docs.daily.co/reference/rest-api/recordings/delete-recording

        Of a recording in a bucket of one's own only Daily's record goes; the files are the bucket owner's.
        """
        with _unless_gone():
            self.api.delete(path_to("recordings", recording_id))
        return True

    def recording_store(self) -> RecordingStore | None:
        """The files there are read with the machine's own credentials for AWS, unless the options hold others."""
        if not self._bucket():
            return None
        return RecordingStore(
            bucket=self.config.s3_bucket,
            region=self.config.s3_region,
            endpoint_url=self.config.s3_endpoint_url,
            access_key_id=self.config.aws_access_key_id,
            access_key_secret=self.config.aws_access_key_secret,
        )

    def recording_objects(self, recording_id: str) -> Sequence[str]:
        """https://docs.daily.co/reference/rest-api/recordings/get-recording"""
        if not self._bucket():
            return []
        with _unless_gone():
            item = mapping(self.api.get(path_to("recordings", recording_id)))
            return [key for key in (_s3_key(item), *(track.s3_key for track in _tracks(item) or ())) if key]
        return []

    def recording_of_event(self, event: events.RecordingReady) -> RecordingRef:
        return self._placed(super().recording_of_event(event), is_tracks=event.recording_type == "raw-tracks")

    def _recording_ref(self, item: Fields) -> RecordingRef:
        # The type is not said. Only raw tracks are listed, and where there is no file at all nobody was heard.
        tracks = _tracks(item) or (None if _s3_key(item) else [])
        found = RecordingRef(
            platform=self.name,
            recording_id=text(item, "id"),
            room_name=text(item, "room_name"),
            started_at=moment(item.get("start_ts")),
            duration=number(item.get("duration")),
            key=_s3_key(item),
            tracks=tracks,
        )
        return self._placed(found, is_tracks=tracks is not None)

    def _placed(self, ref: RecordingRef, is_tracks: bool) -> RecordingRef:
        """Tracks are objects of the bucket. A single file is had by link, wherever Daily keeps it."""
        if not is_tracks:
            return replace(ref, kind="file", bucket="", key="", tracks=None)
        return replace(ref, kind="tracks", bucket=self.config.s3_bucket if ref.key else "", tracks=ref.tracks)

    # Webhook subscriptions

    def list_webhooks(self) -> Sequence[WebhookSubscription]:
        return [self._subscription(item) for item in self._items(self.api.get("/webhooks"))]

    def register_webhook(self, url: str, secret: str, replace: str = "") -> WebhookSubscription:
        """https://docs.daily.co/reference/rest-api/webhooks/create

        Daily tries the address out during the call. One that it has stopped is set going again by being registered
        anew under its id. `secret` is base64.
        """
        path = path_to("webhooks", replace) if replace else "/webhooks"
        body = {"url": url, "eventTypes": list(VOCABULARY), "hmac": secret, "retryType": self.webhook_retry_type}
        return self._subscription(mapping(self.api.post(path, body, repeatable=bool(replace))))

    def delete_webhook(self, subscription_id: str) -> None:
        """https://docs.daily.co/reference/rest-api/webhooks/delete; one that is gone already is no error."""
        with _unless_gone():
            self.api.delete(path_to("webhooks", subscription_id))

    def new_webhook_secret(self) -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    def _subscription(self, item: Fields) -> WebhookSubscription:
        uuid, state, secret, kinds = text(item, "uuid"), text(item, "state"), text(item, "hmac"), item.get("eventTypes")
        if not uuid:
            raise self._odd("spoke of a webhook without saying its uuid")
        return WebhookSubscription(
            id=uuid,
            url=text(item, "url", limit=URL_LIMIT),
            state=state,
            is_active=state.upper() in {"ACTIVE", "1"},  # older answers have numbers
            event_types=[str(kind) for kind in kinds] if isinstance(kinds, list) else [],
            retry_type=text(item, "retryType"),
            has_known_secret=secret in self.config.webhook_secrets if secret else None,
        )

    # Webhook deliveries

    def authenticate_webhook(self, body: bytes, headers: Mapping[str, str]) -> None:
        """By X-Webhook-Signature and X-Webhook-Timestamp; by X-Daily-Signature only where neither is there."""
        signature, timestamp = headers.get("X-Webhook-Signature"), headers.get("X-Webhook-Timestamp")
        if signature is None and timestamp is None and self._accepts_unstamped():
            signature = headers.get("X-Daily-Signature")
        elif not timestamp:
            signature = None
        if not signature:
            raise WebhookRejected("X-Webhook-Signature or X-Webhook-Timestamp is missing.", self.name, 400)
        if not self.verify_webhook_signature(body, signature, timestamp):
            raise WebhookRejected("The signature is wrong, or made too long ago.", self.name, 401)

    def verify_webhook_signature(self, body: bytes, signature: str, timestamp: str | None = None) -> bool:
        """`timestamp` is the header as received.

        None stands for the older scheme, a hexadecimal HMAC of the body alone. Such a delivery can be replayed for
        ever, so the option `accept_unstamped_signature` must allow it.
        """
        if timestamp is None:
            return self._accepts_unstamped() and signing.matches_hex(self.config.webhook_secrets, body, signature)
        if not signing.is_recent(timestamp, WEBHOOK_WINDOW):
            return False
        return signing.matches_base64(self.config.webhook_secrets, timestamp.encode() + b"." + body, signature)

    def _accepts_unstamped(self) -> bool:
        return bool(self.config.extra.get("accept_unstamped_signature"))

    def is_webhook_probe(self, body: bytes) -> bool:
        return load(body) == {"test": "test"}

    def summarize_webhook(self, body: bytes) -> WebhookSummary:
        """Ids of recording events are made of an instance id that rooms may share: alone they are not unique."""
        event = load(body)
        payload = _payload(event)
        event_id, kind = text(event, "id"), text(event, "type")
        identity = [event_id, _room(payload), _recording(payload), _session(payload)] if event_id else [body]
        return WebhookSummary(key=key_of(kind, *identity), event_id=event_id, type=kind)

    def parse_webhook(self, body: bytes) -> Sequence[events.Event]:
        event = load(body)
        kind = text(event, "type")
        facts = {"platform": self.name, **_facts(event, _payload(event))}
        happened, when, needed = VOCABULARY.get(kind, (events.Ignored, "sent_at", ()))
        if kind not in VOCABULARY:
            facts["reason"] = IGNORED.get(kind.partition(".")[0], "This type of event is not known.")
        elif not all(facts[name] for name in needed):
            happened, facts["reason"] = events.Ignored, "It does not say what it is about."
        facts["occurred_at"] = facts[when] = facts[when] or facts["sent_at"]
        return [happened(**{field.name: facts[field.name] for field in fields(happened) if field.name in facts})]

    # Answers

    def _get(self, path: str, params: Fields | None = None) -> Any:
        """The answer; an empty list where there is no such thing (any more)."""
        with _unless_gone():
            return self.api.get(path, params)
        return []

    def _items(self, answer: Any) -> list[dict[str, Any]]:
        """The objects of a list; nothing else may pass for an empty one."""
        items = objects(answer, "data")
        if items is None:
            raise self._odd("answered with something that is no list")
        return items

    def _odd(self, what: str) -> PlatformUnavailable:
        return PlatformUnavailable(f"{self.label} {what}.", self.name)


# A room that has expired but is still there is refused with an error that says so.
_unless_gone = partial(unless_gone, '"deleted":true')


def _room_name(prefix: str) -> str:
    """A name that is free: the time tells people when it was made, chance keeps two of one second apart."""
    ending = f"-{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
    ascii_only = unicodedata.normalize("NFKD", prefix).encode("ascii", "ignore").decode()
    start = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_only).strip("-_")[: NAME_LIMIT - len(ending)]
    return (start or "room") + ending


def _is_base64(secret: str) -> bool:
    try:
        return bool(signing.decode_secret(secret))
    except ValueError:
        return False


def _is_finished(item: Fields) -> bool:
    """The words for states are an open set; what goes on or was broken off is no recording to fetch."""
    return bool(text(item, "id")) and text(item, "status") not in {"in-progress", "canceled"}


def _may_start_recording(request: JoinRequest) -> bool:
    """Whether to show the button: to people who are known, where nobody has to consent to it first."""
    recording_type = request.settings.recording_type
    is_known = request.is_owner or bool(request.user_id)
    return is_known and (recording_type == "local" or (recording_type == "cloud" and request.settings.skip_consent))


def _session_data(item: Fields) -> SessionData | None:
    session_id, started_at = text(item, "id"), moment(item.get("start_time"))
    if not session_id or not started_at:
        return None
    ended_at = None if item.get("ongoing") else after(started_at, item.get("duration")) or started_at
    return SessionData(session_id, started_at, ended_at)


def _participants(people: Sequence[Fields]) -> list[Participant]:
    """Whoever is there counts, also when it is not said since when."""
    return [
        Participant(
            session_id=text(person, "id"),
            joined_at=moment(person.get("joinTime")) or datetime.now(UTC),
            user_id=text(person, "userId") or None,
            user_name=text(person, "userName") or None,
        )
        for person in people
        if text(person, "id")
    ]
