"""One MP3 of a recording, for players: the audio of its file, or all its tracks mixed as they were heard."""

import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from django.core.files import File
from django.core.files.storage import FileSystemStorage, storages

from recordings.media.audio import Mp3, Opener, Reading
from recordings.media.info import LONGEST_SECONDS, NotMedia, longest_in
from recordings.media.mixer import mixed
from recordings.media.waveform import Waveform
from recordings.models import Recording
from recordings.storage.free_space import drafts, frugal

RATE = 48000  # samples per second, as in a call, so that nothing has to be resampled
BIT_RATE = 64000


def longest_of(recording: Recording) -> float:
    """How many seconds of its file are read at most: providers record what was said, and others send what they like."""
    return longest_in(recording.size or 0) if recording.kind == Recording.Kind.UPLOAD else LONGEST_SECONDS


def mp3_name(recording: Recording) -> str:
    """In the storage. It is always the same, so that what is made twice is one file."""
    return f"{recording.pk}/audio.mp3"


def store_mp3(recording: Recording, tracks: Sequence[Reading]) -> list[float]:
    """Mix the tracks into the recordings storage, in the place of what was mixed before; the points of its waveform."""
    name, waveform = mp3_name(recording), Waveform(RATE)
    storage = storages["recordings"]
    if isinstance(storage, FileSystemStorage):
        _into_folder(Path(storage.path(name)), tracks, waveform)
        return waveform.points()
    with tempfile.TemporaryFile(dir=drafts()) as draft:
        mix(tracks, frugal(draft, drafts()), waveform)
        draft.seek(0)
        storage.save(name, File(draft))
    return waveform.points()


def extract_audio(open_file: Opener, out: BinaryIO, longest: float = LONGEST_SECONDS) -> float:
    """Write the audio of one file as MP3; its length in seconds. Raises NotMedia when there is none."""
    return mix([Reading(open_file, longest=longest)], out)


def mix(tracks: Sequence[Reading], out: BinaryIO, waveform: Waveform | None = None) -> float:
    """Write all tracks as one MP3, each as far as it can be read; the length of the whole in seconds.

    `waveform` is told what is written. Raises NotMedia when nothing can be read of any.
    """
    voices = [track.readable(RATE) for track in tracks]
    with Mp3(out, RATE, BIT_RATE) as mp3:
        for piece in voices[0] if len(voices) == 1 else mixed(voices, RATE):
            mp3.write(piece)
            if waveform:
                waveform.add(piece)
    if not any(track.has_sound for track in tracks):
        raise NotMedia(next((track.damage for track in tracks if track.damage), "There is nothing to hear in it."))
    return mp3.position / RATE


def _into_folder(path: Path, tracks: Sequence[Reading], waveform: Waveform) -> None:
    """The file appears when it is whole; what workers that were killed have left is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink(missing_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as out:
            mix(tracks, frugal(out, path.parent), waveform)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
