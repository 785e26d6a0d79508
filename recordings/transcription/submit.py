"""From a stored recording to its transcript: what a processor is given, and what becomes of its result.

All of it may be repeated after a crash at any point. The first result of a recording counts; a later one changes
nothing.
"""

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from platforms.exceptions import PlatformError, PlatformNotConfigured, PlatformRejected
from platforms.payloads import key_of
from platforms.work.heartbeat import keep_alive
from platforms.work.models import LeaseLost, MaxAttemptsExceeded, ResultPending
from recordings import telling
from recordings.media.audio import Reading
from recordings.media.info import NotMedia
from recordings.media.mixing import mp3_name, store_mp3
from recordings.models import Recording, Submission, Transcript
from recordings.models.transitions import transition
from recordings.privacy import consent
from recordings.sending import queue
from recordings.summaries import summarize
from recordings.transcription.parts import as_heard, parts_of, record_readings
from recordings.transcription.processors import ModelMissing, Result, TranscriptionRequest, create_processor
from recordings.transcription.processors.languages import language_code
from recordings.transcription.results import save_result
from recordings.transcripts.beginning import give_up, tell, transcript_of

logger = logging.getLogger(__name__)

State = Recording.State

UNEXPECTED = "Transcribing it failed for a reason that only the server's log tells."
NOT_CONFIGURED = "The transcription of this server is not set up. Whoever runs it sees in Admin what is missing."
MODEL_MISSING = (
    "The speech model of this server is not there, or cannot be loaded. Whoever runs it sees in Admin what is wrong."
)
MP3_PAUSE_SECONDS = 60.0  # until an MP3 that could not be made is tried again
RESULT_TIMEOUT_SECONDS = (
    6 * 3600.0
)  # seconds until a processor that has accepted a job and sent no result is asked again


class Cancelled(Exception):
    """The recording is to be deleted."""


def submit(job: Submission) -> None:
    """Have a stored recording transcribed. One that is in no state for it, as after deletion, is left alone."""
    recording = Recording.objects.select_related("meeting__room").get(pk=job.recording_id)
    if not _begin(recording):
        _make_owed_mp3(recording, job)
        return
    if Transcript.objects.filter(video=recording).exists():
        finish(recording, Result())
        return
    try:
        with keep_alive(job):
            result = _process(recording, job)
    except (NotMedia, FileNotFoundError) as error:
        raise PlatformRejected(f"What is stored cannot be heard. {error}") from error
    except Cancelled:
        return
    if result is not None:
        finish(recording, result)
        if job.checkpoint.get("mp3_owed"):
            raise ResultPending("The transcript is there; its MP3 could not be made yet.", MP3_PAUSE_SECONDS)
    elif Recording.objects.filter(pk=recording.pk, state=State.PROCESSING).exists():
        raise ResultPending("The job was accepted; its result has not come yet.", RESULT_TIMEOUT_SECONDS)


def finish(recording: Recording, result: Result) -> bool:
    """Keep the result, unless the recording has one or was deleted meanwhile. True when it was kept.

    Of the video of a transcript there is nothing to keep, nor where somebody destroyed the transcript that waited.
    """
    job = Submission.objects.filter(recording=recording).first()
    known = job.checkpoint if job else {}
    # What was said when it was stored, as of a track that is missing, still holds; why it was given up does not.
    said = "" if recording.state == State.FAILED else recording.error
    note = " ".join(filter(None, [said, known.get("note", ""), result.note]))
    with transaction.atomic():
        if not transition(recording, State.DONE, error=note, duration=known.get("seconds", recording.duration)):
            return False
        before = transcript_of(recording)
        is_video = before is not None and before.video_id == recording.pk
        is_kept = not is_video and (before is not None or not recording.is_being_deleted())
        if is_kept:
            _keep(recording, replace(result, note=note), known)
        _end_job(recording, is_mp3_owed=is_kept and "mp3_owed" in known)
        consent.enforce(recording)
    return True


def _keep(recording: Recording, result: Result, known: dict[str, Any]) -> None:
    transcript = save_result(recording, result)
    if known.get("mp3_made"):
        audio = {"audio_file": known["mp3"], "waveform": known.get("waveform", [])}
        Transcript.objects.filter(pk=transcript.pk, audio_deleted=False).update(**audio)
    # Else it is complete with its summary. What its owner threw away nobody is told of.
    if transcript.deleted_at is None and not summarize.request(transcript):
        telling.transcript_completed(transcript)
        queue.transcript_completed(transcript)


def fail(recording: Recording, reason: str, can_retry: bool = True, for_staff: str = "") -> bool:
    """Say why there will be no transcript. False when the recording has one, or was deleted."""
    with transaction.atomic():
        if not transition(recording, State.FAILED, error=reason, can_retry=can_retry):
            return False
        give_up(recording)
        telling.recording_failed(recording)
        _close_job(recording, Submission.State.FAILED, for_staff or reason)
    return True


def on_permanent_failure(job: Submission, error: Exception) -> None:
    can_retry = not isinstance(error, PlatformRejected)
    for_staff = str(error) if isinstance(error, PlatformNotConfigured) else ""
    fail(job.recording, _reason(error), can_retry, for_staff)


