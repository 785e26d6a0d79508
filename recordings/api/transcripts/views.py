"""Transcripts: list, make, read, change and delete."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from platforms.listing import Listing
from recordings.api.transcripts.serializers import (
    FORMATTED,
    MINIMAL,
    CreateTranscriptSerializer,
    FormatQuery,
    ListQuery,
    MinimalPageSerializer,
    UpdateTranscriptSerializer,
    WithParticipantsSerializer,
)
from recordings.models import Transcript, TranscriptParticipant
from recordings.privacy import deletion
from recordings.transcripts import search
from recordings.transcripts.access import (
    DENIED,
    NO_TRANSCRIPT,
    NOT_OWNER,
    IsAuthenticatedOrPublicMode,
    find_deleted,
    find_own,
    find_transcript,
    is_owner,
    listed_for,
)
from recordings.transcripts.formats import as_json, as_text, as_webvtt, speaker_names
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest
from rooms.api.input import read_body, read_query
from rooms.api.pagination import page_of
from rooms.api.schema import INVALID, SIGN_IN, StatusSerializer, answers

NOT_DELETED = ErrorDetail("Transcript is not deleted", "transcript_not_deleted")
DELETE_FIRST = ErrorDetail("Transcript must be soft-deleted first", "transcript_not_deleted")
PLAIN_FIELDS = ["name", "locked", "title", "short_summary", "long_summary", "share_mode", "reviewed"]


class TranscriptList(ApiView):
    permission_classes = [IsAuthenticatedOrPublicMode]

    @extend_schema(
        operation_id="v1_transcripts_list",
        summary="Own transcripts and those of shared rooms that one may read",
        parameters=[ListQuery],
        responses=answers(MinimalPageSerializer, e401=SIGN_IN, e422=INVALID),
    )
    def get(self, request: Request) -> Response:
        query = read_query(request, ListQuery)
        transcripts = chosen(listed_for(request.user).of_values(*MINIMAL.names), query)
        page = page_of(transcripts, request)
        return Response(page | {"items": MINIMAL.shown(page["items"])})

    @extend_schema(
        operation_id="v1_transcripts_create",
        summary="Make a transcript, to upload a file for",
        request=CreateTranscriptSerializer,
        responses=answers(WithParticipantsSerializer, e401=SIGN_IN, e422=INVALID),
    )
    def post(self, request: Request) -> Response:
        values = read_body(request, CreateTranscriptSerializer).validated_data
        with transaction.atomic():
            transcript = create(request.user, values)
            transcript.touch()
        return Response(shown(request, transcript))


class TranscriptDetail(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="v1_transcript_get",
        summary="A transcript with what was said",
        parameters=[FormatQuery],
        responses=answers(FORMATTED, e403=DENIED, e404=NO_TRANSCRIPT, e422=INVALID),
    )
    def get(self, request: Request, transcript_id: str) -> Response:
        transcript = find_transcript(request.user, transcript_id)
        wanted = read_query(request, FormatQuery)["transcript_format"]
        said = {"transcript_format": wanted, "transcript": formatted(transcript, wanted)}
        return Response(shown(request, transcript) | said)

    @extend_schema(
        operation_id="v1_transcript_update",
        summary="Change the fields that are sent",
        request=UpdateTranscriptSerializer,
        responses=answers(WithParticipantsSerializer, e401=SIGN_IN, e403=NOT_OWNER, e404=NO_TRANSCRIPT, e422=INVALID),
    )
    def patch(self, request: Request, transcript_id: str) -> Response:
        values = read_body(request, UpdateTranscriptSerializer).validated_data
        with transaction.atomic():
            transcript = find_own(request.user, transcript_id, lock=True)
            change(transcript, values)
        return Response(shown(request, find_transcript(request.user, transcript_id)))

    @extend_schema(
        operation_id="v1_transcript_delete",
        summary="Put a transcript and its recording into the trash",
        responses=answers(StatusSerializer, e401=SIGN_IN, e403=NOT_OWNER, e404=NO_TRANSCRIPT),
    )
    def delete(self, request: Request, transcript_id: str) -> Response:
        deletion.trash(find_own(request.user, transcript_id))
        return Response({"status": "ok"})


class RestoreTranscript(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_transcript_restore",
        summary="Take a transcript, or its recording alone, out of the trash",
        request=None,
        responses=answers(StatusSerializer, e400=NOT_DELETED, e401=SIGN_IN, e403=NOT_OWNER, e404=NO_TRANSCRIPT),
    )
    def post(self, request: Request, transcript_id: str) -> Response:
        transcript = find_deleted(request.user, transcript_id)
        if not deletion.restore(transcript):
            raise BadRequest(NOT_DELETED)
        return Response({"status": "ok"})


class DestroyTranscript(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_transcript_destroy",
        summary="Delete a transcript for good, and its audio and video everywhere",
        responses=answers(
            StatusSerializer,
            e400=DELETE_FIRST,
            e401=SIGN_IN,
            e403=NOT_OWNER,
            e404=NO_TRANSCRIPT,
        ),
    )
    def delete(self, request: Request, transcript_id: str) -> Response:
        transcript = find_deleted(request.user, transcript_id)
        if not deletion.destroy(transcript):
            raise BadRequest(DELETE_FIRST)
        return Response({"status": "ok"})


def create(user: Any, values: dict[str, Any]) -> Transcript:
    """From what CreateTranscriptSerializer let through. Clients hear of it once it is touched."""
    owner = user if user.is_authenticated else None
    transcript = Transcript.objects.create(user=owner, is_everybodys=owner is None, **values)
    search.index(transcript, "")
    return transcript


def chosen(transcripts: Listing[Transcript], query: dict[str, Any]) -> Listing[Transcript]:
    if "source_kind" in query:
        transcripts = transcripts.filter(source_kind=query["source_kind"])
    if "room_id" in query:
        transcripts = transcripts.filter(room_id=query["room_id"])
    if "change_seq_from" in query:
        transcripts = transcripts.filter(change_seq__gt=query["change_seq_from"])
    if term := query.get("search_term"):
        transcripts = transcripts.newest().filter(Q(name__icontains=term) | Q(title__icontains=term))
    return transcripts.order_by("change_seq", "id") if query["sort_by"] == "change_seq" else transcripts


def shown(request: Request, transcript: Transcript) -> dict[str, Any]:
    """What its owner alone may know of the participants is blanked for others."""
    values: dict[str, Any] = WithParticipantsSerializer(transcript).data
    if not is_owner(request.user, transcript):
        values["participants"] = [p | {"email": None} for p in values["participants"]]
    return values


def formatted(transcript: Transcript, wanted: str) -> Any:
    segments, names = transcript.segments.defer("words"), speaker_names(transcript)
    match wanted:
        case "json":
            return as_json(segments, names)
        case "webvtt-named":
            return as_webvtt(segments, names)
    return as_text(segments, names, timestamps=wanted == "text-timestamped")


def change(transcript: Transcript, values: dict[str, Any]) -> None:
    for name in PLAIN_FIELDS:
        if name in values:
            setattr(transcript, name, "" if values[name] is None else values[name])
    if "participants" in values:
        replace_participants(transcript, values["participants"])
    transcript.touch()
    if values.keys() & {"name", "title", "participants"}:
        search.index(transcript)
    if values.get("audio_deleted"):
        deletion.delete_audio(transcript)


def replace_participants(transcript: Transcript, wanted: list[dict[str, Any]]) -> None:
    """Those that are named by their id keep what is not sent: the account and the e-mail address."""
    known = {p.pk: p for p in transcript.participants.all()}
    transcript.participants.all().delete()
    for values in wanted:
        same = known.pop(values["id"], None) if values.get("id") else None
        participant = same or TranscriptParticipant(transcript=transcript)
        participant.name, participant.speaker = values["name"], values.get("speaker")
        participant.save(force_insert=True)
