"""The drills of an installation of several machines, at a small size; the whole of them is `make drill-cluster`."""

import os
import subprocess
import sys

import pytest

from platforms.sandbox.wire.deliveries import Delivery
from tests.drills.cluster import DRILLS, Figures
from tests.drills.sender import Sender
from tests.drills.work import mixed
from tests.support.live import ROOT
from tests.support.stub_provider import Answer, StubProvider

SECRETS = {"whereby": "secret"}


@pytest.mark.drill
def test_workers_that_are_killed_lose_and_double_nothing():
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    environment = {**kept, "ENV_FILE": "", "DEBUG": "true", "SANDBOX_ENABLED": "false", "LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "tests.drills.cluster", "kills", "--size", "0.02"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 refused; 0 lost, 0 doubled, 0 wrong" in done.stdout
    assert done.stdout.endswith("All is well.\n")


def sent_to(*answers, count=1, rate=1000):
    """What became of so many deliveries to a server that answers so."""
    with StubProvider() as stub:
        stub.on("POST", "/v1/whereby/webhook", *answers)
        port = int(stub.url.rpartition(":")[2])
        sender = Sender([port, port], SECRETS, [Delivery("whereby", b"{}")] * count, rate)
        sender.start()
        sender.join()
        return sender.sent, stub.requests


def test_what_is_not_taken_is_sent_again(monkeypatch):
    monkeypatch.setattr("tests.drills.sender.PAUSE_SECONDS", 0.01)
    sent, requests = sent_to(Answer(503), Answer(503), Answer(200))
    assert (sent.taken, sent.refused, dict(sent.put_off)) == (1, 0, {"503": 2})
    assert (len(requests), sent.took, len(sent.late)) == (3, [], 1)


def test_what_is_refused_is_not():
    sent, requests = sent_to(Answer(401), count=3)
    assert (sent.taken, sent.refused, len(requests)) == (0, 3, 3)


def test_a_server_that_is_gone_is_tried_again(monkeypatch):
    monkeypatch.setattr("tests.drills.sender.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("tests.drills.sender.GIVEN_UP_SECONDS", 0.1)
    sender = Sender([1], SECRETS, [Delivery("whereby", b"{}")], rate=1)
    sender.start()
    sender.join()
    assert sender.sent.refused == 1
    assert sender.sent.put_off["nobody there"] > 1


def test_all_are_sent_at_the_rate_and_timed():
    sent, requests = sent_to(Answer(200), count=50)
    assert (sent.taken, len(requests), len(sent.took)) == (50, 50, 50)
    assert 0 < sent.percentile(0.5) <= sent.percentile(0.99) <= max(sent.took)


def test_what_is_mixed_in_is_spread_evenly():
    assert mixed([1, 2, 3, 4], ["a"]) == [1, 2, 3, "a", 4]
    assert mixed([1, 2], []) == [1, 2]
    assert sorted(map(str, mixed([1], ["a", "b", "c"]))) == ["1", "a", "b", "c"]


def test_each_drill_says_what_it_does():
    assert all(drill.__doc__ for drill in DRILLS.values())
    assert str(Figures(100, 10.0, 3.0)) == "10/s and 3.0 s of CPU for the busiest"
