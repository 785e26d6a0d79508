"""Meetings that no call makes: an address, and a token for each person that the provider checks with the same key."""

import secrets

import jwt
from django.utils.text import slugify

from platforms import MeetingData, VideoPlatformClient
from platforms.types import JoinLink


class TokenRooms(VideoPlatformClient):
    label = "Token rooms"
    required_options = {"api_url": "TOKEN_ROOMS_URL", "api_key": "TOKEN_ROOMS_KEY"}
    supports_join_tokens = True

    def create_meeting(self, room_name_prefix, end_date, room):
        name = f"{slugify(room_name_prefix)[:40] or 'room'}-{secrets.token_hex(8)}"
        url = f"{self.config.api_url}/{name}"
        return MeetingData(name, name, url, url, self.name)

    def join_link(self, request):
        claims = {
            "room": request.room_name,
            "name": request.user_name or "",
            "moderator": request.is_owner,
            "exp": int(request.expires_at.timestamp()),
        }
        return JoinLink(f"{request.room_url}?jwt={jwt.encode(claims, self.config.api_key, algorithm='HS256')}")
