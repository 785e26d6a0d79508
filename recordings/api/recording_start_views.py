"""Starting the recording of a meeting by a call, where people cannot do it in the provider's room."""

import logging
import uuid
from typing import Any

from django.utils.crypto import salted_hmac
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from meetings.api.views import REFUSED, find_meeting, require_joinable
from meetings.models import Meeting, RecordingStart
from platforms import create_platform_client
from platforms.exceptions import PlatformRejected
from recordings.models import Consent
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, TryAgain
from rooms.api.input import read_body
from rooms.api.schema import INVALID, answers
from rooms.models import Room

logger = logging.getLogger(__name__)

NOBODY_THERE = "Nobody is in the call yet, as far as the video platform sees. Please try again in a moment."
PAUSE = 2  # seconds until a call that is just beginning is seen by its provider


class StartRecordingSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(
        ["cloud", "raw-tracks"], required=False, help_text="One file, or one for each person. Default: the platform's."
    )
    instanceId = serializers.UUIDField(  # noqa: N815  (the single-page app's name)
        required=False, help_text="What the recording's events should carry. Default: one for each meeting and type."
    )


class RecordingStartedSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="ok or already_active.")
    result = serializers.DictField(required=False, help_text="What the platform answered.")
    instanceId = serializers.CharField(  # noqa: N815
        help_text="What the recording's events will carry: another than asked for where that is taken."
    )


class StartRecording(ApiView):
    @extend_schema(
        operation_id="meetings_recording_start",
        summary="Have the meeting recorded; once is enough, also when asked for again",
        request=StartRecordingSerializer,
        responses=answers(
            RecordingStartedSerializer,
            e400="The meeting is over or not to be recorded, or its platform cannot start recordings",
            e403="Only for owner and staff, and for those who agreed to being recorded",
            e404="Meeting not found",
            e409=NOBODY_THERE,
            e422=INVALID,
            e502=REFUSED,
        ),
    )
    def post(self, request: Request, meeting_id: str) -> Response:
        meeting = find_meeting(meeting_id)
        wanted = read_body(request, StartRecordingSerializer).validated_data
        client = create_platform_client(meeting.platform)
        if not has_a_say(request.user, meeting):
            if not client.needs_recording_start(meeting):
                raise PermissionDenied("Only those who agreed to being recorded may start it")
            wanted = {}  # anybody may start what is to begin by itself, and nothing else
        require_joinable(meeting)
        if meeting.recording_type != Room.RecordingType.CLOUD:
            raise BadRequest("This meeting is not to be recorded")
        client.require("supports_recording_start")
        kind = wanted.get("type") or client.recording_kind()
        instance_id = remember(meeting, wanted.get("instanceId"), kind)
        try:
            result = client.start_recording(meeting.room_name, kind, instance_id, meeting.store_video)
        except PlatformRejected as error:
            if error.status != status.HTTP_404_NOT_FOUND:
                raise
            raise TryAgain(NOBODY_THERE, PAUSE, status.HTTP_409_CONFLICT) from error
        logger.info("recording_asked_for meeting=%s platform=%s kind=%s", meeting.pk, meeting.platform, kind)
        if result is None:
            return Response({"status": "already_active", "instanceId": instance_id})
        return Response({"status": "ok", "result": result, "instanceId": instance_id})


def has_a_say(user: Any, meeting: Meeting) -> bool:
    """Owner and staff, and people who agreed or need not be asked."""
    if meeting.room and meeting.room.is_managed_by(user):
        return True
    if not user.is_authenticated:
        return False
    return meeting.skip_consent or Consent.objects.filter(meeting=meeting, user=user, given=True).exists()


def remember(meeting: Meeting, wanted: uuid.UUID | None, kind: str) -> str:
    """Before the provider is asked, so that the first event finds its meeting.

    An id that another meeting has is left to it, and does not keep this one from being recorded.
    """
    starts, own = RecordingStart.objects, str(own_instance_id(meeting, kind))
    start, _ = starts.get_or_create(instance_id=str(wanted or own), defaults={"meeting": meeting})
    if start.meeting_id != meeting.pk:
        start, _ = starts.get_or_create(instance_id=own, defaults={"meeting": meeting})
    start.save(update_fields=["asked_at"])
    return start.instance_id


def own_instance_id(meeting: Meeting, kind: str) -> uuid.UUID:
    """The same each time; whoever knows the meeting's address cannot tell it, and so cannot take it before."""
    digest = salted_hmac("recording start", f"{meeting.pk} {kind}", algorithm="sha256").digest()
    return uuid.UUID(bytes=digest[:16], version=4)
