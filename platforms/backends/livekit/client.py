"""LiveKit, of its cloud or of a server of one's own: https://docs.livekit.io/reference/

Rooms are made by a call, people come by tokens that are made here, and the call itself is drawn by the room's page
(static/platforms/livekit.js) with LiveKit's SDK: there is no page of LiveKit's that a frame could show.
"""

import json
import re
import secrets
import time
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from platforms.abilities import Closing, Extension, Presence, RoomLookup
from platforms.backends.livekit import tokens
from platforms.backends.livekit.account import unless_gone, with_scheme
from platforms.backends.livekit.events import joined_at, user_of
from platforms.backends.livekit.recordings import LiveKitRecordings
from platforms.backends.livekit.webhooks import LiveKitWebhooks
from platforms.http.client import LOOK_SECONDS
from platforms.payloads import text
from platforms.types import JoinLink, JoinRequest, MeetingData, Participant, RoomSettings, SessionData

NAME_LIMIT = 100  # characters, of those that a bucket's keys and an address take as they are
SMALL = 4  # people, in a room of mode normal
LONGEST_SECONDS = 2**31 - 1
USER_NAME_LIMIT = 100  # characters
CLOUD = ".livekit.cloud"


class LiveKitClient(LiveKitWebhooks, LiveKitRecordings, Presence, RoomLookup, Closing, Extension):
    supports_join_tokens = True
    room_modes = frozenset({"normal", "group"})
    recording_types = frozenset({"none", "cloud"})
    # It is started by a call as soon as somebody is in: nothing waits for a second, and nobody is prompted.
    recording_triggers = frozenset({"none", "automatic"})

    def warnings(self) -> list[str]:
        if self.config.s3_bucket:
            return []
        return ["AWS_LIVEKIT_S3_BUCKET is not set: meetings on LiveKit cannot be recorded."]

    def deployment_warnings(self) -> list[str]:
        if urlsplit(self.config.api_url).scheme in {"https", "wss"} or self.is_simulated:
            return []
        return ["LIVEKIT_URL is not encrypted: browsers give a page on https no call there."]

    # Rooms

    def create_meeting(self, room_name_prefix: str, end_date: datetime, room: RoomSettings) -> MeetingData:
        """https://docs.livekit.io/reference/other/roomservice-api/#createroom"""
        made = self._make_room(_room_name(room_name_prefix), end_date, SMALL if room.room_mode == "normal" else 0)
        sid, name = text(made, "sid"), text(made, "name")
        if not (sid and name):
            raise self._odd("made a room without saying its sid and name")
        # In the sandbox a page plays the call.
        base = self.config.api_url if self.is_simulated else with_scheme(self.config.api_url, "ws")
        url = f"{base}/{name}"
        return MeetingData(sid, name, room_url=url, host_room_url=url, platform=self.name)

    def _make_room(self, name: str, end_date: datetime, most: int = 0) -> dict[str, Any]:
        """One that is there already is given these times instead. It stays until then, whether or not anybody is in."""
        seconds = min(max(60, int(end_date.timestamp() - time.time())), LONGEST_SECONDS)
        body = {"name": name, "empty_timeout": seconds, "departure_timeout": seconds}
        return self._ask(
            "RoomService/CreateRoom", {**body, **({"max_participants": most} if most else {})}, roomCreate=True
        )

    def extend_meeting(self, room_name: str, end_date: datetime) -> None:
        """Nobody is sent out at the end; but an empty room would be closed then, and be another one for who comes."""
        self._make_room(room_name, end_date)

    def has_room(self, room_name: str, meeting_id: str = "") -> bool:
        return bool(self._rooms(room_name, LOOK_SECONDS))

    def delete_room(self, room_name: str, meeting_id: str = "") -> bool:
        """https://docs.livekit.io/reference/other/roomservice-api/#deleteroom; everybody in it is sent out.

        Who holds a token comes back into a new room of that name, unless the server's `room.auto_create` is off.
        """
        with unless_gone():
            self._ask("RoomService/DeleteRoom", {"room": room_name}, roomCreate=True)
        return True

    # People

    def join_link(self, request: JoinRequest) -> JoinLink:
        """The token lets one connection in, until it expires; whoever is in by then stays.

        `sub` must be another one for each connection, as a second one of the same would send the first out.
        """
        claims = {
            "sub": secrets.token_urlsafe(12),
            "name": (request.user_name or "")[:USER_NAME_LIMIT],
            "metadata": json.dumps({"user_id": request.user_id} if request.user_id else {}),
            "video": {
                "roomJoin": True,
                "room": request.room_name,
                **dict.fromkeys(("canPublish", "canSubscribe", "canPublishData"), True),
            },
        }
        seconds = max(1.0, request.expires_at.timestamp() - time.time())
        token = tokens.sign(self.config.api_key, self.config.api_secret, seconds, claims)
        if self.is_simulated:
            return JoinLink(url=f"{request.room_url}?{urlencode({'access_token': token})}")
        server = with_scheme(self.config.api_url, "ws")
        return JoinLink(url=request.room_url, parameters={"server": server, "token": token})

    def page_sources(self, room_url: str) -> Mapping[str, Sequence[str]]:
        """The signalling is a WebSocket, and asked for by HTTP why it fails; the cloud has more hosts than the one."""
        if self.is_simulated:
            return {}
        parts = urlsplit(self.config.api_url)
        hosts = [parts.netloc, *([f"*{CLOUD}"] if (parts.hostname or "").endswith(CLOUD) else [])]
        ending = "s" if parts.scheme in {"https", "wss"} else ""
        return {"connect-src": [f"{kind}{ending}://{host}" for host in hosts for kind in ("ws", "http")]}

    def get_room_sessions(self, room_name: str) -> Sequence[SessionData]:
        """The stretch that goes on: what was before is not kept."""
        people = self.get_presence(room_name)
        began = min((person.joined_at for person in people), default=None)
        return [SessionData(room_name, began)] if began else []

    def get_presence(self, room_name: str) -> Sequence[Participant]:
        """https://docs.livekit.io/reference/other/roomservice-api/#listparticipants"""
        return [
            Participant(
                session_id=text(person, "sid"),
                joined_at=joined_at(person) or datetime.now(UTC),
                user_id=user_of(person),
                user_name=text(person, "name") or None,
            )
            for person in self._people(room_name)
            if text(person, "sid")
        ]


def _room_name(prefix: str) -> str:
    """A name that is free: the time tells people when it was made, chance keeps two of one second apart."""
    ending = f"-{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
    ascii_only = unicodedata.normalize("NFKD", prefix).encode("ascii", "ignore").decode()
    start = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_only).strip("-_")[: NAME_LIMIT - len(ending)]
    return (start or "room") + ending
