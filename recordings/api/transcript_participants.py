"""Who spoke: names for the voices of a transcript, and which voice said what."""

from typing import Any

from django.db import transaction
from django.db.models import F, Max, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from recordings.api.transcript_access import DENIED, NO_TRANSCRIPT, NOT_OWNER, find_own, find_transcript
from recordings.api.transcript_serializers import LARGEST_NUMBER, MOST_PARTICIPANTS, NamedSerializer
from recordings.models import Segment, Transcript, TranscriptParticipant
from recordings.transcripts import touch
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest
from rooms.api.input import Text, read_body
from rooms.api.schema import INVALID, SIGN_IN, StatusSerializer, answers
from rooms.api.views import as_uuid

NO_PARTICIPANT = "Participant not found"
TAKEN = "Speaker already assigned"
NEITHER = "Either speaker or participant must be provided"
ONLY_ONE = "Only one of speaker or participant must be provided"
BOTH_NAMED = "Both speakers are assigned to participants"


def speaker_number(**kwargs: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=LARGEST_NUMBER, **kwargs)


class CreateParticipantSerializer(serializers.Serializer[Any]):
    name = Text(max_length=255)
    speaker = speaker_number(required=False, allow_null=True)


class UpdateParticipantSerializer(serializers.Serializer[Any]):
    """Only the fields that are sent change."""

    name = Text(max_length=255, required=False)
    speaker = speaker_number(required=False, allow_null=True)


class AssignSerializer(serializers.Serializer[Any]):
    speaker = speaker_number(required=False, allow_null=True)
    participant = Text(required=False, allow_null=True, max_length=100, help_text="The id of one.")
    timestamp_from = serializers.FloatField(min_value=0, help_text="Seconds.")
    timestamp_to = serializers.FloatField(min_value=0, help_text="Seconds.")


class MergeSerializer(serializers.Serializer[Any]):
    speaker_from = speaker_number()
    speaker_to = speaker_number()


class ParticipantList(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="participants_list",
        summary="Who spoke",
        responses=answers(NamedSerializer(many=True), e403=DENIED, e404=NO_TRANSCRIPT),
    )
    def get(self, request: Request, transcript_id: str) -> Response:
        participants = find_transcript(request.user, transcript_id).participants.all()
        return Response(NamedSerializer(participants, many=True).data)

    @extend_schema(
        operation_id="participants_create",
        summary="Name a voice",
        request=CreateParticipantSerializer,
        responses=answers(NamedSerializer, e400=TAKEN, e401=SIGN_IN, e403=NOT_OWNER, e404=NO_TRANSCRIPT, e422=INVALID),
    )
    def post(self, request: Request, transcript_id: str) -> Response:
        values = read_body(request, CreateParticipantSerializer).validated_data
        with transaction.atomic():
            transcript = find_own(request.user, transcript_id, lock=True)
            if transcript.participants.count() >= MOST_PARTICIPANTS:
                raise BadRequest(f"At most {MOST_PARTICIPANTS} participants.")
            require_free(transcript.participants.all(), values.get("speaker"))
            participant = transcript.participants.create(**values)
            touch(transcript)
        return Response(NamedSerializer(participant).data)


class ParticipantDetail(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="participants_get",
        summary="One who spoke",
        responses=answers(NamedSerializer, e403=DENIED, e404=NO_PARTICIPANT),
    )
    def get(self, request: Request, transcript_id: str, participant_id: str) -> Response:
        transcript = find_transcript(request.user, transcript_id)
        return Response(NamedSerializer(find_participant(transcript, participant_id)).data)

    @extend_schema(
        operation_id="participants_update",
        summary="Change the fields that are sent",
        request=UpdateParticipantSerializer,
        responses=answers(NamedSerializer, e400=TAKEN, e401=SIGN_IN, e403=NOT_OWNER, e404=NO_PARTICIPANT, e422=INVALID),
    )
    def patch(self, request: Request, transcript_id: str, participant_id: str) -> Response:
        values = read_body(request, UpdateParticipantSerializer).validated_data
        with transaction.atomic():
            transcript = find_own(request.user, transcript_id, lock=True)
            participant = find_participant(transcript, participant_id)
            require_free(transcript.participants.exclude(pk=participant.pk), values.get("speaker"))
            for name, value in values.items():
                setattr(participant, name, value)
            participant.save()
            touch(transcript)
        return Response(NamedSerializer(participant).data)

    @extend_schema(
        operation_id="participants_delete",
        summary="Forget the name of a voice",
        responses=answers(StatusSerializer, e401=SIGN_IN, e403=NOT_OWNER, e404=NO_PARTICIPANT),
    )
    def delete(self, request: Request, transcript_id: str, participant_id: str) -> Response:
        with transaction.atomic():
            transcript = find_own(request.user, transcript_id, lock=True)
            find_participant(transcript, participant_id).delete()
            touch(transcript)
        return Response({"status": "ok"})


