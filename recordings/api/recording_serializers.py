"""Recordings as the API shows them: never where a provider keeps them, nor a link to a file."""

from rest_framework import serializers

from recordings.models import Recording, Track, Transcript
from rooms.api.input import PlatformAlias
from rooms.api.pagination import PageQuery, PageSerializer
from rooms.api.quick import QuickSerializer


class RecordingQuery(PageQuery):
    meeting_id = serializers.UUIDField(required=False)
    room_id = serializers.UUIDField(required=False)
    platform = PlatformAlias(required=False)
    state = serializers.ChoiceField(choices=Recording.State.choices, required=False)


class TrackSerializer(QuickSerializer[Track]):
    participant = serializers.SerializerMethodField(help_text="Whose it is; null where that is not known.")

    class Meta:
        model = Track
        fields = ["participant", "offset", "duration", "size", "sha256", "state"]
        read_only_fields = fields

    def get_participant(self, track: Track) -> str | None:
        return (track.participant.user_name if track.participant else "") or None


class RecordingSerializer(QuickSerializer[Recording]):
    meeting_id = serializers.UUIDField(allow_null=True, read_only=True)
    platform = serializers.CharField(read_only=True, help_text="Empty for a file that was uploaded.")
    state = serializers.ChoiceField(choices=Recording.State.choices, read_only=True)
    error = serializers.CharField(
        read_only=True, help_text="Why it failed, has no transcript, or could not be deleted everywhere."
    )
    tracks = TrackSerializer(many=True, read_only=True)
    transcript_id = serializers.SerializerMethodField(help_text="Null while there is none.")

    class Meta:
        model = Recording
        fields = [
            "id",
            "meeting_id",
            "platform",
            "provider_recording_id",
            "state",
            "error",
            "recorded_at",
            "duration",
            "size",
            "sha256",
            "content_type",
            "tracks",
            "transcript_id",
        ]
        read_only_fields = fields

    def get_transcript_id(self, recording: Recording) -> str | None:
        transcript = _transcript_of(recording)
        return str(transcript.pk) if transcript and transcript.deleted_at is None else None


def _transcript_of(recording: Recording) -> Transcript | None:
    """That which is made of it, or of which it is the video."""
    return getattr(recording, "transcript", None) or getattr(recording, "video_of", None)


class RecordingPageSerializer(PageSerializer):
    items = RecordingSerializer(many=True)
