"""Jitsi as a Service: rooms that are there as soon as somebody with a token opens their address.

https://developer.8x8.com/jaas/docs/iframe-api-integration
No call makes a room, closes it, says who is in, or deletes a recording: what happens is told by webhooks alone.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from django.utils.text import slugify

from platforms.backends.jaas.account import JaasAccount
from platforms.backends.jaas.webhooks import JaasWebhooks
from platforms.types import JoinLink, JoinRequest, MeetingData, RoomSettings

PREFIX_LIMIT = 60  # characters


class JaasClient(JaasWebhooks, JaasAccount):
    supports_join_tokens = True
    recording_types = frozenset({"none", "cloud"})
    recording_triggers = frozenset({"none", "prompt", "automatic"})
    only_hosts_record = True

    def warnings(self) -> list[str]:
        if self.config.webhook_secrets:
            return []
        return [
            "JAAS_WEBHOOK_SECRET is not set: all webhooks from Jitsi are refused, so that nobody is counted and no "
            "recording becomes known."
        ]

    def create_meeting(self, room_name_prefix: str, end_date: datetime, room: RoomSettings) -> MeetingData:
        """No call: the name is made here. Jitsi knows names in lower case only."""
        prefix = slugify(room_name_prefix).replace("_", "-")[:PREFIX_LIMIT].strip("-") or "room"
        name = f"{prefix}-{secrets.token_hex(8)}"
        url = f"{self.base_url}/{name}"
        return MeetingData(name, name, url, url, self.name)

    def join_link(self, request: JoinRequest) -> JoinLink:
        """What the page's script does about recording only moderators can do, so that only they are told of it."""
        recording = _recording_by_coming(request) if request.is_owner else ""
        return JoinLink(
            url=f"{request.room_url}?jwt={self.token_for(request)}",
            parameters={"recording": recording} if recording else {},
        )

    def page_sources(self, room_url: str) -> Mapping[str, Sequence[str]]:
        """The deployment serves the script that shows its calls: external_api.js."""
        parts = urlsplit(room_url)
        return {"script-src": [f"{parts.scheme}://{parts.netloc}"]}


def _recording_by_coming(request: JoinRequest) -> str:
    """What a moderator's page does as they come in: "prompt", "automatic", or nothing."""
    trigger = request.settings.recording_trigger
    if request.settings.recording_type != "cloud":
        return ""
    if trigger.startswith("automatic"):  # nobody is counted here: the second person is as good as the first
        return "automatic" if request.starts_recording else ""
    return trigger if trigger == "prompt" else ""
