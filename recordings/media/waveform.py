"""How loud a recording is from moment to moment, for the picture that players draw."""

from array import array
from collections.abc import Iterable
from itertools import pairwise

POINTS = 255
EVERY = 16  # of the samples, one is looked at: what is loud is loud longer than that
WINDOW_SECONDS = 0.1


class Waveform:
    """Is told all samples in order, as they are written; an hour takes 36,000 numbers."""

    def __init__(self, rate: int) -> None:
        self._window = round(rate * WINDOW_SECONDS)
        self._seen = 0  # samples of the last window
        self._peaks: list[int] = []

    def add(self, piece: bytes) -> None:
        """Samples of 16 bits, mono."""
        samples = array("h", piece)
        at = 0
        while at < len(samples):
            if not self._seen:
                self._peaks.append(0)
            part = samples[at : at + self._window - self._seen]
            self._peaks[-1] = max(self._peaks[-1], *map(abs, part[::EVERY]))
            at += len(part)
            self._seen = (self._seen + len(part)) % self._window

    def points(self) -> list[float]:
        """255 numbers from 0 to 1, scaled to the loudest moment."""
        return scaled(self._peaks or [0])


def waveform_of(pieces: Iterable[bytes], rate: int) -> list[float]:
    waveform = Waveform(rate)
    for piece in pieces:
        waveform.add(piece)
    return waveform.points()


def scaled(peaks: list[int]) -> list[float]:
    """Each point is the loudest of its share of the peaks; where there are fewer peaks, one is shown several times."""
    edges = [number * len(peaks) / POINTS for number in range(POINTS + 1)]
    parts = [peaks[int(start) : max(int(start) + 1, int(end))] for start, end in pairwise(edges)]
    loudest = max(peaks) or 1
    return [round(max(part) / loudest, 2) for part in parts]
