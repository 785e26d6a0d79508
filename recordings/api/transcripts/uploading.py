"""Audio that people send for a transcript, and having it transcribed again."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from recordings.api.transcripts.serializers import NOT_LIVE
from recordings.intake import register, uploads
from recordings.intake.quotas import USED_UP, QuotaUsedUp
from recordings.models import Recording
from recordings.storage.free_space import NoRoom
from recordings.transcripts.access import NO_TRANSCRIPT, NOT_OWNER, IsAuthenticatedOrPublicMode, find_changeable
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, TooLarge, TryAgain
from rooms.api.input import StrictCharField, read_body, read_query
from rooms.api.schema import INVALID, SIGN_IN, StatusSerializer, answers

LOCKED = ErrorDetail("Recording is locked", "recording_locked")
REFUSALS = {
    uploads.IN_PROGRESS: "upload_in_progress",
    uploads.NO_AUDIO: "no_audio_stream",
    uploads.TOO_SPARSE: "almost_empty",
    uploads.UNREADABLE: "unreadable",
}
NOT_READY = ErrorDetail("Recording is not ready for processing", "recording_not_ready")
NO_ROOM = ErrorDetail("There is no room for this at present. Please try again later.", "storage_full")
BUSY = {Recording.State.REPORTED, Recording.State.FETCHING, Recording.State.STORED, Recording.State.PROCESSING}


class UploadQuery(serializers.Serializer[Any]):
    chunk_number = serializers.IntegerField(min_value=0, max_value=uploads.MOST_PARTS - 1, help_text="From 0.")
    total_chunks = serializers.IntegerField(min_value=1, max_value=uploads.MOST_PARTS)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if values["chunk_number"] >= values["total_chunks"]:
            raise serializers.ValidationError({"chunk_number": "It must be less than total_chunks."})
        return values


class ChunkSerializer(serializers.Serializer[Any]):
    chunk = serializers.FileField(allow_empty_file=False)


class UploadChunk(ApiView):
    permission_classes = [IsAuthenticatedOrPublicMode]
    limit = "uploads"
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="v1_transcript_record_upload",
        summary="Send a file, whole or in pieces one after the other",
        parameters=[UploadQuery],
        request={"multipart/form-data": ChunkSerializer},
        responses=answers(
            StatusSerializer,
            e400=(
                f"Transcript is locked, or {uploads.IN_PROGRESS}, or {uploads.NO_AUDIO}, or {uploads.TOO_SPARSE}, "
                f"or {uploads.UNREADABLE}"
            ),
            e401=SIGN_IN,
            e403=NOT_OWNER,
            e404=NO_TRANSCRIPT,
            e413=f"{uploads.TOO_LARGE} Or: {uploads.OVER_QUOTA}",
            e422=INVALID,
            e429=USED_UP,
            e507=NO_ROOM,
        ),
    )
    def post(self, request: Request, transcript_id: str) -> Response:
        transcript = find_changeable(request.user, transcript_id)
        query = read_query(request, UploadQuery)
        try:
            uploads.require_room_for(int(request.META.get("CONTENT_LENGTH") or 0))
            serializer = ChunkSerializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            uploads.take_part(
                transcript, query["chunk_number"], query["total_chunks"], serializer.validated_data["chunk"]
            )
        except uploads.UploadRefused as error:
            raise BadRequest(str(error), REFUSALS.get(str(error))) from error
        except uploads.UploadTooLarge as error:
            raise TooLarge(str(error)) from error
        except NoRoom as error:
            raise TryAgain(NO_ROOM, error.retry_after, status.HTTP_507_INSUFFICIENT_STORAGE) from error
        except QuotaUsedUp as error:
            raise TryAgain(str(error), error.seconds_left, status.HTTP_429_TOO_MANY_REQUESTS) from error
        return Response({"status": "ok"})


@extend_schema_serializer(component_name="RtcOffer")
class RtcOfferSerializer(serializers.Serializer[Any]):
    sdp = StrictCharField()
    type = StrictCharField()


class RecordFromBrowser(ApiView):
    """Of the contract, so that a client that tries it is told what to do instead."""

    permission_classes = [IsAuthenticatedOrPublicMode]

    @extend_schema(
        operation_id="v1_transcript_record_webrtc",
        summary="Refused: this server does not record from a browser",
        request=RtcOfferSerializer,
        responses=answers(
            RtcOfferSerializer, e400=NOT_LIVE, e401=SIGN_IN, e403=NOT_OWNER, e404=NO_TRANSCRIPT, e422=INVALID
        ),
    )
    def post(self, request: Request, transcript_id: str) -> Response:
        find_changeable(request.user, transcript_id)
        read_body(request, RtcOfferSerializer)
        raise BadRequest(NOT_LIVE)


class ProcessAgain(ApiView):
    permission_classes = [IsAuthenticatedOrPublicMode]

    @extend_schema(
        operation_id="v1_transcript_process",
        summary="Transcribe it again",
        request=None,
        responses=answers(
            StatusSerializer,
            e400=f"{LOCKED}, or {NOT_READY}",
            e401=SIGN_IN,
            e403=NOT_OWNER,
            e404=NO_TRANSCRIPT,
        ),
    )
    def post(self, request: Request, transcript_id: str) -> Response:
        transcript = find_changeable(request.user, transcript_id)
        if transcript.locked:
            raise BadRequest(LOCKED)
        recording = transcript.recording
        if recording and recording.state in BUSY:
            return Response({"status": "already running"})
        if recording is None or recording.is_discarded() or not register.submit_again(recording):
            raise BadRequest(NOT_READY)
        return Response({"status": "ok"})
