"""Recordings that have a file for each person and medium."""

from platforms.abilities import RecordingListing
from platforms.exceptions import PlatformNotConfigured, PlatformRejected
from platforms.work.heartbeat import Heartbeat
from recordings.fetching.claim import Claim
from recordings.fetching.download import NOT_THERE, FetchFailed, fetch
from recordings.fetching.locations import client_of, name_of, object_of
from recordings.intake import register
from recordings.media.audio import zero_of
from recordings.media.info import MediaInfo, NotMedia
from recordings.models import Recording, Track

State = Recording.State

NOTHING = MediaInfo(duration=0.0, content_type="")  # of a person whose microphone or camera was never on
NOTHING_IN_IT = "There is nothing in it."
NOBODY_HEARD = "Nobody was heard."
NO_VIDEO_WANTED = "Not fetched: the room keeps no video."


def ingest_tracks(claim: Claim) -> None:
    recording = claim.recording
    if not recording.tracks.exists():
        _ask_for_tracks(claim)
    register.name_tracks(recording)
    for track in _pending(recording):
        if "video" in track.medium and not _keeps_video(recording):
            claim.note(track, Track.State.REPORTED, error=NO_VIDEO_WANTED)
        else:
            _ingest_track(claim, track)
    _conclude(claim)


def _ask_for_tracks(claim: Claim) -> None:
    """An event may leave them out."""
    recording = claim.recording
    client = client_of(recording)
    if not (isinstance(client, RecordingListing) and recording.provider_recording_id):
        return
    try:
        ref = Heartbeat(claim).during(lambda: client.get_recording(recording.provider_recording_id))
    except (PlatformRejected, PlatformNotConfigured):
        return
    if ref.tracks:
        register.register_recording(ref)
        recording.refresh_from_db()


def _pending(recording: Recording) -> list[Track]:
    """Those that are not stored yet; all, when all have come to an end and somebody wants them anew."""
    tracks = list(recording.tracks.exclude(state=Track.State.DELETED))
    unfinished = [track for track in tracks if track.state in (Track.State.REPORTED, Track.State.FAILED)]
    return unfinished or tracks


def _keeps_video(recording: Recording) -> bool:
    return recording.meeting is not None and recording.meeting.store_video


def _ingest_track(claim: Claim, track: Track) -> None:
    name = name_of(claim.recording, track)
    try:
        stored = fetch(object_of(claim.recording, track.key), name, claim, anew=bool(track.file))
        info = claim.probe(name) if stored.size else NOTHING
    except (FetchFailed, NotMedia) as error:
        _reject_track(claim, track, name, Track.State.FAILED, str(error))
        return
    if not (info.has_video if "video" in track.medium else info.has_audio):
        _reject_track(claim, track, name, Track.State.NO_AUDIO, NOTHING_IN_IT)
        return
    claim.note(
        track,
        Track.State.STORED,
        file=name,
        size=stored.size,
        sha256=stored.sha256,
        content_type=info.content_type,
        duration=max(0.0, zero_of(info.start, track.offset) + info.duration - track.offset),
        error="",
    )


def _reject_track(claim: Claim, track: Track, name: str, state: str, reason: str) -> None:
    claim.remove(name)
    claim.note(track, state, file="", error=reason)


def _conclude(claim: Claim) -> None:
    """It is of use when anybody can be heard in it; a track that is missing is said."""
    recording = claim.recording
    tracks = list(recording.tracks.exclude(state=Track.State.DELETED))
    stored = [track for track in tracks if track.state == Track.State.STORED]
    failed = [track for track in tracks if track.state == Track.State.FAILED]
    if any("video" not in track.medium for track in stored):
        claim.complete(
            State.STORED,
            duration=max(track.offset + (track.duration or 0) for track in stored),
            size=sum(track.size or 0 for track in stored),
            has_video=any("video" in track.medium for track in stored),
            error=f"{len(failed)} of {len(tracks)} tracks could not be fetched: {failed[0].error}" if failed else "",
        )
    elif failed:
        raise FetchFailed(failed[0].error, can_retry=True, status=NOT_THERE)
    else:
        claim.complete(State.NO_AUDIO, error=NOBODY_HEARD)
