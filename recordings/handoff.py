"""From a stored recording to its transcript: what a processor is given, and what becomes of its result.

All of it may be repeated after a crash at any point. The first result of a recording counts; a later one changes
nothing.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from platforms.durable import Awaited, LeaseLost, WorkersLost
from platforms.exceptions import PlatformError, PlatformRejected
from platforms.reading import key_of
from recordings import consent, links
from recordings.deletion import is_asked
from recordings.leases import kept
from recordings.media import NotMedia
from recordings.mixing import mp3_name, store_mp3
from recordings.models import HandOff, Recording, Track, Transcript
from recordings.processors import AudioPart, Job, Result, create_processor
from recordings.reading import open_stored
from recordings.states import advance
from recordings.transcripts import save_result, touch

State = Recording.State

PATIENCE = 6 * 3600.0  # seconds until a processor that has accepted a job and sent no result is asked again


class Unwanted(Exception):
    """The recording is to be deleted."""


def hand_off(work: HandOff) -> None:
    """Have a stored recording transcribed. One that is in no state for it, as after deletion, is left alone."""
    recording = Recording.objects.select_related("meeting__room").get(pk=work.recording_id)
    if not _begin(recording):
        return
    try:
        with kept(work):
            result = _process(recording, work)
    except (NotMedia, FileNotFoundError) as error:
        raise PlatformRejected(f"What is stored cannot be heard. {error}") from error
    except Unwanted:
        return
    if result is not None:
        finish(recording, result)
    elif Recording.objects.filter(pk=recording.pk, state=State.PROCESSING).exists():
        raise Awaited("The job was accepted; its result has not come yet.", PATIENCE)


def finish(recording: Recording, result: Result) -> bool:
    """Keep the result, unless the recording has one or was deleted meanwhile. True when it was kept."""
    # What was said when it was stored, as of a track that is missing, still holds; why it was given up does not.
    said = "" if recording.state == State.FAILED else recording.error
    note = " ".join(filter(None, [said, result.note]))
    with transaction.atomic():
        if not advance(recording, State.DONE, error=note):
            return False
        transcript = save_result(recording, replace(result, note=note))
        if mp3 := _kept_of(recording).get("mp3"):
            Transcript.objects.filter(pk=transcript.pk, audio_deleted=False).update(audio_file=mp3)
        HandOff.objects.filter(recording=recording).update(kept={})
        _settle(recording, HandOff.State.DONE, "")
        consent.enforce(recording)
    return True


def fail(recording: Recording, reason: str, can_retry: bool = True) -> bool:
    """Say why there will be no transcript. False when the recording has one, or was deleted."""
    with transaction.atomic():
        if not advance(recording, State.FAILED, error=reason, can_retry=can_retry):
            return False
        _tell_transcript(recording, Transcript.Status.ERROR)
        _settle(recording, HandOff.State.FAILED, reason)
    return True


def give_up(work: HandOff, error: Exception) -> None:
    known = isinstance(error, PlatformError | Awaited | WorkersLost)
    reason = str(error) if known else f"Transcribing it failed ({type(error).__name__})."
    fail(work.recording, reason, can_retry=not isinstance(error, PlatformRejected))


def job_of(recording: Recording, work: HandOff) -> Job:
    return Job(
        id=str(recording.pk),
        parts=_parts(recording),
        language=_language(recording),
        callback_url=f"{settings.PUBLIC_URL}/v1/recordings/{recording.pk}/result",
        kept=Kept(work),
    )


def make_mp3(recording: Recording, job: Job) -> None:
    """Its name is kept before it is made: so what deletes the recording meanwhile knows of it, or is seen here."""
    job.kept["mp3"] = mp3_name(recording)
    if "mp3_made" not in job.kept:
        store_mp3(recording, [(part.open, part.offset) for part in job.parts])
        job.kept["mp3_made"] = True
    if is_asked(recording):
        storages["recordings"].delete(mp3_name(recording))
        raise Unwanted


class Kept(MutableMapping[str, Any]):
    """What a processor keeps, in the row of work: only the worker that holds the row can write to it."""

    def __init__(self, work: HandOff) -> None:
        self._work = work

    def __getitem__(self, key: str) -> Any:
        return self._work.kept[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._work.kept[key] = value
        self._write()

    def __delitem__(self, key: str) -> None:
        del self._work.kept[key]
        self._write()

    def __iter__(self) -> Iterator[str]:
        return iter(self._work.kept)

    def __len__(self) -> int:
        return len(self._work.kept)

    def _write(self) -> None:
        mine = HandOff.objects.filter(pk=self._work.pk, lease_token=self._work.lease_token)
        if not mine.update(kept=self._work.kept):
            raise LeaseLost


def _begin(recording: Recording) -> bool:
    with transaction.atomic():
        if is_asked(recording) or not advance(recording, State.PROCESSING):
            return False
        _tell_transcript(recording, Transcript.Status.PROCESSING)
    return True


def _process(recording: Recording, work: HandOff) -> Result | None:
    about = _fingerprint(recording)
    if work.kept.get("about") != about:
        work.kept = {"about": about}
    job = job_of(recording, work)
    if not job.parts:
        raise NotMedia("None of its tracks holds a voice.")
    make_mp3(recording, job)
    return create_processor().process(job)


def _fingerprint(recording: Recording) -> str:
    """Changes with what is stored, and with who transcribes it: what was kept for another is of no use."""
    hashes = recording.tracks.order_by("pk").values_list("sha256", flat=True)
    return key_of(settings.RECORDING_PROCESSOR, recording.file, recording.sha256, *hashes)


def _parts(recording: Recording) -> list[AudioPart]:
    if recording.kind == Recording.Kind.TRACKS:
        return [_part(recording, track, speaker) for track, speaker in _voices(recording)]
    return [_part(recording, recording)]


def _part(recording: Recording, stored: Recording | Track, speaker: str = "") -> AudioPart:
    track = stored if isinstance(stored, Track) else None
    return AudioPart(
        open=partial(open_stored, stored.file),
        link=partial(links.link_to, recording, track),
        speaker=speaker,
        offset=track.offset if track else 0.0,
        duration=stored.duration or 0.0,
        content_type=stored.content_type,
    )


def _voices(recording: Recording) -> Sequence[tuple[Track, str]]:
    """The tracks on which people speak, with their names. One person may have several, after coming back."""
    tracks = recording.tracks.filter(state=Track.State.STORED).select_related("participant")
    heard = [track for track in tracks if "audio" in track.medium]
    # What somebody shares is not what somebody says, unless there is nothing else.
    heard = [track for track in heard if not track.medium.startswith("screen")] or heard
    unnamed: dict[str, str] = {}
    voices = []
    for track in heard:
        name = track.participant.user_name if track.participant else ""
        voices.append((track, name or unnamed.setdefault(track.session_id, f"Speaker {len(unnamed) + 1}")))
    return voices


def _language(recording: Recording) -> str:
    """Who uploads a file says what is spoken in it; of a meeting nobody says."""
    if recording.kind != Recording.Kind.UPLOAD:
        return ""
    transcript = Transcript.objects.filter(recording=recording).first()
    return transcript.source_language if transcript else ""


def _kept_of(recording: Recording) -> dict[str, Any]:
    work = HandOff.objects.filter(recording=recording).first()
    return work.kept if work else {}


def _tell_transcript(recording: Recording, status: Transcript.Status) -> None:
    """One that is there already, as for an upload, or from an earlier time."""
    for transcript in Transcript.objects.select_for_update().filter(recording=recording).exclude(status=status):
        transcript.status = status
        touch(transcript)


def _settle(recording: Recording, state: str, reason: str) -> None:
    """Nothing is left to wait for. A row that a worker holds is settled by that worker."""
    free = HandOff.objects.filter(recording=recording).exclude(state=HandOff.State.RUNNING)
    free.update(state=state, last_error=reason, finished_at=timezone.now())