class AssignSpeaker(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="speaker_assign",
        summary="Say who spoke between two moments",
        request=AssignSerializer,
        responses=answers(
            StatusSerializer,
            e400=f"{NEITHER}, or {ONLY_ONE}",
            e401=SIGN_IN,
            e403=NOT_OWNER,
            e404=NO_PARTICIPANT,
            e422=INVALID,
        ),
    )
    def patch(self, request: Request, transcript_id: str) -> Response:
        values = read_body(request, AssignSerializer).validated_data
        with transaction.atomic():
            transcript = find_own(request.user, transcript_id, lock=True)
            number = number_of(transcript, values.get("speaker"), values.get("participant"))
            between(transcript, values["timestamp_from"], values["timestamp_to"]).update(speaker=number)
            touch(transcript)
        return Response({"status": "ok"})


class MergeSpeakers(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="speaker_merge",
        summary="Say that two voices are one person's",
        request=MergeSerializer,
        responses=answers(
            StatusSerializer, e400=BOTH_NAMED, e401=SIGN_IN, e403=NOT_OWNER, e404=NO_TRANSCRIPT, e422=INVALID
        ),
    )
    def patch(self, request: Request, transcript_id: str) -> Response:
        values = read_body(request, MergeSerializer).validated_data
        with transaction.atomic():
            transcript = find_own(request.user, transcript_id, lock=True)
            if values["speaker_from"] != values["speaker_to"]:
                merge(transcript, values["speaker_from"], values["speaker_to"])
            touch(transcript)
        return Response({"status": "ok"})


def find_participant(transcript: Transcript, participant_id: str) -> TranscriptParticipant:
    participant = transcript.participants.filter(pk=as_uuid(participant_id, NO_PARTICIPANT)).first()
    if participant is None:
        raise NotFound(NO_PARTICIPANT)
    return participant


def require_free(others: QuerySet[TranscriptParticipant], speaker: int | None) -> None:
    if speaker is not None and others.filter(speaker=speaker).exists():
        raise BadRequest(TAKEN)


def number_of(transcript: Transcript, speaker: int | None, participant_id: str | None) -> int:
    """The number of a voice; a participant who has none yet is given the next one."""
    if speaker is None and not participant_id:
        raise BadRequest(NEITHER)
    if speaker is not None and participant_id:
        raise BadRequest(ONLY_ONE)
    if speaker is not None:
        return speaker
    participant = find_participant(transcript, participant_id or "")
    if participant.speaker is None:
        spoken = transcript.segments.aggregate(last=Max("speaker"))["last"]
        named = transcript.participants.aggregate(last=Max("speaker"))["last"]
        participant.speaker = max(-1 if spoken is None else spoken, -1 if named is None else named) + 1
        participant.save(update_fields=["speaker"])
    return participant.speaker


def between(transcript: Transcript, start: float, end: float) -> QuerySet[Segment]:
    """The segments whose middle lies between: their edges need not be met to the millisecond."""
    return transcript.segments.alias(edges=F("start") + F("end")).filter(edges__gte=2 * start, edges__lte=2 * end)


def merge(transcript: Transcript, old: int, new: int) -> None:
    named = {p.speaker: p for p in transcript.participants.filter(speaker__in=[old, new])}
    if len(named) == 2:
        raise BadRequest(BOTH_NAMED)
    if old in named:
        transcript.participants.filter(pk=named[old].pk).update(speaker=new)
    transcript.segments.filter(speaker=old).update(speaker=new)
