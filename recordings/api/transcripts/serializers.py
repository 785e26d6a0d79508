"""Transcripts as the API shows and takes them."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from platforms.listing import COUNTED
from platforms.visible import visible
from recordings.models import Recording, Transcript, TranscriptParticipant, shown_title
from rooms.api.input import ChangesSerializer, Name, StrictCharField
from rooms.api.pagination import PageQuery, PageSerializer
from rooms.api.quick import NOTHING, Columns, Computed, QuickSerializer
from rooms.api.schema import Constant

TITLE_LIMIT = 1000  # characters
SUMMARY_LIMIT = 100_000  # characters
MOST_PARTICIPANTS = 1000
LARGEST_NUMBER = 2_147_483_647  # of a speaker: what the database takes
NOT_LIVE = ErrorDetail(
    "This server does not record from a browser. Upload a file, or hold a meeting in a room that is recorded.",
    "live_not_supported",
)
UNNAMED = "Untitled"  # transcript of somebody who gave it no name
FORMATS = ["text", "text-timestamped", "webvtt-named", "json"]


class NullableCharField(serializers.CharField):
    """A text of which the empty one is shown as null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return str(value) or None


class Milliseconds(serializers.IntegerField):
    """A time that is kept in seconds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, help_text="Milliseconds.", **kwargs)

    def to_representation(self, value: Any) -> int:
        return round(float(value) * 1000)


@extend_schema_serializer(component_name="GetTranscriptMinimal")
class MinimalSerializer(QuickSerializer[Transcript]):
    user_id = serializers.CharField(allow_null=True, read_only=True)
    title = serializers.CharField(
        source="shown_title", read_only=True, help_text="While it has none, its name, and of a meeting the day."
    )
    short_summary = NullableCharField()
    long_summary = NullableCharField()
    source_language = NullableCharField()
    target_language = NullableCharField()
    meeting_id = serializers.UUIDField(source="recording.meeting_id", allow_null=True, default=None, read_only=True)
    room_id = serializers.UUIDField(allow_null=True, read_only=True)
    room_name = serializers.CharField(source="room.name", allow_null=True, default=None, read_only=True)
    duration = Milliseconds()
    has_cloud_video = serializers.SerializerMethodField()
    cloud_video_duration = serializers.SerializerMethodField(help_text="Seconds.")

    class Meta:
        model = Transcript
        fields = [
            "id",
            "user_id",
            "name",
            "status",
            "locked",
            "duration",
            "title",
            "short_summary",
            "long_summary",
            "note",
            "created_at",
            "share_mode",
            "source_language",
            "target_language",
            "reviewed",
            "meeting_id",
            "source_kind",
            "room_id",
            "room_name",
            "audio_deleted",
            "change_seq",
            "has_cloud_video",
            "cloud_video_duration",
        ]
        read_only_fields = fields

    def to_representation(self, transcript: Transcript, hidden: frozenset[str] = NOTHING) -> dict[str, Any]:
        self._video = video_of(transcript)
        return super().to_representation(transcript, hidden)

    def get_has_cloud_video(self, transcript: Transcript) -> bool:
        return self._video is not None

    def get_cloud_video_duration(self, transcript: Transcript) -> int | None:
        video = self._video
        return int(video.duration) if video and video.duration is not None else None


def video_of(transcript: Transcript) -> Recording | None:
    """The recording with pictures: the file of the call rather than its tracks."""
    for recording in (transcript.video, transcript.recording):
        if recording and is_video(recording.has_video, recording.state):
            return recording
    return None


def is_video(has_video: bool | None, state: str | None) -> bool:
    return bool(has_video) and state != Recording.State.DELETED


def has_cloud_video(has_video: Any, state: Any, _: Any, has_other: Any, other_state: Any, __: Any) -> bool:
    return is_video(has_video, state) or is_video(has_other, other_state)


def cloud_video_duration(
    has_video: Any, state: Any, duration: Any, has_other: Any, other_state: Any, other_duration: Any
) -> int | None:
    found = duration if is_video(has_video, state) else other_duration if is_video(has_other, other_state) else None
    return None if found is None else int(found)


TITLE = Computed(shown_title, ["title", "name", "source_kind", "created_at", "recording.recorded_at"])
_VIDEOS = [f"{name}.{field}" for name in ("video", "recording") for field in ("has_video", "state", "duration")]
# For lists.
MINIMAL = Columns(
    MinimalSerializer,
    {
        "title": TITLE,
        "has_cloud_video": Computed(has_cloud_video, _VIDEOS),
        "cloud_video_duration": Computed(cloud_video_duration, _VIDEOS),
    },
)


@extend_schema_serializer(component_name="Page_GetTranscriptMinimal_")
class MinimalPageSerializer(PageSerializer):
    items = MinimalSerializer(many=True)


@extend_schema_serializer(component_name="Participant")
class NamedSerializer(QuickSerializer[TranscriptParticipant]):
    class Meta:
        model = TranscriptParticipant
        fields = ["id", "speaker", "name"]
        read_only_fields = fields


@extend_schema_serializer(component_name="TranscriptParticipantWithEmail")
class ParticipantSerializer(NamedSerializer):
    user_id = serializers.CharField(allow_null=True, read_only=True)
    email = NullableCharField(help_text="Shown to the owner only.")

    class Meta(NamedSerializer.Meta):
        fields = [*NamedSerializer.Meta.fields, "user_id", "email"]
        read_only_fields = fields


@extend_schema_serializer(component_name="GetTranscriptWithParticipants")
class WithParticipantsSerializer(MinimalSerializer):
    participants = ParticipantSerializer(many=True, read_only=True)

    class Meta(MinimalSerializer.Meta):
        fields = [*MinimalSerializer.Meta.fields, "participants"]
        read_only_fields = fields


@extend_schema_serializer(component_name="TranscriptSegment")
class SpokenSerializer(serializers.Serializer[Any]):
    speaker = serializers.IntegerField()
    speaker_name = serializers.CharField()
    text = serializers.CharField()
    start = serializers.FloatField()
    end = serializers.FloatField()


class FormattedSerializer(WithParticipantsSerializer):
    # Subclasses add `transcript_format` and `transcript`.

    class Meta(WithParticipantsSerializer.Meta):
        fields = [*WithParticipantsSerializer.Meta.fields, "transcript_format", "transcript"]
        read_only_fields = fields


@extend_schema_serializer(component_name="GetTranscriptWithText")
class WithTextSerializer(FormattedSerializer):
    transcript_format = Constant("text")
    transcript = serializers.CharField(read_only=True, help_text="A line for what each voice said: Ada: Hello.")


@extend_schema_serializer(component_name="GetTranscriptWithTextTimestamped")
class WithTextTimestampedSerializer(FormattedSerializer):
    transcript_format = Constant("text-timestamped")
    transcript = serializers.CharField(read_only=True, help_text="As text, with times: [00:05] Ada: Hello.")


@extend_schema_serializer(component_name="GetTranscriptWithWebVTTNamed")
class WithWebVTTNamedSerializer(FormattedSerializer):
    transcript_format = Constant("webvtt-named")
    transcript = serializers.CharField(read_only=True, help_text="WebVTT with the names of the voices.")


@extend_schema_serializer(component_name="GetTranscriptWithJSON")
class WithJSONSerializer(FormattedSerializer):
    transcript_format = Constant("json")
    transcript = SpokenSerializer(many=True, read_only=True)


FORMATTED = PolymorphicProxySerializer(
    "GetTranscriptFormatted",
    {
        "text": WithTextSerializer,
        "text-timestamped": WithTextTimestampedSerializer,
        "webvtt-named": WithWebVTTNamedSerializer,
        "json": WithJSONSerializer,
    },
    resource_type_field_name="transcript_format",
)


class FormatQuery(serializers.Serializer[Any]):
    transcript_format = serializers.ChoiceField(choices=FORMATS, default="text")


TERM_HELP = (
    f"Part of the name or the title. Of more than {COUNTED:,} transcripts the newest are looked at; "
    "/v1/transcripts/search finds whole words in all of them."
)


class ListQuery(PageQuery):
    source_kind = serializers.ChoiceField(choices=Transcript.SourceKind.choices, required=False)
    room_id = serializers.UUIDField(required=False)
    search_term = StrictCharField(required=False, allow_blank=True, max_length=1000, help_text=TERM_HELP)
    change_seq_from = serializers.IntegerField(
        required=False, min_value=0, max_value=2**63 - 1, help_text="Only what changed after this change_seq."
    )
    sort_by = serializers.ChoiceField(choices=["created_at", "change_seq"], default="created_at")


class CreateTranscriptSerializer(serializers.Serializer[Any]):
    name = StrictCharField(max_length=255, allow_blank=True, help_text=f"Empty: {UNNAMED}.")
    source_language = StrictCharField(
        max_length=16, default="en", allow_blank=True, help_text="Empty: to be found out."
    )
    target_language = StrictCharField(max_length=16, default="en")
    source_kind = serializers.ChoiceField(choices=Transcript.SourceKind.choices, default="file", allow_null=True)

    def validate_name(self, name: str) -> str:
        return visible(name).strip() or UNNAMED

    def validate_source_kind(self, kind: str | None) -> str:
        if kind == Transcript.SourceKind.LIVE:
            raise serializers.ValidationError(NOT_LIVE)
        return kind or Transcript.SourceKind.FILE


@extend_schema_serializer(component_name="TranscriptParticipant")
class NewParticipantSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(required=False, allow_null=True)
    speaker = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=LARGEST_NUMBER)
    name = Name(max_length=255)


class UpdateTranscriptSerializer(ChangesSerializer):
    """Only the fields that are sent change; of those that cannot be null, null changes nothing."""

    name = Name(max_length=255, required=False)
    locked = serializers.BooleanField(required=False)
    title = Name(max_length=TITLE_LIMIT, required=False, allow_null=True, allow_blank=True)
    short_summary = StrictCharField(max_length=SUMMARY_LIMIT, required=False, allow_null=True, allow_blank=True)
    long_summary = StrictCharField(max_length=SUMMARY_LIMIT, required=False, allow_null=True, allow_blank=True)
    share_mode = serializers.ChoiceField(choices=Transcript.ShareMode.choices, required=False)
    # With many=True, allow_null would let in a null in the place of each participant as well.
    participants: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=NewParticipantSerializer(), required=False, allow_null=True, help_text="Replaces all."
    )
    reviewed = serializers.BooleanField(required=False)
    audio_deleted = serializers.BooleanField(
        required=False,
        allow_null=True,
        help_text="True has audio and video deleted everywhere; it reads true once that is done.",
    )

    def validate_participants(self, participants: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        if len(participants or []) > MOST_PARTICIPANTS:
            raise serializers.ValidationError(f"At most {MOST_PARTICIPANTS} participants.")
        numbers = [p["speaker"] for p in participants or [] if p.get("speaker") is not None]
        if len(numbers) != len(set(numbers)):
            raise serializers.ValidationError("Two participants have the same speaker.")
        return participants or []
