"""From a report to files that are stored, checked and handed on.

All of it may be repeated after a crash at any point. Who has lost the job cannot record anything, and what is
to be deleted is not fetched any further.
"""

import logging

from django.core.files.storage import storages
from django.db import transaction

from platforms.exceptions import PlatformError
from recordings import telling
from recordings.fetching.claim import Cancelled, Claim
from recordings.fetching.download import NOT_THERE, FetchFailed, StoredFile, examine, fetch, forget
from recordings.fetching.locations import name_in_own_bucket, name_of, names_of, source_of
from recordings.fetching.tracks import ingest_tracks
from recordings.intake.news import was_absent
from recordings.intake.register import is_stored
from recordings.media.info import NotMedia
from recordings.models import Ingest, Recording, Transcript
from recordings.models.transitions import transition
from recordings.transcripts.beginning import give_up

logger = logging.getLogger(__name__)

State = Recording.State
Status = Transcript.Status

STAYS = "What was stored before is still there."
UNEXPECTED = "Fetching it failed for a reason that only the server's log tells."
NO_AUDIO = "There is no audio in it."


def ingest(job: Ingest) -> None:
    """Raises FetchFailed, or another PlatformRejected, for good; anything else may pass."""
    recording = Recording.objects.select_related("meeting").get(pk=job.recording_id)
    claim = Claim(job, recording)
    try:
        if not _begin(claim):
            return
        if recording.kind == Recording.Kind.TRACKS:
            ingest_tracks(claim)
        else:
            _ingest_file(claim)
    except Cancelled:
        logger.info("recording_not_wanted recording=%s", recording.pk)
        _remove_all(claim)


def on_permanent_failure(job: Ingest, error: Exception) -> None:
    """Say why the recording was not fetched. Part of the transaction that ends the work."""
    reason = str(error) if isinstance(error, PlatformError) else UNEXPECTED
    recording = job.recording
    fetched = {"fetched_version": None} if was_absent(error) else {}
    if transition(recording, State.FAILED, error=reason, can_retry=getattr(error, "can_retry", True), **fetched):
        if is_stored(recording) and Transcript.objects.filter(recording=recording, status=Status.ENDED).exists():
            transition(recording, State.DONE, error=f"{reason} {STAYS}")
        else:
            give_up(recording)
            telling.recording_failed(recording)
        names = names_of(recording)
        # After the commit: what is removed stays so, and a rollback would have another worker look for it.
        transaction.on_commit(lambda: _forget(names))


def _begin(claim: Claim) -> bool:
    """False when there is nothing to do: it is stored already, or belongs to no meeting yet."""
    recording = claim.recording
    if recording.state == State.DELETED:
        raise Cancelled
    claim.renew()
    if recording.state == State.FAILED:
        transition(recording, State.REPORTED)  # the work was put back to its start by hand
    return transition(recording, State.FETCHING, error="", can_retry=False, fetched_version=recording.reported_version)


# One file


def _ingest_file(claim: Claim) -> None:
    recording = claim.recording
    stored = _fetch_file(claim)
    try:
        info = claim.probe(stored.name)
    except NotMedia as error:
        _reject(claim, stored.name)
        raise FetchFailed(str(error)) from error
    if not info.has_audio:
        _reject(claim, stored.name)
        claim.complete(State.NO_AUDIO, error=NO_AUDIO)
        return
    claim.complete(
        State.STORED,
        file=stored.name,
        size=stored.size,
        sha256=stored.sha256,
        content_type=info.content_type,
        duration=info.duration or recording.duration,
        has_video=info.has_video,
        error="",
    )


def _fetch_file(claim: Claim) -> StoredFile:
    recording = claim.recording
    try:
        if recording.kind == Recording.Kind.UPLOAD:
            return examine(recording.file, claim)
        if name := name_in_own_bucket(recording.bucket, recording.key):
            return examine(name, claim)
    except FileNotFoundError as error:
        raise FetchFailed("The file is not there any more.", status=NOT_THERE) from error
    return fetch(source_of(recording), name_of(recording), claim, anew=bool(recording.file))


def _reject(claim: Claim, name: str) -> None:
    """Remove a file that is of no use; what a provider left in our bucket itself is not ours to remove."""
    recording = claim.recording
    if recording.kind == Recording.Kind.UPLOAD or name == name_of(recording):
        claim.remove(name)
    claim.require_newest()
    Recording.objects.filter(pk=recording.pk).update(file="")


def _forget(names: list[str]) -> None:
    for name in names:
        forget(name)


def _remove_all(claim: Claim) -> None:
    """What was stored when the deletion looked is gone; this worker may have stored more since."""
    claim.recording.refresh_from_db()
    if claim.recording.state != State.DELETED and not claim.recording.is_being_deleted():
        return
    names = names_of(claim.recording)
    for name in names:
        storages["recordings"].delete(name)
    _forget(names)
