"""What is told anew of a recording that came to nothing: its file was broken or missing then, and need not be now.

An upload that broke off is repeated under the same name, and a provider may tell of a file before it can be had. So
the end of such a recording holds for the content that it was about, and not for another.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from platforms.types import RecordingRef
from recordings.models import Ingest, Recording

State = Recording.State

RESTARTS = 8  # of one recording, however often somebody replaces its file
FIRST_PAUSE = timedelta(minutes=5)  # from the second time on that a missing file is looked for; then doubled
# What servers, those of signed links as well, answer for a file that is not there.
ABSENT = frozenset({400, 401, 403, 404, 410})


def is_news(recording: Recording, ref: RecordingRef) -> bool:
    """Whether a report tells of more than what the recording came to nothing with. What is stored stays as it is."""
    if recording.state not in (State.NO_AUDIO, State.FAILED) or recording.deleted_at:
        return False
    if recording.restarts >= RESTARTS:
        return False
    if recording.fetched_version is None and recording.state == State.FAILED:
        return timezone.now() >= _looked_for_again_at(recording)
    return bool(ref.version) and ref.version != recording.fetched_version


def was_absent(error: Exception) -> bool:
    return getattr(error, "status", None) in ABSENT


def _looked_for_again_at(recording: Recording) -> datetime:
    job = Ingest.objects.filter(recording=recording).first()
    ended_at = job.finished_at if job else None
    since = ended_at or recording.created_at
    return since + FIRST_PAUSE * ((1 << recording.restarts) - 1)
