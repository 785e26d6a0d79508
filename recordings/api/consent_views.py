"""What a person in a meeting answers to being recorded."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from meetings import keepsakes
from meetings.api.views import find_meeting
from meetings.models import Meeting
from recordings.privacy import consent
from rooms.api.base import ApiView
from rooms.api.errors import TryAgain
from rooms.api.input import Name, read_body
from rooms.api.schema import INVALID, MEETING_NOT_FOUND, answers

TOO_LATE = ErrorDetail(
    "The meeting is over: only people who were in it can still answer, for some hours. Ask the room's owner to delete "
    "what was recorded.",
    "meeting_over",
)
TOO_MANY = ErrorDetail(
    "Too many people who are not signed in have given this answer. Sign in to answer.", "too_many_answers"
)
RETRY_SECONDS = 3600


@extend_schema_serializer(component_name="MeetingConsentRequest")
class ConsentSerializer(serializers.Serializer[Any]):
    consent_given = serializers.BooleanField()
    consent_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="An earlier answer, of somebody who is not signed in, to change."
    )
    name = Name(
        required=False,
        allow_blank=True,
        max_length=100,
        help_text="What somebody who is not signed in is called; the room's owner sees it beside the answer.",
    )


class ConsentAnsweredSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
    consent_id = serializers.UUIDField()


class AnswerConsent(ApiView):
    limit = "consents"

    @extend_schema(
        operation_id="v1_meeting_audio_consent",
        summary="Agree to being recorded, or refuse: then audio and video are deleted after processing",
        request=ConsentSerializer,
        responses=answers(
            ConsentAnsweredSerializer, e403=TOO_LATE, e404=MEETING_NOT_FOUND, e422=INVALID, e429=TOO_MANY
        ),
    )
    def post(self, request: Request, meeting_id: str) -> Response:
        meeting = find_meeting(meeting_id)
        said = read_body(request, ConsentSerializer).validated_data
        earlier = said.get("consent_id") or kept_answer(request, meeting)
        was_let_in = keepsakes.find(request._request, meeting, keepsakes.JOINED) is not None
        if not consent.may_answer(meeting, request.user, earlier, was_let_in):
            raise PermissionDenied(TOO_LATE)
        try:
            answered = consent.answer(
                meeting, request.user, said["consent_given"], earlier, said.get("name", "").strip()
            )
        except consent.TooManyAnswers as error:
            raise TryAgain(TOO_MANY, RETRY_SECONDS, status.HTTP_429_TOO_MANY_REQUESTS) from error
        response = Response({"status": "success", "consent_id": str(answered.pk)})
        if request.user.is_anonymous:
            keepsakes.give(response, meeting, keepsakes.ANSWER, str(answered.pk))
        return response


def kept_answer(request: Request, meeting: Meeting) -> uuid.UUID | None:
    """The id of what this browser's person answered before, who is not signed in."""
    kept = keepsakes.find(request._request, meeting, keepsakes.ANSWER)
    return uuid.UUID(kept) if kept else None
