import atexit
import threading

import pytest

from platforms.health import pulse as pulses
from platforms.health.pulse import Pulse
from tests.support.live import wait_until


@pytest.fixture
def beats():
    return []


@pytest.fixture
def pulse(beats, monkeypatch):
    monkeypatch.setattr(pulses, "QUIET_SECONDS", 0.5)
    pulse = Pulse()
    pulse.part(beats.append)
    yield pulse
    wait_until(lambda: not pulse.goes)
    atexit.unregister(pulse.end)


def test_in_a_process_that_has_not_begun_one_there_is_none(pulse, beats):
    pulse.note_call()
    pulse.hurry()
    assert beats == []
    assert "pulse" not in {thread.name for thread in threading.enumerate()}


def test_it_looks_before_the_first_call_goes_on_and_rests_when_no_more_come(pulse, beats):
    pulse.begin()
    pulse.note_call()
    assert beats == [False]
    wait_until(lambda: len(beats) > 2)
    wait_until(lambda: not pulse.goes)
    wait_until(lambda: beats[-1])  # the last one leaves nothing behind
    assert beats[:-1] == [False] * (len(beats) - 1)
    rested = len(beats)
    pulse.note_call()
    assert len(beats) > rested


def test_a_part_that_fails_stops_nobody(pulse, beats, caplog):
    def broken(is_last):
        raise ValueError

    pulse.part(broken)
    pulse.part(beats.append)
    pulse.begin()
    pulse.note_call()
    assert beats == [False, False]
    wait_until(lambda: len(beats) > 3)
    assert "pulse_failed part=broken" in caplog.text


def test_only_what_has_called_somebody_has_something_to_leave_behind(pulse, beats):
    pulse.end()
    assert beats == []
    pulse.note_call()
    pulse.end()
    assert beats == [True]
