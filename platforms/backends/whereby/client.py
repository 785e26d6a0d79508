"""Whereby: rooms made for one meeting through the REST API, webhooks registered by hand.

API: https://docs.whereby.com/reference/whereby-rest-api-reference
Its budget is in points per minute for the whole organisation (100 on the smallest plan; a read costs 1 to 10), so
insights are asked for sparingly. A session there needs two people: one who waits alone is in none.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.text import slugify

from platforms.abilities import Closing, Logo, Presence, RoomLookup
from platforms.backends.whereby.account import web_address, with_slash
from platforms.backends.whereby.events import BOT_ROLES
from platforms.backends.whereby.recordings import WherebyRecordings
from platforms.backends.whereby.webhooks import WherebyWebhooks
from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.http.client import path_to, unless_gone
from platforms.payloads import mapping, moment, text
from platforms.types import MeetingData, Participant, RoomSettings, SessionData

PREFIX_LIMIT = 39  # characters, the hyphen before Whereby's own part included


class WherebyClient(WherebyWebhooks, WherebyRecordings, Presence, RoomLookup, Closing, Logo):
    supports_locking = True
    room_modes = frozenset({"normal", "group"})
    recording_types = frozenset({"none", "local", "cloud"})
    recording_triggers = frozenset({"none", "prompt", "automatic", "automatic-2nd-participant"})
    presence_threshold = 2
    # Of the <style> that the vendored SDK makes; a test compares it with what a browser finds there.
    embed_style_hashes = ("sha256-wWkhDcvkWlEEFofM+oCKyKaIPQKTy4KP7Elu/UcEYFs=",)

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
                "Whereby's own storage are found by its webhook or its list; those in another bucket are not."
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
        room_url = web_address(answer, "roomUrl")
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
            host_room_url=web_address(answer, "hostRoomUrl"),
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

    def has_room(self, room_name: str, meeting_id: str = "") -> bool:
        """GET /meetings/{meetingId}"""
        return self.api.exists(path_to("meetings", meeting_id))

    def upload_logo(self, room_name: str, logo_path: Path) -> bool:
        """PUT /rooms/{roomName}/theme/logo, a PNG, best 400 px wide or more."""
        image = ("logo.png", logo_path.read_bytes(), "image/png")
        self.api.request("PUT", f"{path_to('rooms', room_name.strip('/'))}/theme/logo", files={"image": image})
        return True

    # Who is there: https://docs.whereby.com/reference/whereby-rest-api-reference/insights

    def get_room_sessions(self, room_name: str) -> Sequence[SessionData]:
        """GET /insights/room-sessions: the stretches in which two people or more were there."""
        found = []
        for item in self._list("/insights/room-sessions", {"roomName": with_slash(room_name)}):
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


def _prefix(wanted: str) -> str:
    """Lower-case letters, digits and hyphens; Whereby puts its own part right behind, so a hyphen ends it."""
    return f"{slugify(wanted).replace('_', '-')[: PREFIX_LIMIT - 1].strip('-') or 'room'}-"
