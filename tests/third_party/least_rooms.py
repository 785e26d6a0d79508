"""The least that an adapter can be."""

import secrets

from platforms import MeetingData, VideoPlatformClient


class LeastRooms(VideoPlatformClient):
    label = "Least"
    required_options = {"api_key": "LEAST_API_KEY"}

    def create_meeting(self, room_name_prefix, end_date, room):
        name = f"{room_name_prefix[:20]}-{secrets.token_hex(4)}"
        return MeetingData(f"id-{name}", name, f"https://least.example.com/{name}", "", self.name)
