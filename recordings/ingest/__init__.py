"""From a report to files that are stored, checked and handed on.

All of it may be repeated after a crash at any point. Who has lost the row of work cannot record anything, and what is
to be deleted is not fetched any further.
"""

import logging

from django.core.files.storage import storages
from django.db import transaction

from platforms.exceptions import PlatformError
from recordings.fetching import FetchFailed, StoredFile, examine, fetch, forget
from recordings.ingest.held import Held, Unwanted
from recordings.ingest.origins import name_in_own_bucket, name_of, names_of, source_of
from recordings.ingest.tracks import ingest_tracks
from recordings.media import NotMedia
from recordings.models import Ingest, Recording
from recordings.states import advance

logger = logging.getLogger(__name__)

State = Recording.State

NO_AUDIO = "There is no audio in it."


def ingest(work: Ingest) -> None:
    """Raises FetchFailed, or another PlatformRejected, for good; anything else may pass."""
    recording = Recording.objects.select_related("meeting").get(pk=work.recording_id)
    held = Held(work, recording)
    try:
        if not _begin(held):
            return
        if recording.kind == Recording.Kind.TRACKS:
            ingest_tracks(held)
        else:
            _ingest_file(held)
    except Unwanted:
        logger.info("recording_not_wanted recording=%s", recording.pk)
        _remove_all(held)


def give_up(work: Ingest, error: Exception) -> None:
    """Say why the recording was not fetched. Part of the transaction that ends the work."""
    reason = str(error) if isinstance(error, PlatformError) else f"Fetching it failed ({type(error).__name__})."
    recording = work.recording
    if advance(recording, State.FAILED, error=reason, can_retry=getattr(error, "can_retry", True)):
        names = names_of(recording)
        transaction.on_commit(lambda: _forget(names))


def _begin(held: Held) -> bool:
    """False when there is nothing to do: it is stored already, or belongs to no meeting yet."""
    recording = held.recording
    if recording.state == State.DELETED:
        raise Unwanted
    held.renew()
    if recording.state == State.FAILED:
        advance(recording, State.REPORTED)  # the work was put back to its start by hand
    return advance(recording, State.FETCHING, error="", can_retry=False)


# One file


def _ingest_file(held: Held) -> None:
    recording = held.recording
    stored = _fetch_file(held)
    try:
        info = held.look_into(stored.name)
    except NotMedia as error:
        _reject(held, stored.name)
        raise FetchFailed(str(error)) from error
    if not info.has_audio:
        _reject(held, stored.name)
        held.settle(State.NO_AUDIO, error=NO_AUDIO)
        return
    held.settle(
        State.STORED,
        file=stored.name,
        size=stored.size,
        sha256=stored.sha256,
        content_type=info.content_type,
        duration=info.duration or recording.duration,
        has_video=info.has_video,
        error="",
    )


def _fetch_file(held: Held) -> StoredFile:
    recording = held.recording
    try:
        if recording.kind == Recording.Kind.UPLOAD:
            return examine(recording.file, held)
        if name := name_in_own_bucket(recording.bucket, recording.key):
            return examine(name, held)
    except FileNotFoundError as error:
        raise FetchFailed("The file is not there any more.") from error
    return fetch(source_of(recording), name_of(recording), held, anew=bool(recording.file))


def _reject(held: Held, name: str) -> None:
    """Remove a file that is of no use; what a provider left in our bucket itself is not ours to remove."""
    recording = held.recording
    if recording.kind == Recording.Kind.UPLOAD or name == name_of(recording):
        held.remove(name)
    Recording.objects.filter(pk=recording.pk).update(file="")


def _forget(names: list[str]) -> None:
    for name in names:
        forget(name)


def _remove_all(held: Held) -> None:
    """What was stored when the deletion looked is gone; this worker may have stored more since."""
    held.recording.refresh_from_db()
    if held.recording.state != State.DELETED and not held.is_to_go():
        return
    names = names_of(held.recording)
    for name in names:
        storages["recordings"].delete(name)
    _forget(names)
