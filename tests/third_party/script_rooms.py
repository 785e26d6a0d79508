"""Meetings that are no web page: the room's own page shows them, by a script that needs an address and a token."""

import secrets
from urllib.parse import urlsplit

from django.utils.text import slugify

from platforms import MeetingData, VideoPlatformClient
from platforms.types import JoinLink


class ScriptRooms(VideoPlatformClient):
    label = "Script rooms"
    required_options = {"api_url": "SCRIPT_ROOMS_URL"}
    supports_join_tokens = True

    def create_meeting(self, room_name_prefix, end_date, room):
        name = f"{slugify(room_name_prefix)[:40] or 'room'}-{secrets.token_hex(8)}"
        url = f"{self.config.api_url}/{name}"
        return MeetingData(name, name, url, url, self.name)

    def join_link(self, request):
        return JoinLink(request.room_url, {"token": f"for {request.user_name}"})

    def page_sources(self, room_url):
        return {"connect-src": ["{0.scheme}://{0.netloc}".format(urlsplit(room_url))]}
