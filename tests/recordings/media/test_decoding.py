"""Files that are made to hurt: they cost a child, never the process that asked."""

import io
import signal
from array import array
from pathlib import Path

import pytest

from platforms.exceptions import PlatformUnavailable
from recordings.media import decoding
from recordings.media.audio import Reading
from recordings.media.info import NotMedia, Unreadable
from recordings.media.probe import probe
from tests.support.decoding import Fatal, children
from tests.support.live import wait_until
from tests.support.media import RATE, Sound, large_picture, many_pictures, stretches, track, with_audio

MEGABYTE = 1024 * 1024
TOO_MUCH = "Reading it takes too much memory."
TOO_LONG = "Reading it takes too long for a file of its size."
CRASHES = "It is made in a way that makes the program crash that reads it."


@pytest.fixture(autouse=True)
def _still_there():
    """Whatever becomes of a child, the next file is read as ever, and by the same host."""
    assert probe(io.BytesIO(with_audio())).has_audio
    host = decoding.host.pid
    yield
    assert probe(io.BytesIO(with_audio())).has_audio
    assert decoding.host.pid == host


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 32 * MEGABYTE)


@pytest.fixture
def little_time(monkeypatch):
    monkeypatch.setattr(decoding, "LEAST_SECONDS", 1)
    monkeypatch.setattr(decoding, "SECONDS_PER_MEGABYTE", 0)


@pytest.mark.usefixtures("little_memory")
def test_a_file_that_takes_more_memory_than_is_given_is_refused():
    with pytest.raises(Unreadable) as caught:
        probe(io.BytesIO(large_picture(60)))
    assert str(caught.value) == TOO_MUCH


def test_a_small_file_that_would_take_gigabytes_is_read_within_its_bounds():
    """4 MB that unpack to 3,700: what does not fit is left out, and the sound is there."""
    content = many_pictures(20, 8000)
    assert len(content) < 5 * MEGABYTE
    peaks = []

    class Watched(io.BytesIO):
        def read(self, size=-1):
            peaks.extend(map(peak, children()))
            return super().read(size)

    assert probe(Watched(content)).has_audio
    assert max(peaks) < (decoding.MEMORY_BYTES + 200 * MEGABYTE)


def peak(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmPeak"))


@pytest.mark.usefixtures("little_time")
def test_a_file_that_takes_more_time_than_is_given_is_heard_up_to_there():
    """An hour and a half: more than a second's work."""
    ninety_seconds = with_audio("adts", 90)
    reading = Reading(lambda: io.BytesIO(ninety_seconds * 60))
    heard = sum(len(piece) for piece in reading.readable(RATE)) / 2 / RATE
    assert 1 < heard < 5400
    assert reading.damage == TOO_LONG
    assert reading.end == pytest.approx(heard)


def test_time_grows_with_the_file_and_ends_somewhere():
    six_hours = 6 * 3600 * 24_000 // 8  # of speech, in bytes
    assert decoding.limits_for(1000).cpu_seconds == 60
    assert decoding.limits_for(six_hours).cpu_seconds > 1000
    assert decoding.limits_for(10**12).cpu_seconds == 3600


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_file_that_crashes_what_reads_it_is_refused(number):
    with pytest.raises(Unreadable) as caught:
        probe(Fatal(with_audio(), number))
    assert str(caught.value) == CRASHES


def test_a_crash_in_the_middle_leaves_what_was_heard_before():
    reading = Reading(lambda: Fatal(track(Sound(0, 60)), signal.SIGSEGV, after=400_000))
    samples = array("h", b"".join(reading.readable(RATE)))
    assert reading.damage == CRASHES
    assert stretches(samples) == [pytest.approx((0, reading.end), abs=0.15)]
    assert 10 < reading.end < 60


def test_a_child_that_was_ended_from_outside_says_nothing_against_the_file():
    """As by a machine that has run out of memory."""
    with pytest.raises(PlatformUnavailable, match="ended from outside"):
        probe(Fatal(with_audio(), signal.SIGKILL))


def test_who_breaks_off_leaves_no_child_behind():
    pieces = Reading(lambda: io.BytesIO(track(Sound(0, 60)))).samples(RATE)
    next(pieces)
    assert children()
    pieces.close()
    with pytest.raises(NotMedia):
        probe(io.BytesIO(b"nothing"))
    wait_until(lambda: not children())

    wait_until(lambda: not children())


def test_several_files_are_read_in_step():
    """As the tracks of a meeting are, each by a child of its own."""
    voices = [Reading(lambda: io.BytesIO(track(Sound(0, 20)))).samples(RATE) for _ in range(12)]
    lengths = [0] * len(voices)
    for pieces in zip(*voices, strict=False):
        for number, piece in enumerate(pieces):
            lengths[number] += len(piece)
    assert min(lengths) == max(lengths)
    assert max(lengths) / 2 / RATE == pytest.approx(20, abs=0.1)
