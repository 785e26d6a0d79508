"""What is reported of recordings, in our own terms, for tests; times are minutes after START."""

from platforms.types import RecordingRef
from recordings.intake.register import register_recording
from recordings.models import Ingest, Recording
from recordings.models.transitions import transition
from tests.support.meeting_reports import minute

BUCKET = "recordings-bucket"


def ref(**fields):
    return RecordingRef(**{"platform": "mock", "recording_id": "rec-1", "room_name": "standup-1", **fields})


def by_id(recording_id="rec-1", **fields):
    return ref(recording_id=recording_id, started_at=minute(1), **fields)


def by_key(key="rooms/standup-1/1.mp4", **fields):
    return ref(recording_id="", bucket=BUCKET, key=key, started_at=minute(1), **fields)


def by_both(recording_id="rec-1", key="rooms/standup-1/1.mp4", **fields):
    return ref(recording_id=recording_id, bucket=BUCKET, key=key, started_at=minute(1), **fields)


def only_row():
    return Recording.objects.get()


def fetched(recording, **fields):
    """As an ingest leaves it that has stored one file."""
    fields = {"file": f"{recording.pk}/recording.mp4", "size": 3, "sha256": "a" * 64, **fields}
    assert transition(recording, Recording.State.FETCHING)
    assert transition(recording, Recording.State.STORED, content_type="video/mp4", **fields)
    Ingest.objects.filter(recording=recording).update(state="done", attempts=1)
    return recording


def reported(*refs):
    """The rows, as they are in the end."""
    pks = [register_recording(found).pk for found in refs]
    return [Recording.objects.filter(pk=pk).first() for pk in pks]
