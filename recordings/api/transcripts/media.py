"""The audio and video of a transcript, to be played."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.files.storage import storages
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, ErrorDetail, NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from storages.backends.s3 import S3Storage

from recordings.api.transcripts.serializers import video_of
from recordings.media.audio import Reading
from recordings.media.waveform import POINTS, waveform_of
from recordings.models import Recording, Transcript
from recordings.storage import links
from recordings.storage.reader import open_stored
from recordings.storage.serving import give
from recordings.transcripts.access import DENIED, NO_TRANSCRIPT, find_transcript
from rooms.api.authentication import user_of_token
from rooms.api.base import ApiView
from rooms.api.input import StrictCharField, read_query
from rooms.api.schema import SIGN_IN, answers

NO_SIGN_IN = ErrorDetail("Authentication required", "not_authenticated")
BAD_TOKEN = ErrorDetail("Invalid or expired token", "invalid_token")
PRIVATE = ErrorDetail("Audio unavailable due to privacy settings", "audio_private")
NO_AUDIO = ErrorDetail("Audio file not found", "audio_not_found")
NO_VIDEO = ErrorDetail("No video available", "video_not_found")
VIDEO_LINK = timedelta(seconds=900)
LOOKING_RATE = 8000  # samples per second, which are enough for a picture


def errors(**meanings: str) -> dict[Any, OpenApiResponse]:
    """Of operations whose success is no JSON."""
    return {code: answer for code, answer in answers(None, **meanings).items() if code != 200}


class AudioQuery(serializers.Serializer[Any]):
    token = StrictCharField(
        required=False, allow_blank=True, help_text="A bearer token, for players that send no headers."
    )


@extend_schema_serializer(component_name="VideoUrlResponse")
class VideoSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(help_text="Lasts for 15 minutes.")
    duration = serializers.FloatField(allow_null=True, help_text="Seconds.")
    content_type = serializers.CharField()


class Audio(ApiView):
    @extend_schema(
        operation_id="v1_transcript_get_audio_mp3",
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
        transcript = find_playable(listener(request), transcript_id)
        return stream(request, audio_of(transcript), "audio/mpeg")


class WaveformSerializer(serializers.Serializer[Any]):
    data = serializers.ListField(  # type: ignore[assignment]  # the contract's name
        child=serializers.FloatField(min_value=0, max_value=1),
        help_text=f"{POINTS} loudnesses, evenly from beginning to end; the loudest is 1.",
    )


class AudioWaveform(ApiView):
    @extend_schema(
        operation_id="v1_transcript_get_audio_waveform",
        summary="How loud the audio is from moment to moment, for a player's picture",
        responses=answers(
            extend_schema_serializer(component_name="AudioWaveform")(WaveformSerializer),
            e401=NO_SIGN_IN,
            e403=DENIED,
            e404=f"{NO_TRANSCRIPT}, or {PRIVATE}, or {NO_AUDIO}",
        ),
    )
    def get(self, request: Request, transcript_id: str) -> Response:
        transcript = find_playable(request.user, transcript_id)
        name = audio_of(transcript)
        if not transcript.waveform:  # an MP3 from before, or one that was stored in another way
            transcript.waveform = _look_at(name)
            Transcript.objects.filter(pk=transcript.pk, audio_file=name).update(waveform=transcript.waveform)
        return Response({"data": transcript.waveform})


class VideoUrl(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_transcript_get_video_url",
        summary="An address for the video",
        responses=answers(VideoSerializer, e401=SIGN_IN, e403=DENIED, e404=NO_VIDEO),
    )
    def get(self, request: Request, transcript_id: str) -> Response:
        transcript = find_transcript(request.user, transcript_id)
        recording = video_of(transcript)
        if recording is None or not recording.file or not recording.may_be_played():
            raise NotFound(NO_VIDEO)
        content_type = recording.content_type or "video/mp4"
        return Response({"url": video_link(recording), "duration": recording.duration, "content_type": content_type})


def listener(request: Request) -> Any:
    """Whoever is signed in, else whose token is in the address. Raises AuthenticationFailed for a bad one."""
    token = read_query(request, AudioQuery).get("token")
    if request.user.is_authenticated or not token:
        return request.user
    try:
        return user_of_token(token)
    except AuthenticationFailed:
        raise AuthenticationFailed(BAD_TOKEN) from None


def find_playable(user: Any, transcript_id: str) -> Transcript:
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
    if transcript.audio_deleted or (recording and (recording.is_being_deleted() or recording.is_refused())):
        raise NotFound(PRIVATE)
    if not transcript.audio_file or (recording and recording.deleted_at):
        raise NotFound(NO_AUDIO)
    return transcript.audio_file


def audio_if_any(transcript: Transcript) -> str:
    try:
        return audio_of(transcript)
    except NotFound:
        return ""


def _look_at(name: str) -> list[float]:
    """The points of a stored file. Raises NotFound where there is nothing to be heard."""
    reading = Reading(partial(open_stored, name))
    points = waveform_of(reading.readable(LOOKING_RATE), LOOKING_RATE)
    if not reading.has_sound:
        raise NotFound(NO_AUDIO)
    return points


def video_link(recording: Recording) -> str:
    storage, seconds = storages["recordings"], int(VIDEO_LINK.total_seconds())
    if isinstance(storage, S3Storage):
        return str(storage.url(recording.file, expire=seconds))
    return links.link_to(recording, lifetime=VIDEO_LINK, to_play=True)


def stream(request: Request, name: str, content_type: str) -> HttpResponseBase:
    """Not by a redirect to the bucket: players that come from another site could not follow it."""
    try:
        file = open_stored(name)
    except FileNotFoundError:
        raise NotFound(NO_AUDIO) from None
    return give(request, file, content_type)
