"""Recordings that have a file for each person and medium."""

from platforms.exceptions import PlatformNotConfigured, PlatformRejected
from recordings import reporting
from recordings.fetching import Beat, FetchFailed, fetch
from recordings.ingest.held import Held
from recordings.ingest.origins import client_of, name_of, object_of
from recordings.media import MediaInfo, NotMedia
from recordings.models import Recording, Track

State = Recording.State

NOTHING = MediaInfo(duration=0.0, content_type="")  # of a person whose microphone or camera was never on
NOTHING_IN_IT = "There is nothing in it."
NOBODY_HEARD = "Nobody was heard."
NO_VIDEO_WANTED = "Not fetched: the room keeps no video."


def ingest_tracks(held: Held) -> None:
    recording = held.recording
    if not recording.tracks.exists():
        _ask_for_tracks(held)
    reporting.name_tracks(recording)
    for track in _pending(recording):
        if "video" in track.medium and not _keeps_video(recording):
            held.note(track, Track.State.REPORTED, error=NO_VIDEO_WANTED)
        else:
            _ingest_track(held, track)
    _conclude(held)


def _ask_for_tracks(held: Held) -> None:
    """An event may leave them out."""
    recording = held.recording
    client = client_of(recording)
    if client is None or not client.supports_recording_listing or not recording.provider_recording_id:
        return
    try:
        ref = Beat(held).during(lambda: client.get_recording(recording.provider_recording_id))
    except (PlatformRejected, PlatformNotConfigured):
        return
    if ref.tracks:
        reporting.report(ref)
        recording.refresh_from_db()


def _pending(recording: Recording) -> list[Track]:
    """Those that are not stored yet; all, when all have come to an end and somebody wants them anew."""
    tracks = list(recording.tracks.exclude(state=Track.State.DELETED))
    unfinished = [track for track in tracks if track.state in (Track.State.REPORTED, Track.State.FAILED)]
    return unfinished or tracks


def _keeps_video(recording: Recording) -> bool:
    return recording.meeting is not None and recording.meeting.store_video


def _ingest_track(held: Held, track: Track) -> None:
    name = name_of(held.recording, track)
    try:
        stored = fetch(object_of(held.recording, track.key), name, held, anew=bool(track.file))
        info = held.look_into(name) if stored.size else NOTHING
    except (FetchFailed, NotMedia) as error:
        _reject_track(held, track, name, Track.State.FAILED, str(error))
        return
    if not (info.has_video if "video" in track.medium else info.has_audio):
        _reject_track(held, track, name, Track.State.NO_AUDIO, NOTHING_IN_IT)
        return
    held.note(
        track,
        Track.State.STORED,
        file=name,
        size=stored.size,
        sha256=stored.sha256,
        content_type=info.content_type,
        duration=info.duration,
        error="",
    )


def _reject_track(held: Held, track: Track, name: str, state: str, reason: str) -> None:
    held.remove(name)
    held.note(track, state, file="", error=reason)


def _conclude(held: Held) -> None:
    """It is of use when anybody can be heard in it; a track that is missing is said."""
    recording = held.recording
    tracks = list(recording.tracks.exclude(state=Track.State.DELETED))
    stored = [track for track in tracks if track.state == Track.State.STORED]
    failed = [track for track in tracks if track.state == Track.State.FAILED]
    if any("video" not in track.medium for track in stored):
        held.settle(
            State.STORED,
            duration=max(track.offset + (track.duration or 0) for track in stored),
            size=sum(track.size or 0 for track in stored),
            has_video=any("video" in track.medium for track in stored),
            error=f"{len(failed)} of {len(tracks)} tracks could not be fetched: {failed[0].error}" if failed else "",
        )
    elif failed:
        raise FetchFailed(failed[0].error, can_retry=True)
    else:
        held.settle(State.NO_AUDIO, error=NOBODY_HEARD)
