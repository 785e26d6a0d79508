"""Transcripts as the API shows and takes them."""

from typing import Any

from rest_framework import serializers

from recordings.models import Recording, Transcript, TranscriptParticipant
from rooms.api.input import Text
from rooms.api.pagination import PageQuery, PageSerializer

TITLE_LIMIT = 1000  # characters
SUMMARY_LIMIT = 100_000  # characters
MOST_PARTICIPANTS = 1000
LARGEST_NUMBER = 2_147_483_647  # of a speaker: what the database takes
FORMATS = ["text", "text-timestamped", "webvtt-named", "json"]


class OrNull(serializers.CharField):
    """A text of which the empty one is shown as null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return str(value) or None


class MinimalSerializer(serializers.ModelSerializer[Transcript]):
    user_id = serializers.CharField(allow_null=True, read_only=True)
    title = OrNull()
    short_summary = OrNull()
    long_summary = OrNull()
    source_language = OrNull()
    target_language = OrNull()
    meeting_id = serializers.UUIDField(source="recording.meeting_id", allow_null=True, default=None, read_only=True)
    room_id = serializers.UUIDField(allow_null=True, read_only=True)
    room_name = serializers.CharField(source="room.name", allow_null=True, default=None, read_only=True)
    duration = serializers.FloatField(read_only=True, help_text="Seconds.")
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

    def get_has_cloud_video(self, transcript: Transcript) -> bool:
        return has_video(transcript)

    def get_cloud_video_duration(self, transcript: Transcript) -> int | None:
        if transcript.recording and has_video(transcript) and transcript.recording.duration is not None:
            return int(transcript.recording.duration)
        return None


def has_video(transcript: Transcript) -> bool:
    recording = transcript.recording
    return bool(recording and recording.has_video and recording.state != Recording.State.DELETED)


class MinimalPageSerializer(PageSerializer):
    items = MinimalSerializer(many=True)


class NamedSerializer(serializers.ModelSerializer[TranscriptParticipant]):
    class Meta:
        model = TranscriptParticipant
        fields = ["id", "speaker", "name"]
        read_only_fields = fields


class ParticipantSerializer(NamedSerializer):
    user_id = serializers.CharField(allow_null=True, read_only=True)
    email = OrNull(help_text="Shown to the owner only.")

    class Meta(NamedSerializer.Meta):
        fields = [*NamedSerializer.Meta.fields, "user_id", "email"]
        read_only_fields = fields


class WithParticipantsSerializer(MinimalSerializer):
    participants = ParticipantSerializer(many=True, read_only=True)

    class Meta(MinimalSerializer.Meta):
        fields = [*MinimalSerializer.Meta.fields, "participants"]
        read_only_fields = fields


class SpokenSerializer(serializers.Serializer[Any]):
    speaker = serializers.IntegerField()
    speaker_name = serializers.CharField()
    text = serializers.CharField()
    start = serializers.FloatField()
    end = serializers.FloatField()


class FormattedSerializer(WithParticipantsSerializer):
    transcript_format = serializers.ChoiceField(choices=FORMATS, read_only=True)
    transcript = serializers.JSONField(read_only=True, help_text="A string; for json a list of what each voice said.")

    class Meta(WithParticipantsSerializer.Meta):
        fields = [*WithParticipantsSerializer.Meta.fields, "transcript_format", "transcript"]
        read_only_fields = fields


class FormatQuery(serializers.Serializer[Any]):
    transcript_format = serializers.ChoiceField(choices=FORMATS, default="text")


class ListQuery(PageQuery):
    source_kind = serializers.ChoiceField(choices=Transcript.SourceKind.choices, required=False)
    room_id = serializers.UUIDField(required=False)
    search_term = Text(required=False, allow_blank=True, max_length=1000, help_text="Part of the name or the title.")
    change_seq_from = serializers.IntegerField(
        required=False, min_value=0, max_value=2**63 - 1, help_text="Only what changed after this change_seq."
    )
    sort_by = serializers.ChoiceField(choices=["created_at", "change_seq"], default="created_at")


class CreateTranscriptSerializer(serializers.Serializer[Any]):
    name = Text(max_length=255)
    source_language = Text(max_length=16, default="en")
    target_language = Text(max_length=16, default="en")
    source_kind = serializers.ChoiceField(choices=Transcript.SourceKind.choices, default="file", allow_null=True)


class NewParticipantSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(required=False, allow_null=True)
    speaker = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=LARGEST_NUMBER)
    name = Text(max_length=255)


class UpdateTranscriptSerializer(serializers.Serializer[Any]):
    """Only the fields that are sent change."""

    name = Text(max_length=255, required=False)
    locked = serializers.BooleanField(required=False)
    title = Text(max_length=TITLE_LIMIT, required=False, allow_null=True, allow_blank=True)
    short_summary = Text(max_length=SUMMARY_LIMIT, required=False, allow_null=True, allow_blank=True)
    long_summary = Text(max_length=SUMMARY_LIMIT, required=False, allow_null=True, allow_blank=True)
    share_mode = serializers.ChoiceField(choices=Transcript.ShareMode.choices, required=False)
    participants = NewParticipantSerializer(many=True, required=False, allow_null=True, help_text="Replaces all.")
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
