"""Who spoke: names for the voices of a transcript, and which voice said what."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from recordings.api.transcripts.serializers import LARGEST_NUMBER, MOST_PARTICIPANTS, NamedSerializer
from recordings.media.info import LONGEST_SECONDS
from recordings.models import Segment, Transcript, TranscriptParticipant
from recordings.transcription.voices import merge_voices, next_number
from recordings.transcripts import search
from recordings.transcripts.access import DENIED, NO_TRANSCRIPT, NOT_OWNER, find_own, find_transcript
from recordings.transcripts.topics import reassigned
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest
from rooms.api.input import ChangesSerializer, Name, StrictCharField, read_body
from rooms.api.schema import INVALID, SIGN_IN, StatusSerializer, answers
from rooms.api.views import as_uuid

NO_PARTICIPANT = ErrorDetail("Participant not found", "participant_not_found")
TAKEN = ErrorDetail("Speaker already assigned", "speaker_taken")
NEITHER = ErrorDetail("Either speaker or participant must be provided", "speaker_or_participant_required")
ONLY_ONE = ErrorDetail("Only one of speaker or participant must be provided", "speaker_and_participant")
BOTH_NAMED = ErrorDetail("Both speakers are assigned to participants", "both_speakers_named")


def speaker_number(**kwargs: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=LARGEST_NUMBER, **kwargs)


class CreateParticipantSerializer(serializers.Serializer[Any]):
    name = Name(max_length=255)
    speaker = speaker_number(required=False, allow_null=True)


class UpdateParticipantSerializer(ChangesSerializer):
    """Only the fields that are sent change; a null name changes nothing, a null speaker takes the voice away."""

    name = Name(max_length=255, required=False)
    speaker = speaker_number(required=False, allow_null=True)


@extend_schema_serializer(component_name="SpeakerAssignment")
class AssignSerializer(serializers.Serializer[Any]):
    speaker = speaker_number(required=False, allow_null=True)
    participant = StrictCharField(required=False, allow_null=True, max_length=100, help_text="The id of one.")
    timestamp_from = serializers.FloatField(min_value=0, max_value=LONGEST_SECONDS, help_text="Seconds.")
    timestamp_to = serializers.FloatField(min_value=0, max_value=LONGEST_SECONDS, help_text="Seconds.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if values["timestamp_to"] < values["timestamp_from"]:
            raise serializers.ValidationError({"timestamp_to": "This is before timestamp_from."})
        return values


@extend_schema_serializer(component_name="SpeakerMerge")
class MergeSerializer(serializers.Serializer[Any]):
    speaker_from = speaker_number()
    speaker_to = speaker_number()


class ParticipantList(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="v1_transcript_get_participants",
        summary="Who spoke",
        responses=answers(NamedSerializer(many=True), e403=DENIED, e404=NO_TRANSCRIPT),
    )
    def get(self, request: Request, transcript_id: str) -> Response:
        participants = find_transcript(request.user, transcript_id).participants.all()
        return Response(NamedSerializer(participants, many=True).data)

    @extend_schema(
        operation_id="v1_transcript_add_participant",
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
            search.index(transcript)
            transcript.touch()
        return Response(NamedSerializer(participant).data)


class ParticipantDetail(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="v1_transcript_get_participant",
        summary="One who spoke",
        responses=answers(NamedSerializer, e403=DENIED, e404=NO_PARTICIPANT),
    )
    def get(self, request: Request, transcript_id: str, participant_id: str) -> Response:
        transcript = find_transcript(request.user, transcript_id)
        return Response(NamedSerializer(find_participant(transcript, participant_id)).data)

    @extend_schema(
        operation_id="v1_transcript_update_participant",
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
            search.index(transcript)
            transcript.touch()
        return Response(NamedSerializer(participant).data)

    @extend_schema(
        operation_id="v1_transcript_delete_participant",
        summary="Forget the name of a voice",
        responses=answers(StatusSerializer, e401=SIGN_IN, e403=NOT_OWNER, e404=NO_PARTICIPANT),
    )
    def delete(self, request: Request, transcript_id: str, participant_id: str) -> Response:
        with transaction.atomic():
            transcript = find_own(request.user, transcript_id, lock=True)
            find_participant(transcript, participant_id).delete()
            search.index(transcript)
            transcript.touch()
        return Response({"status": "ok"})


class AssignSpeaker(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_transcript_assign_speaker",
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
            assign(transcript, values["timestamp_from"], values["timestamp_to"], number)
            transcript.touch()
        return Response({"status": "ok"})


class MergeSpeakers(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_transcript_merge_speaker",
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
            transcript.touch()
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
        participant.speaker = next_number(transcript)
        participant.save(update_fields=["speaker"])
    return participant.speaker


def assign(transcript: Transcript, start: float, end: float, speaker: int) -> None:
    """Let a speaker have said the words that begin within that time; segments are cut between words for that."""
    for segment in transcript.segments.filter(start__lte=end, end__gte=start):
        pieces = reassigned(segment, start, end, speaker)
        if pieces == [segment]:
            segment.save(update_fields=["speaker"])
        else:
            segment.delete()
            Segment.objects.bulk_create(pieces)
    search.index(transcript, search.body_of(transcript.segments.values_list("text", flat=True)))


def merge(transcript: Transcript, old: int, new: int) -> None:
    named = {p.speaker: p for p in transcript.participants.filter(speaker__in=[old, new])}
    if len(named) == 2:
        raise BadRequest(BOTH_NAMED)
    if old in named:
        transcript.participants.filter(pk=named[old].pk).update(speaker=new)
    transcript.segments.filter(speaker=old).update(speaker=new)
    merge_voices(transcript, old, new)
