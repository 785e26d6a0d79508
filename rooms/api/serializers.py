"""Rooms as the API shows and takes them. What only those who may change a room may see is blanked here, everywhere."""

from functools import cached_property
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from platforms.exceptions import PlatformNotConfigured
from rooms import names, recipients, zulip_settings
from rooms.api.input import ChangesSerializer, Name, PlatformAlias, StrictModelSerializer
from rooms.api.pagination import PageSerializer
from rooms.api.quick import NOTHING, QuickSerializer
from rooms.models import Room
from rooms.selection import RolloutPolicy, Selection, current_policy, select_for_room
from rooms.webhooks.names import EVENTS

PRIVATE_FIELDS = frozenset({"webhook_url", "webhook_secret", "ics_url", "email_transcript_to"})
LONGEST_FETCH_INTERVAL_SECONDS = 30 * 24 * 3600

EDITABLE_FIELDS = [
    "name",
    "title",
    "platform",
    "never_elsewhere",
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
    "ics_all_events",
    "webhook_url",
    "webhook_secret",
    "webhook_participants",
    "webhook_muted",
]
PLATFORM_HELP = (
    "An alias from /v1/config; null for automatic. An automatic room stays so when what it opens on is sent back. "
    "Whether a new one that names the default platform is automatic is the server's CLIENT_ROOM_PLATFORM."
)
RECIPIENTS_HELP = (
    f"E-mail addresses, separated by commas, {recipients.MOST} at most: each is sent every transcript of the room."
)
WEBHOOK_FIELDS = ["webhook_url", "webhook_secret", "webhook_participants", "webhook_muted"]
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


def room_context(request: Request, revision: str | None = None) -> dict[str, Any]:
    """What showing rooms needs, gathered once per request. `revision` is the present one, where it is known."""
    return {"user": request.user, "policy": current_policy(revision)}


def effective_platform(room: Room, policy: RolloutPolicy) -> Selection:
    """The platform that the room opens on; while none can, the one it would, with what is missing as the reason."""
    try:
        return select_for_room(room, policy)
    except PlatformNotConfigured as error:
        return Selection(room.platform or policy.default, str(error))


class Private(serializers.CharField):
    """Null for all who may not change the room."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)


class RoomSerializer(QuickSerializer[Room]):
    user_id = serializers.CharField(source="owner_id", help_text="The owner.")
    platform = serializers.SerializerMethodField(help_text="What the next meeting opens on.")
    platform_is_automatic = serializers.SerializerMethodField(help_text="Whether the rollout rules choose.")
    platform_reason = serializers.SerializerMethodField(
        help_text="Why this platform; empty for all who may not look at the room."
    )
    # Addresses that were stored as "" are no addresses by their schema.
    ics_url = Private()

    class Meta:
        model = Room
        fields = SHOWN_FIELDS
        read_only_fields = SHOWN_FIELDS

    def to_representation(self, room: Room, hidden: frozenset[str] = NOTHING) -> dict[str, Any]:
        """What one may not see is not even decrypted."""
        user, policy = self._viewer
        self._selection = effective_platform(room, policy)
        may_change = room.is_editable_by(user)
        self._may_look = may_change or room.is_visible_to(user)
        return super().to_representation(room, hidden if may_change else PRIVATE_FIELDS)

    @cached_property
    def _viewer(self) -> tuple[Any, RolloutPolicy]:
        return self.context["user"], self.context["policy"]

    def get_platform(self, room: Room) -> str:
        return self._selection.platform

    def get_platform_is_automatic(self, room: Room) -> bool:
        return not room.platform

    def get_platform_reason(self, room: Room) -> str:
        return self._selection.reason if self._may_look else ""


class MutedEvents(serializers.ListField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Events that the webhook is not told of.")
        super().__init__(child=serializers.ChoiceField(choices=list(EVENTS)), **kwargs)


class RoomDetailsSerializer(RoomSerializer):
    webhook_url = Private()
    webhook_secret = Private()
    webhook_muted = MutedEvents(read_only=True)

    class Meta(RoomSerializer.Meta):
        fields = [*SHOWN_FIELDS, *WEBHOOK_FIELDS]
        read_only_fields = fields


@extend_schema_serializer(component_name="Page_RoomDetails_")
class RoomPageSerializer(PageSerializer):
    items = RoomDetailsSerializer(many=True)


class CreateRoomSerializer(StrictModelSerializer):
    """Only the name is required; what is left out is as in a new room."""

    platform = PlatformAlias(required=False, allow_null=True, help_text=PLATFORM_HELP)
    title = Name(
        required=False,
        allow_blank=True,
        max_length=names.MAX_TITLE_LENGTH,
        help_text="What people read, in any words and letters. Empty: the name.",
    )
    webhook_muted = MutedEvents(required=False)

    class Meta:
        model = Room
        fields = EDITABLE_FIELDS
        extra_kwargs = {
            # Uniqueness is not checked here: a name that is taken is status 400, also for one taken meanwhile.
            "name": {"validators": [names.url_safe, names.not_reserved]},
            "email_transcript_to": {"max_length": 1000, "help_text": RECIPIENTS_HELP},
            "ics_fetch_interval": {
                "min_value": 1,
                "max_value": LONGEST_FETCH_INTERVAL_SECONDS,
                "help_text": "Seconds between two looks at the calendar; up to 60 it counts as minutes.",
            },
        }

    def validate_platform(self, alias: str | None) -> str:
        return alias or ""

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """What stays as it is stored keeps nobody from changing the rest."""
        before = {name: getattr(self.instance, name, "") for name in zulip_settings.FIELDS}
        after = before | {name: value for name, value in values.items() if name in zulip_settings.FIELDS}
        if after != before:
            zulip_settings.check(after)
        return values

    def validate_email_transcript_to(self, text: str | None) -> str | None:
        """What stays as it is stored keeps nobody from changing the rest."""
        if text and text != getattr(self.instance, "email_transcript_to", None):
            recipients.check(text)
        return text


class ClientsRoomSerializer(CreateRoomSerializer):
    """A room that a program makes. Some programs must name a platform although nobody chose one."""

    def validate_platform(self, alias: str | None) -> str:
        counts = {"always": True, "unless-default": alias != current_policy().default, "never": False}
        return (alias or "") if counts[settings.CLIENT_ROOM_PLATFORM] else ""


class UpdateRoomSerializer(ChangesSerializer, CreateRoomSerializer):
    """Only the fields that are sent change; of those that cannot be null, null changes nothing."""

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """What a program sends back as it read it is no choice: an automatic room shows what it opens on.

        An empty secret beside a webhook address means the stored one: it is never replaced unasked.
        """
        room = self.instance
        assert isinstance(room, Room)  # noqa: S101  (an update always has its room)
        if not room.platform and values.get("platform") == effective_platform(room, current_policy()).platform:
            del values["platform"]
        has_webhook = values.get("webhook_url", room.has_webhook)
        if has_webhook and room.has_webhook_secret and not values.get("webhook_secret"):
            values.pop("webhook_secret", None)
        return super().validate(values)
