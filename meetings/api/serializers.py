"""Meetings as the API shows them. The host's address is blanked here, for every route and every platform."""

from functools import cache
from typing import Any

from rest_framework import serializers

from meetings.models import Meeting
from rooms.api.input import Name
from rooms.api.quick import NOTHING, QuickSerializer


class MeetingSerializer(QuickSerializer[Meeting]):
    # `manages` in the context says whether this person may be the meeting's host.

    user_id = serializers.CharField(allow_null=True, read_only=True)
    room_id = serializers.UUIDField(allow_null=True, read_only=True)
    room_name = serializers.CharField(read_only=True, help_text="The platform's own name for its room.")
    host_room_url = serializers.CharField(read_only=True, help_text="Empty for all who may not be the host.")
    is_active = serializers.BooleanField(read_only=True)
    calendar_event_id = serializers.CharField(allow_null=True, read_only=True)
    calendar_metadata = serializers.DictField(allow_null=True, read_only=True)
    platform = serializers.CharField(read_only=True, help_text="What the meeting is on for its whole life.")

    platform_reason = serializers.CharField(
        read_only=True, help_text="Why it opened there; empty for all who may not be the host."
    )

    class Meta:
        model = Meeting
        fields = [
            "id",
            "room_name",
            "room_url",
            "host_room_url",
            "start_date",
            "end_date",
            "user_id",
            "room_id",
            "is_locked",
            "room_mode",
            "recording_type",
            "recording_trigger",
            "num_clients",
            "is_active",
            "calendar_event_id",
            "calendar_metadata",
            "platform",
            "platform_reason",
            "store_video",
        ]
        read_only_fields = fields

    def to_representation(self, meeting: Meeting, hidden: frozenset[str] = NOTHING) -> dict[str, Any]:
        values = super().to_representation(meeting, hidden)
        if not self.context["manages"]:
            values |= {"host_room_url": "", "platform_reason": ""}
            if values["calendar_metadata"]:
                values["calendar_metadata"] |= {"description": None, "attendees": None}
        return values


class JoinedMeetingSerializer(MeetingSerializer):
    room_url = serializers.CharField(read_only=True, help_text="Lets this person in, and nobody else in their name.")
    join_parameters = serializers.DictField(
        child=serializers.CharField(),
        read_only=True,
        help_text="What the platform's own script needs beside the address, such as a token; empty for most platforms.",
    )

    class Meta(MeetingSerializer.Meta):
        fields = [*MeetingSerializer.Meta.fields, "join_parameters"]
        read_only_fields = fields


def show_meeting(meeting: Meeting, manages: bool) -> dict[str, Any]:
    return _serializer(manages).to_representation(meeting)


@cache
def _serializer(manages: bool) -> MeetingSerializer:
    """Kept, because making its fields takes ten times as long as using them."""
    return MeetingSerializer(context={"manages": manages})


class CreateRoomMeetingSerializer(serializers.Serializer[Any]):
    allow_duplicated = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=False,
        help_text="Open another meeting even while one is live. Counts for the owner and for staff; others are led to "
        "the live one.",
    )


class JoinQuery(serializers.Serializer[Any]):
    display_name = Name(required=False, max_length=100, help_text="How others see this person.")
    consent_id = serializers.UUIDField(
        required=False,
        help_text="An answer of somebody who is not signed in: after a refusal no recording begins by them.",
    )


class DeactivatedSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
    meeting_id = serializers.CharField()
