"""What the browsers in a room captured, made into the files that a provider gives out."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, zip_longest
from pathlib import Path
from typing import cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from platforms.sandbox.media.sound import SAMPLE_BYTES, NoSound, blocks, frame_of, samples, samples_of, silence
from platforms.sandbox.world.model import File, Recording

RATE = 48000  # samples per second, as browsers record
BIT_RATE = 64000
CEILING = 0.95  # of full scale; louder peaks, as when several people speak at once, are turned down
PICTURE = (320, 180)  # nobody has a camera here: players get one plain picture for each second
SHORTEST_SECONDS = 0.1  # a file without length is no file


@dataclass(frozen=True)
class Media:
    name: str
    kind: str
    content_type: str
    path: Path
    session_id: str
    offset: float
    duration: float

    @property
    def size(self) -> int:
        return self.path.stat().st_size


@dataclass(frozen=True)
class Track:
    """What one microphone sent without a break."""

    session_id: str
    number: int
    offset: float  # seconds
    data: bytes

    def samples(self) -> Iterator[bytes]:
        return samples(io.BytesIO(self.data), RATE, self.offset)


def record(recording: Recording, with_sound: bool = True) -> list[File]:
    """The files of a recording that is over, in its folder: one of all voices, or one of each microphone's stretches.

    Without sound, the one file has pictures only, as from a recorder that has lost it.
    """
    if recording.folder is None:
        raise ValueError("There is no folder for the recording.")
    recording.folder.mkdir(parents=True, exist_ok=True)
    tracks = list(_tracks(recording))
    if recording.kind == "raw-tracks":
        return list(_separate(tracks, recording.folder))
    path = recording.folder / "recording.mp4"
    duration = _write_mp4(path, tracks, recording.seconds, with_sound)
    return [Media(path.name, "mix", "video/mp4", path, "", 0.0, duration)]


def _tracks(recording: Recording) -> Iterator[Track]:
    """Without those that nothing can be heard of."""
    for session_id, segments in recording.audio.items():
        for number, segment in sorted(segments.items()):
            offset = max(0.0, (segment.began_at - recording.started_at).total_seconds())
            track = Track(session_id, number, offset, bytes(segment.data))
            if _is_sound(track.data):
                yield track


def _is_sound(data: bytes) -> bool:
    try:
        return any(samples(io.BytesIO(data), RATE))
    except NoSound:
        return False


def _separate(tracks: Iterable[Track], folder: Path) -> Iterator[Media]:
    for track in tracks:
        path = folder / f"{track.session_id}-{track.number}.webm"
        duration = _rewrite(track.data, path, track.offset)
        yield Media(path.name, "audio", "audio/webm", path, track.session_id, track.offset, duration)


def _rewrite(data: bytes, path: Path, offset: float) -> float:
    """As the browser encoded it, but whole, with the length in its head, and with timestamps that count from the start
    of the recording, as Daily's do; the length of what is heard, in seconds.
    """
    end = 0.0
    with av.open(io.BytesIO(data), "r") as source, av.open(str(path), "w", format="webm") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        try:
            for packet in source.demux(audio=0):
                if packet.pts is None or packet.time_base is None:
                    continue
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                packet.pts += round(offset / packet.time_base)
                packet.dts = packet.pts
                packet.stream = stream
                target.mux(packet)
        except av.FFmpegError:
            pass  # the end of it is cut off
    return end


def _write_mp4(path: Path, tracks: Sequence[Track], seconds: float, with_sound: bool) -> float:
    """The length that it has now: `seconds`, or up to the end of what was heard."""
    length = round(max(seconds, SHORTEST_SECONDS) * RATE)
    pieces = _mixed([track.samples() for track in tracks])
    written = 0
    with av.open(str(path), "w", format="mp4") as container:
        pictures = _Pictures(container)
        sound = _Sound(container) if with_sound else None
        for piece in blocks(_at_least(length, pieces), RATE):
            pictures.write()
            if sound:
                sound.write(piece)
            written += len(piece) // SAMPLE_BYTES
        pictures.finish()
        if sound:
            sound.finish()
    return written / RATE


def _at_least(count: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """So many samples, with silence at the end where there are fewer."""
    for piece in pieces:
        count -= len(piece) // SAMPLE_BYTES
        yield piece
    yield from silence(count, RATE)


class _Sound:
    def __init__(self, container: OutputContainer) -> None:
        self._container = container
        self._stream: AudioStream = container.add_stream("aac", rate=RATE, layout="mono", bit_rate=BIT_RATE)
        self._position = 0  # samples

    def write(self, piece: bytes) -> None:
        self._container.mux(self._stream.encode(frame_of(piece, RATE, self._position)))
        self._position += len(piece) // SAMPLE_BYTES

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))


class _Pictures:
    """One for each second."""

    def __init__(self, container: OutputContainer) -> None:
        self._container = container
        self._stream: VideoStream = container.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        self._stream.width, self._stream.height = PICTURE
        self._stream.pix_fmt = "yuv420p"
        self._count = 0

    def write(self) -> None:
        frame = VideoFrame(*PICTURE, "yuv420p")
        for plane, shade in zip(frame.planes, (48, 128, 128), strict=True):  # a dark grey
            plane.update(bytes([shade]) * plane.buffer_size)
        frame.pts, frame.time_base = self._count, Fraction(1, 1)
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))


def _mixed(tracks: Sequence[Iterator[bytes]]) -> Iterator[bytes]:
    """All together as they were heard; in step, so that the mixer never has to hold any of them back."""
    if len(tracks) <= 1:
        yield from chain.from_iterable(tracks)
        return
    mixer = _Mixer(len(tracks))
    for step in zip_longest(*(blocks(track, RATE) for track in tracks), fillvalue=b""):
        size = max(map(len, step))
        yield from mixer.mix([piece.ljust(size, b"\0") for piece in step])
    yield from mixer.rest()


class _Mixer:
    """Sums without making anybody quieter, and turns down only what would be too loud."""

    def __init__(self, inputs: int) -> None:
        self._position = 0  # samples
        self._graph = Graph()
        adding = self._graph.add("amix", inputs=str(inputs), normalize="0", dropout_transition="0")
        self._sources = [
            self._graph.add_abuffer(sample_rate=RATE, format="s16", layout="mono", time_base=Fraction(1, RATE))
            for _ in range(inputs)
        ]
        for number, source in enumerate(self._sources):
            source.link_to(adding, 0, number)
        limiting = self._graph.add("alimiter", limit=str(CEILING), level="0", latency="1")
        shaping = self._graph.add("aformat", sample_fmts="s16", channel_layouts="mono", sample_rates=str(RATE))
        self._sink = self._graph.add("abuffersink")
        self._graph.link_nodes(adding, limiting, shaping, self._sink).configure()

    def mix(self, step: Sequence[bytes]) -> Iterator[bytes]:
        for source, piece in zip(self._sources, step, strict=True):
            source.push(frame_of(piece, RATE, self._position))
        self._position += len(step[0]) // SAMPLE_BYTES
        return self._ready()

    def rest(self) -> Iterator[bytes]:
        for source in self._sources:
            source.push(None)
        return self._ready()

    def _ready(self) -> Iterator[bytes]:
        while True:
            try:
                yield samples_of(cast(AudioFrame, self._sink.pull()))
            except (av.BlockingIOError, av.EOFError):
                return
