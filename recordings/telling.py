"""What a room's own receiver is told of recordings, transcripts and refusals."""

from typing import Any

from django.conf import settings

from meetings.models import Meeting
from recordings.models import Consent, Recording, Summary, Transcript
from recordings.transcripts.formats import as_webvtt, speaker_names
from recordings.transcripts.topics import Topic, topics_of
from rooms.models import CalendarEvent, Room
from rooms.webhooks.events import emit


def recording_ready(recording: Recording) -> None:
    emit(_room_of(recording), "recording.ready", lambda: {"recording": _recording(recording)})


def recording_failed(recording: Recording) -> None:
    emit(_room_of(recording), "recording.failed", lambda: {"recording": _recording(recording)})


def refused(consent: Consent) -> None:
    """Who refused is not said."""
    answer = {"id": consent.pk, "meeting_id": consent.meeting_id, "given": False, "answered_at": consent.answered_at}
    emit(consent.meeting.room, "consent.refused", lambda: {"consent": answer})


def transcript_completed(transcript: Transcript) -> None:
    emit(transcript.room, "transcript.completed", lambda: completed(transcript), subject=transcript.pk)


def completed(transcript: Transcript) -> dict[str, Any]:
    segments, names = list(transcript.segments.all()), speaker_names(transcript)
    participants = transcript.participants.all()
    return {
        "transcript": {
            "id": transcript.pk,
            "room_id": transcript.room_id,
            "created_at": transcript.created_at,
            "duration": round(transcript.duration * 1000),
            "title": transcript.title or None,
            "short_summary": transcript.short_summary or None,
            "long_summary": transcript.long_summary or None,
            "webvtt": as_webvtt(segments, names),
            "topics": [_topic(topic, names) for topic in topics_of(transcript, segments)],
            "participants": [{"id": one.pk, "name": one.name, "speaker": one.speaker} for one in participants],
            "source_language": transcript.source_language or None,
            "target_language": transcript.target_language or None,
            "status": transcript.status,
            "frontend_url": f"{settings.PUBLIC_URL}/transcripts/{transcript.pk}",
            "action_items": _action_items(transcript),
        },
        "calendar_event": _calendar_event(transcript.recording.meeting if transcript.recording else None),
    }


def _topic(topic: Topic, names: dict[int, str]) -> dict[str, Any]:
    return {
        "title": topic.title,
        "summary": topic.summary,
        "timestamp": topic.start,
        "duration": topic.duration,
        "webvtt": as_webvtt(topic.segments, names),
    }


def _action_items(transcript: Transcript) -> Any:
    summary = Summary.objects.filter(transcript=transcript).first()
    return summary.action_items or None if summary else None


def _calendar_event(meeting: Meeting | None) -> dict[str, Any] | None:
    event_id = meeting.calendar_event_id if meeting else None
    event = CalendarEvent.objects.filter(pk=event_id).first() if event_id else None
    if event is None:
        return None
    fields = ("id", "ics_uid", "title", "start_time", "end_time", "description", "location", "attendees")
    return {name: getattr(event, name) for name in fields}


def _room_of(recording: Recording) -> Room | None:
    return recording.meeting.room if recording.meeting else None


def _recording(recording: Recording) -> dict[str, Any]:
    return {
        "id": recording.pk,
        "meeting_id": recording.meeting_id,
        "platform": recording.platform or None,
        "state": recording.state,
        "kind": recording.kind,
        "recorded_at": recording.recorded_at,
        "duration": recording.duration,
        "size": recording.size,
        "content_type": recording.content_type or None,
        "has_video": recording.has_video,
        "error": recording.error or None,
    }
