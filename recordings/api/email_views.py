"""Asking in a meeting to be sent what is said in it."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from meetings import keepsakes
from meetings.api.views import find_meeting
from meetings.models import EmailRecipient, Meeting
from recordings.privacy import consent
from recordings.sending import queue
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, TryAgain
from rooms.api.input import read_body
from rooms.api.schema import INVALID, MEETING_NOT_FOUND, answers
from rooms.services import why_no_email

NOT_CONFIGURED = ErrorDetail("Email not configured", "email_not_configured")
NOT_THERE = ErrorDetail(
    "Only people who are in the meeting, or were in it some hours ago, can ask for what was said.", "not_in_meeting"
)
TOO_MANY = ErrorDetail(
    "Too many people have asked for this already. The room's owner can send it on.", "too_many_recipients"
)
PAUSE_SECONDS = 3600


@extend_schema_serializer(component_name="AddEmailRecipientRequest")
class RecipientSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)


class ShownRecipientSerializer(serializers.Serializer[Any]):
    email = serializers.CharField()
    include_link = serializers.BooleanField(help_text="Whether the mail has the address of the transcript's page.")


class RecipientAddedSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
    email_recipients = ShownRecipientSerializer(
        many=True, help_text="All of them for the room's owner; for all others the one that they gave."
    )


class AddEmailRecipient(ApiView):
    limit = "emails"

    @extend_schema(
        operation_id="v1_add_email_recipient",
        summary="Be sent the transcript of a meeting by e-mail when it is ready; who may read it stays as it is",
        request=RecipientSerializer,
        responses=answers(
            RecipientAddedSerializer,
            e400=NOT_CONFIGURED,
            e403=NOT_THERE,
            e404=MEETING_NOT_FOUND,
            e422=INVALID,
            e429=TOO_MANY,
        ),
    )
    def post(self, request: Request, meeting_id: str) -> Response:
        meeting = find_meeting(meeting_id)
        email = read_body(request, RecipientSerializer).validated_data["email"]
        if why_no_email():
            raise BadRequest(NOT_CONFIGURED)
        was_let_in = keepsakes.find(request._request, meeting, keepsakes.JOINED) is not None
        if not consent.may_ask_for_transcript(meeting, request.user, was_let_in):
            raise PermissionDenied(NOT_THERE)
        added = add(meeting, email, include_link=request.user.is_authenticated)
        listed: list[Any] = [{"email": added.email, "include_link": added.include_link}]
        if consent.is_in_charge(request.user, meeting):
            listed = list(meeting.email_recipients.values("email", "include_link"))
        return Response({"status": "success", "email_recipients": listed})


def add(meeting: Meeting, email: str, include_link: bool) -> EmailRecipient:
    """One who is on the list stays there, and may get the link. Raises TryAgain where the list is full."""
    with transaction.atomic():
        Meeting.objects.select_for_update().get(pk=meeting.pk)  # one at a time
        known = meeting.email_recipients.filter(email__iexact=email).first()
        if known is None:
            if meeting.email_recipients.count() >= EmailRecipient.MOST:
                raise TryAgain(TOO_MANY, PAUSE_SECONDS, status.HTTP_429_TOO_MANY_REQUESTS)
            known = meeting.email_recipients.create(email=email, include_link=include_link)
        elif include_link and not known.include_link:
            known.include_link = True
            known.save(update_fields=["include_link"])
        queue.recipient_added(known)
    return known
