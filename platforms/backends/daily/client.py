"""Daily.co, by https://docs.daily.co/reference/rest-api; what rests on another page than its own call's names it."""

import re
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from platforms.abilities import Closing, Extension, Presence, RoomLookup
from platforms.backends.daily.account import PAGE, URL_LIMIT, Fields, unless_gone
from platforms.backends.daily.recordings import RECORDING_LIMIT_SECONDS, DailyRecordings
from platforms.backends.daily.webhooks import DailyWebhooks, is_base64
from platforms.exceptions import PlatformRejected
from platforms.http.client import path_to
from platforms.payloads import after, mapping, moment, number, text
from platforms.types import JoinLink, JoinRequest, MeetingData, Participant, RoomSettings, SessionData

PAGES = 20  # more than any room fills
NAME_LIMIT = 128  # characters, of A-Z a-z 0-9 - _
NAMES_TRIED = 3
USER_ID_LIMIT = 36  # characters; a token with a longer one is refused
USER_NAME_LIMIT = 100  # characters; of any alphabet, they leave a token below the 2,048 that it may have


class DailyClient(DailyWebhooks, DailyRecordings, Presence, RoomLookup, Closing, Extension):
    supports_locking = True
    supports_join_tokens = True
    recording_types = frozenset({"none", "local", "cloud"})
    # A person's token starts the recording, the first one's: nothing waits for a second, and nobody is prompted.
    recording_triggers = frozenset({"none", "automatic"})

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
                map(is_base64, self.config.webhook_secrets)
            ),
        }
        return [sentence for sentence, holds in found.items() if holds]

    def deployment_warnings(self) -> list[str]:
        if not self.config.extra.get("accept_unstamped_signature"):
            return []
        return ["DAILY_ACCEPT_UNSTAMPED_SIGNATURE is true: who has seen a webhook once can send it again for ever."]

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
        return MeetingData(meeting_id, name, room_url=url, host_room_url=url, platform=self.name)

    def has_room(self, room_name: str, meeting_id: str = "") -> bool:
        """https://docs.daily.co/reference/rest-api/rooms/get-room-config; one that has expired is not there."""
        return self.api.exists(path_to("rooms", room_name))

    def extend_meeting(self, room_name: str, end_date: datetime) -> None:
        """https://docs.daily.co/reference/rest-api/rooms/set-room-config"""
        properties = {"exp": int(end_date.timestamp())}
        self.api.post(path_to("rooms", room_name), {"properties": properties}, repeatable=True)

    def delete_room(self, room_name: str, meeting_id: str = "") -> bool:
        """https://docs.daily.co/reference/rest-api/rooms/delete-room; about two a second are let through."""
        with unless_gone():
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
        return JoinLink(url=f"{request.room_url}?{urlencode({'t': token})}")

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
        is_automatic = request.settings.recording_trigger.startswith("automatic") and request.starts_recording
        if is_automatic and self._recording_mode(request.settings) == "cloud":
            properties["start_cloud_recording"] = True
            properties["start_cloud_recording_opts"] = {"maxDuration": RECORDING_LIMIT_SECONDS}
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


def _room_name(prefix: str) -> str:
    """A name that is free: the time tells people when it was made, chance keeps two of one second apart."""
    ending = f"-{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
    ascii_only = unicodedata.normalize("NFKD", prefix).encode("ascii", "ignore").decode()
    start = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_only).strip("-_")[: NAME_LIMIT - len(ending)]
    return (start or "room") + ending


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
