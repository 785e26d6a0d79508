"""What a person in a meeting answers to being recorded."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from meetings.api.views import find_meeting
from recordings import consent
from rooms.api.base import ApiView
from rooms.api.input import read_body
from rooms.api.schema import INVALID, answers


class ConsentSerializer(serializers.Serializer[Any]):
    consent_given = serializers.BooleanField()
    consent_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="An earlier answer, of somebody who is not signed in, to change."
    )


class ConsentAnsweredSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
    consent_id = serializers.UUIDField()


class AnswerConsent(ApiView):
    @extend_schema(
        operation_id="meetings_consent",
        summary="Agree to being recorded, or refuse: then audio and video are deleted after processing",
        request=ConsentSerializer,
        responses=answers(ConsentAnsweredSerializer, e404="Meeting not found", e422=INVALID),
    )
    def post(self, request: Request, meeting_id: str) -> Response:
        meeting = find_meeting(meeting_id)
        said = read_body(request, ConsentSerializer).validated_data
        answered = consent.answer(meeting, request.user, said["consent_given"], said.get("consent_id"))
        return Response({"status": "success", "consent_id": str(answered.pk)})
