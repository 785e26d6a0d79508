"""Which recordings there are, and what became of each."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail, NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from recordings.api.recording_serializers import RecordingPageSerializer, RecordingQuery, RecordingSerializer
from recordings.listed import RecordingLists, read_tracks
from recordings.models import Recording, RecordingQuerySet, Transcript
from rooms.api.base import ApiView
from rooms.api.input import read_query
from rooms.api.pagination import page_of
from rooms.api.schema import INVALID, SIGN_IN, answers
from rooms.api.views import as_uuid

NO_RECORDING = ErrorDetail("Recording not found", "recording_not_found")
DENIED = ErrorDetail("Recording access denied", "recording_access_denied")
# Parameter -> the field that it must equal.
FILTERS = {
    "meeting_id": "meeting_id",
    "room_id": "meeting__room_id",
    "platform": "platform",
    "state": "state",
}
# Of their transcripts no more is shown than which they are.
_SHOWN = {"id", "deleted_at", "recording", "video"}
_NOT_SHOWN = [field.name for field in Transcript._meta.concrete_fields if field.name not in _SHOWN]


def _read() -> RecordingQuerySet:
    unread = [f"{relation}__{name}" for relation in ("transcript", "video_of") for name in _NOT_SHOWN]
    return Recording.objects.select_related("transcript", "video_of").defer(*unread)


_LISTS = RecordingLists(_read)


class RecordingList(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_recordings_list",
        summary="The recordings of one's own rooms, newest first; all of them for staff who may view recordings",
        parameters=[RecordingQuery],
        responses=answers(RecordingPageSerializer, e401=SIGN_IN, e422=INVALID),
    )
    def get(self, request: Request) -> Response:
        query = read_query(request, RecordingQuery)
        wanted = {field: query[name] for name, field in FILTERS.items() if name in query}
        page = page_of(_LISTS.of(request.user).filter(**wanted), request)
        read_tracks(page["items"])
        return Response(page | {"items": RecordingSerializer().shown(page["items"])})


class RecordingDetail(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_recordings_get",
        summary="A recording, its tracks, and where it stands",
        responses=answers(RecordingSerializer, e401=SIGN_IN, e403=DENIED, e404=NO_RECORDING),
    )
    def get(self, request: Request, recording_id: str) -> Response:
        pk = as_uuid(recording_id, NO_RECORDING)
        recording = Recording.objects.visible_to(request.user).with_tracks().filter(pk=pk).first()
        if recording is None:
            raise PermissionDenied(DENIED) if Recording.objects.filter(pk=pk).exists() else NotFound(NO_RECORDING)
        return Response(RecordingSerializer(recording).data)
