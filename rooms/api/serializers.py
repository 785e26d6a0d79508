"""Rooms as the API shows and takes them. What only owners and staff may see is blanked here, for every route."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from platforms.exceptions import PlatformNotConfigured
from rooms import names
from rooms.api.input import PlatformAlias, StrictModelSerializer
from rooms.api.pagination import PageSerializer
from rooms.models import Room
from rooms.selection import RolloutPolicy, Selection, current_policy, select_for_room

PRIVATE_FIELDS = frozenset({"webhook_url", "webhook_secret", "ics_url", "email_transcript_to"})
SHORTEST_FETCH_INTERVAL = 60  # seconds
LONGEST_FETCH_INTERVAL = 30 * 24 * 3600  # seconds

EDITABLE_FIELDS = [
    "name",
    "platform",
    "is_locked",
    "room_mode",
    "recording_type",
    "recording_trigger",
    "is_shared",
    "skip_consent",
    "store_video",
    "email_transcript_to",
    "zulip_auto_post",
    "zulip_stream",
    "zulip_topic",
    "ics_url",
    "ics_fetch_interval",
    "ics_enabled",
    "webhook_url",
    "webhook_secret",
]
WEBHOOK_FIELDS = ["webhook_url", "webhook_secret"]
SHOWN_FIELDS = [
    "id",
    "user_id",
    "created_at",
    *(name for name in EDITABLE_FIELDS if name not in WEBHOOK_FIELDS),
    "ics_last_sync",
    "ics_last_etag",
    "platform_is_automatic",
    "platform_reason",
]


def room_context(request: Request) -> dict[str, Any]:
    """What showing rooms needs, gathered once per request."""
    return {"user": request.user, "policy": current_policy()}


def effective_platform(room: Room, policy: RolloutPolicy) -> Selection:
    """The platform that the room opens on; while none can, the one it would, with what is missing as the reason."""
    try:
        return select_for_room(room, policy)
    except PlatformNotConfigured as error:
        return Selection(room.platform or policy.default, str(error))


class RoomSerializer(serializers.ModelSerializer[Room]):
    user_id = serializers.CharField(source="owner_id", help_text="The owner.")
    platform = serializers.SerializerMethodField(help_text="What the next meeting opens on.")
    platform_is_automatic = serializers.SerializerMethodField(help_text="Whether the rollout rules choose.")
    platform_reason = serializers.SerializerMethodField(help_text="Why this platform.")

    class Meta:
        model = Room
        fields = SHOWN_FIELDS
        read_only_fields = SHOWN_FIELDS

    def to_representation(self, room: Room) -> dict[str, Any]:
        values: dict[str, Any] = super().to_representation(room)
        if not room.is_managed_by(self.context["user"]):
            values |= dict.fromkeys(PRIVATE_FIELDS & values.keys())
        return values

    def get_platform(self, room: Room) -> str:
        return effective_platform(room, self.context["policy"]).platform

    def get_platform_is_automatic(self, room: Room) -> bool:
        return not room.platform

    def get_platform_reason(self, room: Room) -> str:
        return effective_platform(room, self.context["policy"]).reason


class RoomDetailsSerializer(RoomSerializer):
    class Meta(RoomSerializer.Meta):
        fields = [*SHOWN_FIELDS, *WEBHOOK_FIELDS]
        read_only_fields = fields


class RoomPageSerializer(PageSerializer):
    items = RoomDetailsSerializer(many=True)


class CreateRoomSerializer(StrictModelSerializer):
    """Only the name is required; what is left out is as in a new room."""

    platform = PlatformAlias(required=False, allow_null=True, help_text="An alias from /v1/config; null for automatic.")

    class Meta:
        model = Room
        fields = EDITABLE_FIELDS
        extra_kwargs = {
            # Uniqueness is not checked here: a name that is taken is status 400, also for one taken meanwhile.
            "name": {"validators": [names.url_safe, names.not_reserved]},
            "email_transcript_to": {"max_length": 1000},
            "ics_fetch_interval": {
                "min_value": 1,
                "max_value": LONGEST_FETCH_INTERVAL,
                "help_text": f"Seconds between two looks at the calendar; less than {SHORTEST_FETCH_INTERVAL} counts "
                f"as {SHORTEST_FETCH_INTERVAL}.",
            },
        }

    def validate_platform(self, alias: str | None) -> str:
        return alias or ""

    def validate_ics_fetch_interval(self, seconds: int) -> int:
        """The single-page app sends 5 for every room, meaning minutes; that must neither fail nor hammer a calendar."""
        return max(seconds, SHORTEST_FETCH_INTERVAL)


class UpdateRoomSerializer(CreateRoomSerializer):
    """Only the fields that are sent change."""

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """An empty secret beside a webhook address means the stored one: it is never replaced unasked."""
        room = self.instance
        assert isinstance(room, Room)  # noqa: S101  (an update always has its room)
        has_webhook = values.get("webhook_url", room.webhook_url)
        if has_webhook and room.webhook_secret and not values.get("webhook_secret"):
            values.pop("webhook_secret", None)
        return values
