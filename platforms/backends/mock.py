"""A platform without a provider: for tests, and for a first run without any account."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.utils.text import slugify

from platforms import signing
from platforms.base import VideoPlatformClient
from platforms.types import MeetingData, RoomSettings, SessionData


class MockClient(VideoPlatformClient):
    label = "Mock"
    is_simulated = True
    supports_logo = True
    supports_presence = True
    supports_closing = True
    supports_locking = True
    recording_types = frozenset({"none", "local", "cloud"})
    recording_triggers = frozenset({"none", "prompt", "automatic", "automatic-2nd-participant"})

    def create_meeting(self, room_name_prefix: str, end_date: datetime, room: RoomSettings) -> MeetingData:
        name = f"{slugify(room_name_prefix)[:50] or 'room'}-{secrets.token_hex(8)}"
        base = self.config.extra.get("public_url", "http://localhost")
        url = f"{base}/mock/{name}"
        return MeetingData(
            meeting_id=f"mock-{secrets.token_hex(8)}",
            room_name=name,
            room_url=url,
            host_room_url=f"{url}?host={secrets.token_urlsafe(16)}",
            platform=self.name,
        )

    def get_room_sessions(self, room_name: str) -> Sequence[SessionData]:
        return []

    def delete_room(self, room_name: str, meeting_id: str = "") -> bool:
        return True

    def upload_logo(self, room_name: str, logo_path: Path) -> bool:
        return True

    def verify_webhook_signature(self, body: bytes, signature: str, timestamp: str | None = None) -> bool:
        return signing.matches_hex(self.config.webhook_secrets, body, signature)
