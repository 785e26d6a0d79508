"""Starting the recording of a meeting by a call, where people cannot do it in the provider's room."""

import logging
import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from meetings.api.views import REFUSED, find_meeting, require_joinable
from meetings.models import Meeting, RecordingStart
from platforms import VideoPlatformClient, create_platform_client
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
        required=False, help_text="What the recording's events will carry. Default: the same for one meeting and type."
    )


class RecordingStartedSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="ok or already_active.")
    result = serializers.DictField(required=False, help_text="What the platform answered.")
    instanceId = serializers.CharField()  # noqa: N815


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
        if not may_start(request.user, meeting, client):
            raise PermissionDenied("Only those who agreed to being recorded may start it")
        require_joinable(meeting)
        if meeting.recording_type != Room.RecordingType.CLOUD:
            raise BadRequest("This meeting is not to be recorded")
        client.require("supports_recording_start")
        kind = wanted.get("type") or client.recording_kind()
        instance_id = remember(meeting, wanted.get("instanceId") or uuid.uuid5(meeting.pk, kind))
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


def may_start(user: Any, meeting: Meeting, client: VideoPlatformClient) -> bool:
    """Owner and staff, and people who agreed or need not be asked; anybody where it is to begin by itself anyway."""
    if client.needs_recording_start(meeting) or (meeting.room and meeting.room.is_managed_by(user)):
        return True
    if not user.is_authenticated:
        return False
    return meeting.skip_consent or Consent.objects.filter(meeting=meeting, user=user, given=True).exists()


def remember(meeting: Meeting, instance_id: uuid.UUID) -> str:
    """Before the provider is asked, so that the first event finds its meeting."""
    start, _ = RecordingStart.objects.get_or_create(instance_id=str(instance_id), defaults={"meeting": meeting})
    if start.meeting_id != meeting.pk:
        raise BadRequest("Another meeting's recording has this instance id")
    start.save(update_fields=["asked_at"])
    return start.instance_id
