"""The audio and video of a transcript: playing, downloading, uploading and transcribing it again."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.files.storage import storages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, NotFound, PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from storages.backends.s3 import S3Storage

from recordings import deletion, links, reporting, uploads
from recordings.api.transcript_access import (
    DENIED,
    NO_TRANSCRIPT,
    NOT_OWNER,
    SignedInOrPublicMode,
    find_changeable,
    find_own,
    find_transcript,
)
from recordings.api.transcript_serializers import has_video
from recordings.models import Recording, Transcript
from recordings.reading import open_stored
from recordings.serving import Part, read_range
from recordings.transcripts import as_json, as_text, as_webvtt, speaker_names
from rooms.api.authentication import user_of_token
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, TooLarge
from rooms.api.input import Text, read_query
from rooms.api.schema import INVALID, SIGN_IN, StatusSerializer, answers

NO_SIGN_IN = "Authentication required"
BAD_TOKEN = "Invalid or expired token"  # noqa: S105  (a sentence)
PRIVATE = "Audio unavailable due to privacy settings"
NO_AUDIO = "Audio file not found"
NO_VIDEO = "No video available"
NOT_READY = "Recording is not ready for processing"
TOO_LARGE = "The file is too large."
VIDEO_LINK = timedelta(seconds=900)
BLOCK = 256 * 1024  # bytes
BUSY = {Recording.State.REPORTED, Recording.State.FETCHING, Recording.State.STORED, Recording.State.PROCESSING}


def errors(**meanings: str) -> dict[Any, OpenApiResponse]:
    """Of operations whose success is no JSON."""
    return {code: answer for code, answer in answers(None, **meanings).items() if code != 200}


class AudioQuery(serializers.Serializer[Any]):
    token = Text(required=False, allow_blank=True, help_text="A bearer token, for players that send no headers.")


class UploadQuery(serializers.Serializer[Any]):
    chunk_number = serializers.IntegerField(min_value=0, max_value=uploads.MOST_PARTS - 1, help_text="From 0.")
    total_chunks = serializers.IntegerField(min_value=1, max_value=uploads.MOST_PARTS)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if values["chunk_number"] >= values["total_chunks"]:
            raise serializers.ValidationError({"chunk_number": "It must be less than total_chunks."})
        return values


class ChunkSerializer(serializers.Serializer[Any]):
    chunk = serializers.FileField(allow_empty_file=False)


class VideoSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(help_text="Lasts for 15 minutes.")
    duration = serializers.FloatField(allow_null=True, help_text="Seconds.")
    content_type = serializers.CharField()


class Audio(ApiView):
    @extend_schema(
        operation_id="transcripts_audio",
        summary="The audio, or the part of it that a player asks for",
        parameters=[AudioQuery, OpenApiParameter("Range", str, OpenApiParameter.HEADER)],
        responses={
            (200, "audio/mpeg"): OpenApiTypes.BINARY,
            (206, "audio/mpeg"): OpenApiTypes.BINARY,
            416: OpenApiResponse(description="There is no such part."),
            **errors(
                e401=f"{NO_SIGN_IN}, or {BAD_TOKEN}", e403=DENIED, e404=f"{NO_TRANSCRIPT}, or {PRIVATE}, or {NO_AUDIO}"
            ),
        },
    )
    def get(self, request: Request, transcript_id: str) -> HttpResponseBase:
        transcript = find_to_hear(listener(request), transcript_id)
        return stream(request, audio_of(transcript), "audio/mpeg")


class DownloadZip(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="transcripts_zip",
        summary="All of a transcript in one archive: text, WebVTT, JSON and audio",
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            **errors(e401=SIGN_IN, e403=NOT_OWNER, e404=NO_TRANSCRIPT),
        },
    )
    def get(self, request: Request, transcript_id: str) -> HttpResponseBase:
        transcript = find_own(request.user, transcript_id)
        name = f"transcript_{transcript.pk}.zip"
        return StreamingHttpResponse(
            archive(texts_of(transcript), audio_if_any(transcript)),
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"},
        )


class VideoUrl(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="transcripts_video_url",
        summary="An address for the video",
        responses=answers(VideoSerializer, e401=SIGN_IN, e403=DENIED, e404=NO_VIDEO),
    )
    def get(self, request: Request, transcript_id: str) -> Response:
        transcript = find_transcript(request.user, transcript_id)
        recording = transcript.recording
        if recording is None or not recording.file or not has_video(transcript) or is_going(recording):
            raise NotFound(NO_VIDEO)
        content_type = recording.content_type or "video/mp4"
        return Response({"url": video_link(recording), "duration": recording.duration, "content_type": content_type})


class UploadChunk(ApiView):
    permission_classes = [SignedInOrPublicMode]
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="transcripts_upload",
        summary="Send a file, whole or in pieces one after the other",
        parameters=[UploadQuery],
        request={"multipart/form-data": ChunkSerializer},
        responses=answers(
            StatusSerializer,
            e400=f"Transcript is locked, or {uploads.IN_PROGRESS}, or {uploads.NO_AUDIO}",
            e401=SIGN_IN,
            e403=NOT_OWNER,
            e404=NO_TRANSCRIPT,
            e413=TOO_LARGE,
            e422=INVALID,
        ),
    )
    def post(self, request: Request, transcript_id: str) -> Response:
        transcript = find_changeable(request.user, transcript_id)
        query = read_query(request, UploadQuery)
        serializer = ChunkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            uploads.take_part(
                transcript, query["chunk_number"], query["total_chunks"], serializer.validated_data["chunk"]
            )
        except uploads.UploadRefused as error:
            raise BadRequest(str(error)) from error
        except uploads.UploadTooLarge as error:
            raise TooLarge(TOO_LARGE) from error
        return Response({"status": "ok"})


class ProcessAgain(ApiView):
    permission_classes = [SignedInOrPublicMode]

    @extend_schema(
        operation_id="transcripts_process",
        summary="Transcribe it again",
        request=None,
        responses=answers(
            StatusSerializer,
            e400=f"Recording is locked, or {NOT_READY}",
            e401=SIGN_IN,
            e403=NOT_OWNER,
            e404=NO_TRANSCRIPT,
        ),
    )
    def post(self, request: Request, transcript_id: str) -> Response:
        transcript = find_changeable(request.user, transcript_id)
        if transcript.locked:
            raise BadRequest("Recording is locked")
        recording = transcript.recording
        if recording and recording.state in BUSY:
            return Response({"status": "already running"})
        if recording is None or is_going(recording) or not reporting.hand_off_again(recording):
            raise BadRequest(NOT_READY)
        return Response({"status": "ok"})


def listener(request: Request) -> Any:
    """Whoever is signed in, else whose token is in the address. Raises AuthenticationFailed for a bad one."""
    token = read_query(request, AudioQuery).get("token")
    if request.user.is_authenticated or not token:
        return request.user
    try:
        return user_of_token(token)
    except AuthenticationFailed:
        raise AuthenticationFailed(BAD_TOKEN) from None


def find_to_hear(user: Any, transcript_id: str) -> Transcript:
    """As ever; but somebody who is not signed in is told to do that."""
    try:
        return find_transcript(user, transcript_id)
    except PermissionDenied:
        if isinstance(user, AnonymousUser):
            raise AuthenticationFailed(NO_SIGN_IN) from None
        raise


def audio_of(transcript: Transcript) -> str:
    """The name of the file. Raises NotFound."""
    recording = transcript.recording
    if transcript.audio_deleted or (recording and deletion.is_asked(recording)):
        raise NotFound(PRIVATE)
    if not transcript.audio_file or (recording and recording.deleted_at):
        raise NotFound(NO_AUDIO)
    return transcript.audio_file


def audio_if_any(transcript: Transcript) -> str:
    try:
        return audio_of(transcript)
    except NotFound:
        return ""


def is_going(recording: Recording) -> bool:
    """In the trash, or about to be deleted."""
    return recording.deleted_at is not None or deletion.is_asked(recording)


def video_link(recording: Recording) -> str:
    storage, seconds = storages["recordings"], int(VIDEO_LINK.total_seconds())
    if isinstance(storage, S3Storage):
        return str(storage.url(recording.file, expire=seconds))
    return links.link_to(recording, lifetime=VIDEO_LINK)


def stream(request: Request, name: str, content_type: str) -> HttpResponseBase:
    """Not by a redirect to the bucket: players that come from another site could not follow it."""
    try:
        file = open_stored(name)
    except FileNotFoundError:
        raise NotFound(NO_AUDIO) from None
    size = file.seek(0, io.SEEK_END)
    found = read_range(request.headers.get("Range", ""), size)
    if found is None:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, end = found
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - start),
        "Content-Type": content_type,
        "Cache-Control": "private, no-store",
    }
    status = 200
    if end - start < size:
        status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{size}"
    if request.method == "HEAD":
        file.close()
        return HttpResponse(status=status, headers=headers)
    file.seek(start)
    return StreamingHttpResponse(Blocks(Part(file, end - start)), status=status, headers=headers)


class Blocks:
    """What a response closes also when its client went away before the first block."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        while block := self._part.read(BLOCK):
            yield block

    def close(self) -> None:
        self._part.close()


def texts_of(transcript: Transcript) -> dict[str, str]:
    segments, names = list(transcript.segments.all()), speaker_names(transcript)
    spoken = json.dumps(as_json(segments, names), ensure_ascii=False, indent=1)
    return {
        "transcript.txt": as_text(segments, names, timestamps=True),
        "transcript.vtt": as_webvtt(segments, names),
        "transcript.json": spoken,
    }


def archive(texts: dict[str, str], audio: str) -> Iterator[bytes]:
    """A zip file that is written while it is sent: neither memory nor disk holds the whole."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as zipped:
        for name, text in texts.items():
            zipped.writestr(name, text, zipfile.ZIP_DEFLATED)
            yield sink.taken()
        if audio:
            with open_stored(audio) as file, zipped.open("audio.mp3", "w", force_zip64=True) as entry:
                while block := file.read(BLOCK):
                    entry.write(block)
                    yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        self._waiting += content
        return len(content)

    def taken(self) -> bytes:
        content = bytes(self._waiting)
        self._waiting.clear()
        return content
