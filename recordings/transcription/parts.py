"""The files of a recording as a processor is given them, and what is said of those that cannot be read."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from recordings.media.audio import Reading, zero_in
from recordings.media.info import NotMedia
from recordings.media.mixing import longest_of
from recordings.models import Recording, Track
from recordings.storage import links
from recordings.storage.reader import open_stored
from recordings.transcription.processors.base import AudioPart, TranscriptionRequest


def parts_of(recording: Recording) -> list[AudioPart]:
    if recording.kind == Recording.Kind.TRACKS:
        return [_track(recording, track, speaker) for track, speaker in _voices(recording)]
    return [
        AudioPart(
            open=partial(open_stored, recording.file),
            link=partial(links.link_to, recording, None),
            duration=recording.duration or 0.0,
            content_type=recording.content_type,
            longest=longest_of(recording),
        )
    ]


def persons_of(recording: Recording) -> dict[str, str]:
    """Of a recording in tracks: what each person is called, and what they were called before their name was known."""
    tracks = recording.tracks.select_related("participant")
    names = ((_name(track), _unnamed(track)) for track in tracks)
    return {name or unnamed: unnamed or name for name, unnamed in names if name or unnamed}


def record_readings(request: TranscriptionRequest, readings: Sequence[Reading]) -> None:
    """Keep what was learnt while all files of the job were read."""
    request.checkpoint["heard"] = [
        # Of a video the pictures count as well, which may go on when nothing is heard any more.
        [reading.end if reading.damage or part.speaker else part.offset + part.duration, reading.has_sound]
        for part, reading in zip(request.parts, readings, strict=True)
    ]
    if notes := list(_notes(request.parts, readings)):
        request.checkpoint["note"] = " ".join(notes)
    if any(reading.damage for reading in readings):
        request.checkpoint["seconds"] = max(reading.end for reading in readings if reading.has_sound)


def as_heard(request: TranscriptionRequest) -> TranscriptionRequest:
    """Without the files of which nothing could be read; each as long as it could be."""
    heard: list[Any] | None = request.checkpoint.get("heard")
    if heard is None:
        return request
    parts = [
        replace(part, duration=max(0.0, end - part.offset))
        for part, (end, has_sound) in zip(request.parts, heard, strict=True)
        if has_sound
    ]
    return replace(request, parts=parts)


def _notes(parts: Sequence[AudioPart], readings: Sequence[Reading]) -> Iterator[str]:
    for part, reading in zip(parts, readings, strict=True):
        what = f"The track of {part.speaker}" if part.speaker else "The file"
        if reading.damage and not reading.has_sound:
            yield f"{what} was left out. {reading.damage}"
        elif reading.damage:
            yield f"{what} was left out from {_clock(reading.end)} on. {reading.damage}"
        if reading.unheard:
            yield f"{reading.unheard} more audio streams in the file were not heard."


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02}:{int(seconds % 60):02}"


def _track(recording: Recording, track: Track, speaker: str) -> AudioPart:
    open_file, offset = partial(open_stored, track.file), track.offset
    with suppress(NotMedia, FileNotFoundError):  # it is left out, and why is said, when it is read
        offset = zero_in(open_file, track.offset)
    return AudioPart(
        open=open_file,
        link=partial(links.link_to, recording, track),
        speaker=speaker,
        offset=offset,
        duration=max(0.0, track.offset + (track.duration or 0.0) - offset),
        content_type=track.content_type,
    )


def _voices(recording: Recording) -> Sequence[tuple[Track, str]]:
    """The tracks on which people speak, with their names. One person may have several, after coming back."""
    tracks = recording.tracks.filter(state=Track.State.STORED).select_related("participant")
    heard = [track for track in tracks if "audio" in track.medium]
    # What somebody shares is not what somebody says, unless there is nothing else.
    heard = [track for track in heard if not track.medium.startswith("screen")] or heard
    _number_the_unnamed(recording, [track for track in heard if not _name(track)])
    return [(track, _name(track) or _unnamed(track)) for track in heard]


def _number_the_unnamed(recording: Recording, tracks: Sequence[Track]) -> None:
    """A number once given stays, whoever comes or is named later."""
    numbered = recording.tracks.exclude(unnamed_number=None).values_list("session_id", "unnamed_number")
    numbers = {session_id: number for session_id, number in numbered if number is not None}
    for track in tracks:
        number = numbers.setdefault(track.session_id, max(numbers.values(), default=0) + 1)
        if track.unnamed_number != number:
            track.unnamed_number = number
            track.save(update_fields=["unnamed_number"])


def _name(track: Track) -> str:
    return track.participant.user_name if track.participant else ""


def _unnamed(track: Track) -> str:
    return f"Speaker {track.unnamed_number}" if track.unnamed_number else ""
