"""Starting the recording of a meeting by a call, where people cannot do it in the provider's room."""

import logging
import uuid
from typing import Any

from django.utils import timezone
from django.utils.crypto import salted_hmac
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from meetings.api.views import REFUSED, find_meeting, require_joinable
from meetings.hosting import may_host
from meetings.models import Meeting, RecordingStart
from meetings.recording_starts import begins_by_itself, first_start, has_begun
from platforms import VideoPlatformClient, abilities, create_platform_client
from platforms.exceptions import PlatformRejected
from recordings.api.consent_views import kept_answer
from recordings.privacy.consent import own_answer
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, TryAgain
from rooms.api.input import read_body
from rooms.api.schema import INVALID, MEETING_NOT_FOUND, answers
from rooms.models import Room

logger = logging.getLogger(__name__)

# The single-page app tries again when it reads that the room "does not seem to be hosting a call".
NOBODY_THERE = ErrorDetail(
    "The room does not seem to be hosting a call yet: nobody is in it. Please try again in a moment.", "nobody_in_call"
)
NOT_RECORDED = ErrorDetail("This meeting is not to be recorded", "meeting_not_recorded")
NOT_AGREED = ErrorDetail("Only those who agreed to being recorded may start it", "consent_required")
MOST_STARTS = 50
RETRY_SECONDS = 2  # until a call that is just beginning is seen by its provider


@extend_schema_serializer(component_name="StartRecordingRequest")
class StartRecordingSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(
        ["cloud", "raw-tracks"], required=False, help_text="One file, or one for each person. Default: the platform's."
    )
    instanceId = serializers.UUIDField(  # noqa: N815  (the single-page app's name)
        required=False, help_text="What the recording's events should carry. Default: one for each meeting and type."
    )
    consent_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="Their agreement, of somebody who is not signed in."
    )
    automatic = serializers.BooleanField(
        required=False, help_text="Nobody pressed a button: start only what has not begun in this call."
    )


class RecordingStartedSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(
        ["ok", "already_active", "awaiting_consent"],
        help_text="ok: it starts now. already_active: the meeting is recorded, or its platform begins it by itself. "
        "awaiting_consent: it begins when somebody who agreed asks.",
    )
    result = serializers.DictField(required=False, help_text="What the platform answered.")
    instanceId = serializers.CharField(  # noqa: N815
        help_text="What the recording's events will carry: another than asked for where that is taken."
    )


class StartRecording(ApiView):
    @extend_schema(
        operation_id="v1_start_recording",
        summary="Have the meeting recorded; once is enough, also when asked for again",
        description="What each who comes to a meeting may call: one that is recorded anyway answers 200 to everybody, "
        "and starts nothing for those who may not start it.",
        request=StartRecordingSerializer,
        responses=answers(
            RecordingStartedSerializer,
            e400="The meeting is over or not to be recorded, or its platform cannot start recordings",
            e403="Only for who may be the host, and for those who agreed to being recorded",
            e404=MEETING_NOT_FOUND,
            e409=NOBODY_THERE,
            e422=INVALID,
            e502=REFUSED,
        ),
    )
    def post(self, request: Request, meeting_id: str) -> Response:
        meeting = find_meeting(meeting_id)
        wanted = read_body(request, StartRecordingSerializer).validated_data
        require_joinable(meeting)
        if meeting.recording_type != Room.RecordingType.CLOUD:
            raise BadRequest(NOT_RECORDED)
        answer_id = wanted.get("consent_id") or kept_answer(request, meeting)
        client = create_platform_client(meeting.platform)
        is_hosts_word = is_said_by_host(request.user, meeting, wanted)
        if begins_by_itself(meeting) and not (is_hosts_word and client.supports_recording_start):
            return Response(take_part(request.user, meeting, wanted, answer_id, client))
        if not is_hosts_word and not may_start(request.user, meeting, answer_id):
            raise PermissionDenied(NOT_AGREED)
        if request.user.is_anonymous:
            wanted = {}  # else each of their calls could start one more recording
        return Response(start(meeting, wanted, client.require(abilities.RecordingStart)))


def take_part(
    user: Any, meeting: Meeting, wanted: dict[str, Any], answer_id: uuid.UUID | None, client: VideoPlatformClient
) -> dict[str, Any]:
    """For each who comes to a meeting that is recorded anyway. Only raw tracks need somebody's call, once in a call."""
    starter = client if isinstance(client, abilities.RecordingStart) else None
    kind = starter.recording_kind() if starter else "cloud"
    if starter is None or not starter.needs_recording_start(meeting):
        return {"status": "already_active", "instanceId": begun_instance(meeting, kind)}
    if has_begun(meeting) or (user.is_authenticated and wanted.get("type", kind) != kind):
        return {"status": "already_active", "instanceId": begun_instance(meeting, kind)}
    if not may_start(user, meeting, answer_id):
        return {"status": "awaiting_consent", "instanceId": begun_instance(meeting, kind)}
    return start(meeting, wanted if user.is_authenticated else {}, starter)


def start(meeting: Meeting, wanted: dict[str, Any], starter: abilities.RecordingStart) -> dict[str, Any]:
    """A kind that is not to be had here becomes the one that is. Raises TryAgain while nobody is in the call."""
    kind = wanted["type"] if wanted.get("type") in starter.recording_kinds() else starter.recording_kind()
    instance_id = store_request(meeting, wanted.get("instanceId"), kind)
    try:
        result = starter.start_recording(meeting.room_name, kind, instance_id, meeting.store_video)
    except PlatformRejected as error:
        if error.status != status.HTTP_404_NOT_FOUND:
            raise
        raise TryAgain(NOBODY_THERE, RETRY_SECONDS, status.HTTP_409_CONFLICT) from error
    meeting.recording_starts.filter(instance_id=instance_id).update(accepted_at=timezone.now(), error="")
    logger.info("recording_asked_for meeting=%s platform=%s kind=%s", meeting.pk, meeting.platform, kind)
    if result is None:
        return {"status": "already_active", "instanceId": instance_id}
    return {"status": "ok", "result": result, "instanceId": instance_id}


def is_said_by_host(user: Any, meeting: Meeting, wanted: dict[str, Any]) -> bool:
    """Whether a host asks on purpose, which also starts again what was stopped.

    Where recordings begin by themselves, a program that names an id does so for each who comes.
    """
    is_for_each_who_comes = wanted.get("automatic") or (begins_by_itself(meeting) and "instanceId" in wanted)
    return bool(meeting.room and may_host(user, meeting.room)) and not is_for_each_who_comes


def may_start(user: Any, meeting: Meeting, answer_id: uuid.UUID | None) -> bool:
    """By what they answered. Of those who did not: hosts, people who are known where nobody is asked, and there
    anybody what begins by itself.
    """
    if answered := own_answer(meeting, user, answer_id):
        return answered.given
    is_host = bool(meeting.room and may_host(user, meeting.room))
    return is_host or (meeting.skip_consent and (user.is_authenticated or begins_by_itself(meeting)))


def begun_instance(meeting: Meeting, kind: str) -> str:
    start = first_start(meeting)
    return start.instance_id if start else str(own_instance_id(meeting, kind))


def store_request(meeting: Meeting, wanted: uuid.UUID | None, kind: str) -> str:
    """Before the provider is asked, so that the first event finds its meeting.

    An id that another meeting has is left to it, and does not keep this one from being recorded. So many ids may be
    chosen for a meeting; each may be a recording.
    """
    if wanted and meeting.recording_starts.count() >= MOST_STARTS:
        wanted = None
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
