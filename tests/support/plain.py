"""An adapter that has no ability: its meetings are addresses, and nobody is behind them."""

import secrets

from platforms.base import VideoPlatformClient
from platforms.types import MeetingData


class PlainClient(VideoPlatformClient):
    label = "Plain"

    def create_meeting(self, room_name_prefix, end_date, room):
        name = f"{room_name_prefix[:20]}-{secrets.token_hex(4)}"
        return MeetingData(f"id-{name}", name, f"https://plain.example.com/{name}", "", self.name)
