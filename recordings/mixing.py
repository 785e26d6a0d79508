"""One MP3 of a recording, for players: the audio of its file, or all its tracks mixed as they were heard."""

import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, cast

import av
from av.audio.frame import AudioFrame
from av.filter import Graph
from django.core.files import File
from django.core.files.storage import FileSystemStorage, storages

from recordings.audio import WIDTH, Mp3, Opener, blocks, frame_of, samples, samples_of
from recordings.models import Recording

RATE = 48000  # samples per second, as in a call, so that nothing has to be resampled
BIT_RATE = 64000
BLOCK = RATE // 2  # samples that are mixed at a time
CEILING = 0.95  # of full scale; louder peaks, as when several people speak at once, are turned down


def mp3_name(recording: Recording) -> str:
    """In the storage. It is always the same, so that what is made twice is one file."""
    return f"{recording.pk}/audio.mp3"


def store_mp3(recording: Recording, tracks: Sequence[tuple[Opener, float]]) -> str:
    """Mix the tracks into the recordings storage, in the place of what was mixed before; the name of the file there."""
    name = mp3_name(recording)
    storage = storages["recordings"]
    if isinstance(storage, FileSystemStorage):
        _into_folder(Path(storage.path(name)), tracks)
        return name
    with tempfile.TemporaryFile() as draft:
        mix(tracks, cast(BinaryIO, draft))
        draft.seek(0)
        return storage.save(name, File(draft))


def extract_audio(open_file: Opener, out: BinaryIO) -> float:
    """Write the audio of one file as MP3; its length in seconds. Raises NotMedia when there is none."""
    return mix([(open_file, 0.0)], out)


def mix(tracks: Sequence[tuple[Opener, float]], out: BinaryIO) -> float:
    """Write all tracks as one MP3, each from its offset (seconds); the length of the whole in seconds.

    Raises NotMedia when a track has no audio.
    """
    pieces = [samples(open_file, RATE, offset) for open_file, offset in tracks]
    with Mp3(out, RATE, BIT_RATE) as mp3:
        for piece in pieces[0] if len(pieces) == 1 else _mixed(pieces):
            mp3.write(piece)
    return mp3.position / RATE


def _into_folder(path: Path, tracks: Sequence[tuple[Opener, float]]) -> None:
    """The file appears when it is whole; what workers that were killed have left is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink(missing_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as out:
            mix(tracks, out)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _mixed(tracks: Sequence[Iterable[bytes]]) -> Iterator[bytes]:
    """All tracks go forward in step, so that the mixer never has to hold any of them back."""
    size = BLOCK * WIDTH
    mixer = _Mixer(len(tracks))
    for step in zip_longest(*(blocks(track, size) for track in tracks), fillvalue=bytes(size)):
        yield from mixer.mix(step)
    yield from mixer.rest()


class _Mixer:
    """Sums without making anybody quieter, and turns down only what would be too loud."""

    def __init__(self, inputs: int) -> None:
        self._position = 0  # samples
        self._graph = Graph()
        adding = self._graph.add("amix", inputs=str(inputs), normalize="0", dropout_transition="0")
        self._sources = []
        for number in range(inputs):
            source = self._graph.add_abuffer(sample_rate=RATE, format="s16", layout="mono")
            source.link_to(adding, 0, number)
            self._sources.append(source)
        limiting = self._graph.add("alimiter", limit=str(CEILING), level="0", latency="1")
        shaping = self._graph.add("aformat", sample_fmts="s16", channel_layouts="mono", sample_rates=str(RATE))
        self._sink = self._graph.add("abuffersink")
        self._graph.link_nodes(adding, limiting, shaping, self._sink).configure()

    def mix(self, step: Sequence[bytes]) -> Iterator[bytes]:
        for source, block in zip(self._sources, step, strict=True):
            source.push(frame_of(block, RATE, self._position))
        self._position += BLOCK
        return self._ready()

    def rest(self) -> Iterator[bytes]:
        for source in self._sources:
            source.push(None)
        return self._ready()

    def _ready(self) -> Iterator[bytes]:
        while True:
            try:
                frame = self._sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            yield samples_of(cast(AudioFrame, frame))
