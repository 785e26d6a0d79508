"""Several voices made into one."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import cast

import av
from av.audio.frame import AudioFrame
from av.filter import Graph

from recordings.media.pcm import SAMPLE_BYTES, blocks, frame_of, samples_of

BLOCK_SECONDS = 0.5  # that are mixed at a time
CEILING = 0.95  # of full scale; louder peaks, as when several people speak at once, are turned down


def mixed(voices: Sequence[Iterable[bytes]], rate: int) -> Iterator[bytes]:
    """The sum of them, in blocks. All go forward in step, so that the mixer never has to hold any of them back."""
    size = round(BLOCK_SECONDS * rate) * SAMPLE_BYTES
    mixer = _Mixer(len(voices), rate)
    for step in zip_longest(*(blocks(voice, size) for voice in voices), fillvalue=bytes(size)):
        yield from mixer.mix(step)
    yield from mixer.rest()


class _Mixer:
    """Sums without making anybody quieter, and turns down only what would be too loud."""

    def __init__(self, inputs: int, rate: int) -> None:
        self._rate = rate
        self._position = 0  # samples
        self._graph = Graph()
        adding = self._graph.add("amix", inputs=str(inputs), normalize="0", dropout_transition="0")
        self._sources = []
        for number in range(inputs):
            source = self._graph.add_abuffer(sample_rate=rate, format="s16", layout="mono")
            source.link_to(adding, 0, number)
            self._sources.append(source)
        limiting = self._graph.add("alimiter", limit=str(CEILING), level="0", latency="1")
        shaping = self._graph.add("aformat", sample_fmts="s16", channel_layouts="mono", sample_rates=str(rate))
        self._sink = self._graph.add("abuffersink")
        self._graph.link_nodes(adding, limiting, shaping, self._sink).configure()

    def mix(self, step: Sequence[bytes]) -> Iterator[bytes]:
        for source, block in zip(self._sources, step, strict=True):
            source.push(frame_of(block, self._rate, self._position))
        self._position += len(step[0]) // SAMPLE_BYTES
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