def _reason(error: Exception) -> str:
    """For the recording's owner: what the operator has set up wrongly is for staff, who find it with the job."""
    match error:
        case ModelMissing():
            return MODEL_MISSING
        case PlatformNotConfigured():
            return NOT_CONFIGURED
        case PlatformError() | ResultPending() | MaxAttemptsExceeded():
            return str(error)
    return UNEXPECTED


def request_of(recording: Recording, job: Submission) -> TranscriptionRequest:
    return TranscriptionRequest(
        id=str(recording.pk),
        parts=parts_of(recording),
        language=_language(recording, job),
        callback_url=f"{settings.PUBLIC_URL}/v1/recordings/{recording.pk}/result",
        checkpoint=Checkpoint(job),
    )


def make_mp3(recording: Recording, request: TranscriptionRequest) -> None:
    """Its name is kept before it is made: so what deletes the recording meanwhile knows of it, or is seen here."""
    request.checkpoint["mp3"] = mp3_name(recording)
    if "mp3_made" not in request.checkpoint:
        readings = [Reading(part.open, part.offset, part.longest) for part in request.parts]
        request.checkpoint["waveform"] = store_mp3(recording, readings)
        record_readings(request, readings)
        request.checkpoint["mp3_made"] = True
    if recording.is_being_deleted():
        storages["recordings"].delete(mp3_name(recording))
        raise Cancelled


class Checkpoint(MutableMapping[str, Any]):
    """What a processor keeps, in the job: only the worker that holds the row can write to it."""

    def __init__(self, job: Submission) -> None:
        self._job = job

    def __getitem__(self, key: str) -> Any:
        return self._job.checkpoint[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._job.checkpoint[key] = value
        self._write()

    def __delitem__(self, key: str) -> None:
        del self._job.checkpoint[key]
        self._write()

    def __iter__(self) -> Iterator[str]:
        return iter(self._job.checkpoint)

    def __len__(self) -> int:
        return len(self._job.checkpoint)

    def _write(self) -> None:
        mine = Submission.objects.filter(pk=self._job.pk, lease_token=self._job.lease_token)
        if not mine.update(checkpoint=self._job.checkpoint):
            raise LeaseLost


def _begin(recording: Recording) -> bool:
    with transaction.atomic():
        if recording.is_being_deleted() or not transition(recording, State.PROCESSING):
            return False
        tell(recording, Transcript.Status.PROCESSING)
    return True


def _process(recording: Recording, job: Submission) -> Result | None:
    about = _fingerprint(recording, job)
    if job.checkpoint.get("about") != about:
        job.checkpoint = {"about": about}
    request = request_of(recording, job)
    if not request.parts:
        raise NotMedia("None of its tracks holds a voice.")
    _try_mp3(recording, request)
    return create_processor().process(as_heard(request))


def _try_mp3(recording: Recording, request: TranscriptionRequest) -> None:
    """What keeps the MP3 away, as a full disk, keeps no transcript away: the MP3 is made later."""
    try:
        make_mp3(recording, request)
    except (NotMedia, Cancelled, LeaseLost):
        raise
    except Exception as error:  # noqa: BLE001  (recorded, and raised when it is tried again)
        logger.warning("mp3_not_made recording=%s error=%s", recording.pk, type(error).__name__)
        request.checkpoint["mp3_owed"] = True


def _make_owed_mp3(recording: Recording, job: Submission) -> None:
    """The MP3 of a transcript that did not wait for it."""
    if recording.state != State.DONE or not job.checkpoint.get("mp3_owed") or recording.is_being_deleted():
        return
    with keep_alive(job), suppress(Cancelled):
        make_mp3(recording, request_of(recording, job))
        with transaction.atomic():
            for transcript in Transcript.objects.select_for_update().filter(recording=recording, audio_deleted=False):
                transcript.audio_file, transcript.waveform = mp3_name(recording), job.checkpoint.get("waveform", [])
                transcript.touch()
            Checkpoint(job).clear()


def _fingerprint(recording: Recording, job: Submission) -> str:
    """Changes with what is stored, its language, and who transcribes it: what was kept for another is of no use."""
    hashes = recording.tracks.order_by("pk").values_list("sha256", flat=True)
    language = [] if job.language is None else [job.language]
    return key_of(settings.RECORDING_PROCESSOR, recording.file, recording.sha256, *hashes, *language)


def _language(recording: Recording, job: Submission) -> str:
    """What its owner chose; else who uploads a file says what is spoken in it, and of a meeting nobody."""
    if job.language is not None:
        return job.language
    if recording.kind != Recording.Kind.UPLOAD:
        return ""
    transcript = Transcript.objects.filter(recording=recording).first()
    return language_code(transcript.source_language) if transcript else ""


def _end_job(recording: Recording, is_mp3_owed: bool) -> None:
    rows = Submission.objects.filter(recording=recording)
    rows.update(checkpoint={"mp3_owed": True} if is_mp3_owed else {})
    if not is_mp3_owed:
        _close_job(recording, Submission.State.DONE, "")
    elif rows.run_again():
        rows.get().enqueue_on_commit()


def _close_job(recording: Recording, state: str, reason: str) -> None:
    """Nothing is left to wait for. A row that a worker holds is settled by that worker."""
    free = Submission.objects.filter(recording=recording).exclude(state=Submission.State.RUNNING)
    free.update(state=state, last_error=reason, finished_at=timezone.now())
