"""Transcripts for tests, as the pipeline makes them."""

from meetings.models import Meeting
from recordings.models import Recording, Transcript
from recordings.transcription.processors.base import Result, Segment
from recordings.transcription.results import save_result
from recordings.transcripts import search
from rooms.models import Room

TALK = [
    (0.0, 2.0, "Ada", "Good morning, everybody."),
    (2.0, 5.5, "Ada", "Let us talk about the budget for hiring."),
    (6.0, 9.25, "Grace", "The budget is <fine> & dandy."),
]


def said(*texts, speaker="Ada"):
    return [(float(n), n + 1.0, speaker, text) for n, text in enumerate(texts)]


def make_transcript(user=None, talk=TALK, recording=None, **fields):
    """Of a recording of its own; `user` owns it."""
    recording = recording or Recording.objects.create(platform="mock", state=Recording.State.PROCESSING, duration=10.0)
    result = Result(language="en", duration=10.0, segments=[Segment(*segment) for segment in talk])
    transcript = save_result(recording, result)
    Recording.objects.filter(pk=recording.pk).update(state=Recording.State.DONE)
    fields = {"user": user, "name": "standup", **fields}
    Transcript.objects.filter(pk=transcript.pk).update(**fields)
    transcript.refresh_from_db()
    search.index(transcript)  # by its name now, and not by that of the recording, which holds the time of day
    return transcript


def make_meeting(owner, room=None, **fields):
    room = room or Room.objects.create(name=f"room-{Room.objects.count()}", owner=owner, platform="mock")
    values = {
        "room": room,
        "room_label": room.name,
        "state": Meeting.State.ENDED,
        "platform": "mock",
        "platform_reason": "chosen",
        "end_date": "2026-01-01T12:00:00Z",
        "slot": str(Meeting.objects.count()),
    }
    return Meeting.objects.create(**values | fields)
