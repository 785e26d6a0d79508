"""Sending a transcript on, by hand: by e-mail, and to Zulip. Who may read it stays as it is."""

from typing import Any

from django.http import JsonResponse
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from recordings.models import Transcript
from recordings.sending import queue
from recordings.transcripts.access import DENIED, NO_TRANSCRIPT, NOT_OWNER, find_own, find_transcript
from rooms import zulip_settings
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, TryAgain
from rooms.api.input import read_body, read_query
from rooms.api.schema import INVALID, SIGN_IN, answers
from rooms.services import why_no_email, why_no_zulip

NO_EMAIL = ErrorDetail("Email not configured", "email_not_configured")
NO_ZULIP = ErrorDetail("Zulip not configured", "zulip_not_configured")
NOT_READY = ErrorDetail("Transcript is not ready", "transcript_not_ready")
TOO_MANY = ErrorDetail("This transcript was sent to too many people already.", "too_many_recipients")
PAUSE_SECONDS = 24 * 3600


@extend_schema_serializer(component_name="SendEmailRequest")
class EmailSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)


@extend_schema_serializer(component_name="SendEmailResponse")
class SentSerializer(serializers.Serializer[Any]):
    sent = serializers.IntegerField(help_text="0 where it was sent to this address before.")


class ZulipQuery(serializers.Serializer[Any]):
    stream = serializers.CharField(max_length=100)
    topic = serializers.CharField(max_length=zulip_settings.TOPIC_CHARACTERS)
    include_topics = serializers.BooleanField(help_text="Whether what was talked about is listed.")


class SendByEmail(ApiView):
    permission_classes = [IsAuthenticated]
    limit = "emails"

    @extend_schema(
        operation_id="v1_transcript_send_email",
        summary="Send a transcript to somebody by e-mail, once",
        request=EmailSerializer,
        responses=answers(
            SentSerializer,
            e400=f"{NO_EMAIL}, or {NOT_READY}",
            e401=SIGN_IN,
            e403=DENIED,
            e404=NO_TRANSCRIPT,
            e422=INVALID,
            e429=TOO_MANY,
        ),
    )
    def post(self, request: Request, transcript_id: str) -> JsonResponse:
        transcript = ready(find_transcript(request.user, transcript_id))
        email = read_body(request, EmailSerializer).validated_data["email"]
        if why_no_email():
            raise BadRequest(NO_EMAIL)
        try:
            return JsonResponse({"sent": queue.send_on(transcript, email)})
        except queue.TooManyRecipients as error:
            raise TryAgain(TOO_MANY, PAUSE_SECONDS, status.HTTP_429_TOO_MANY_REQUESTS) from error


class PostToZulip(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_transcript_post_to_zulip",
        summary="Say in Zulip that a transcript is ready; null",
        parameters=[ZulipQuery],
        request=None,
        responses=answers(
            None, e400=f"{NO_ZULIP}, or {NOT_READY}", e401=SIGN_IN, e403=NOT_OWNER, e404=NO_TRANSCRIPT, e422=INVALID
        ),
    )
    def post(self, request: Request, transcript_id: str) -> JsonResponse:
        transcript = ready(find_own(request.user, transcript_id))
        wanted = read_query(request, ZulipQuery)
        if why_no_zulip():
            raise BadRequest(NO_ZULIP)
        queue.post(transcript, wanted["stream"], wanted["topic"], wanted["include_topics"])
        return JsonResponse(None, safe=False)


def ready(transcript: Transcript) -> Transcript:
    """Raises BadRequest."""
    if transcript.status != Transcript.Status.ENDED:
        raise BadRequest(NOT_READY)
    return transcript
