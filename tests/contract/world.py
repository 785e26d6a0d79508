"""Run by `manage.py shell` in the product: two people, a room of one of them, and what was said in it."""

import json

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from recordings.models import Recording, Transcript, TranscriptParticipant
from recordings.transcription.processors.base import Result, Segment
from recordings.transcription.results import save_result
from rooms.models import Room

PASSWORD = "correct horse battery"


def make_transcript(owner, room, **fields):
    recording = Recording.objects.create(platform="mock", state="processing", duration=4.0)
    said = [Segment(0.0, 2.0, "Ada", "Good morning."), Segment(2.0, 4.0, "Grace", "Let us begin.")]
    transcript = save_result(recording, Result(language="en", duration=4.0, segments=said))
    Recording.objects.filter(pk=recording.pk).update(state="done")
    audio = storages["recordings"].save("contract.mp3", ContentFile(b"x" * 1000))
    values = {"user": owner, "room": room, "audio_file": audio, "waveform": [0.5] * 255, **fields}
    Transcript.objects.filter(pk=transcript.pk).update(**values)
    return transcript


def make_world():
    users = get_user_model().objects
    owner, _ = (users.create_user(name, f"{name}@example.com", PASSWORD) for name in ("owner", "stranger"))
    room = Room.objects.create(name="contract", owner=owner, platform="mock")
    spare = Room.objects.create(name="spare", owner=owner, platform="mock")
    transcript = make_transcript(owner, room)
    TranscriptParticipant.objects.create(transcript=transcript, name="Extra")
    return {
        "room": room,
        "spare": spare,
        "transcript": transcript,
        "trashed": make_transcript(owner, room),
        "doomed": make_transcript(owner, room),
        "empty": Transcript.objects.create(user=owner, name="empty", source_kind="file"),
        "participant": transcript.participants.get(name="Extra"),
        "leaving": transcript.participants.create(name="Leaving"),
    }


def print_world():
    print(json.dumps({name: str(row.pk) for name, row in make_world().items()}))  # noqa: T201
