"""What is reported of recordings, in our own terms, for tests; times are minutes after START."""

from platforms.types import RecordingRef
from recordings.models import Ingest, Recording
from recordings.reporting import report
from recordings.states import advance
from tests.meetings.reports import minute

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
    assert advance(recording, Recording.State.FETCHING)
    assert advance(recording, Recording.State.STORED, content_type="video/mp4", **fields)
    Ingest.objects.filter(recording=recording).update(state="done", attempts=1)
    return recording


def reported(*refs):
    """The rows, as they are in the end."""
    pks = [report(found).pk for found in refs]
    return [Recording.objects.filter(pk=pk).first() for pk in pks]
