"""That drills run and tell good from bad; the whole of each is one of `make drill-...`."""

import pytest

from tests.bench import idle
from tests.drills import fuzz, journey, machine, outage, surroundings
from tests.drills.watch import Answer, Watch


@pytest.fixture
def _quickly(monkeypatch):
    monkeypatch.setattr(surroundings, "SECONDS", 2)
    monkeypatch.setattr(surroundings, "QUICK", 5)  # on a machine that runs other tests as well
    monkeypatch.setattr(machine, "POSTGRES", "postgres://127.0.0.1:1/none")  # as on a machine that has nothing
    monkeypatch.setattr(machine, "REDIS", "redis://127.0.0.1:1/0")


@pytest.mark.usefixtures("_quickly")
def test_a_drill_on_a_machine_without_services_says_what_it_could_not_run(capsys):
    assert surroundings.main(["bodies", "worker", "read-only", "redis"]) == 0
    told = capsys.readouterr().out
    assert "On SQLite, without Redis" in told
    assert "read-only: not run, as this machine has none: is_postgres" in told
    assert told.count("lost 0; well again after") == 2
    assert told.count(" x 200") == 8
    assert told.endswith("All is well.\n")


class Spoiled:
    """A product that has lost an event and answers nothing."""

    url = "http://127.0.0.1:1"

    def rows(self, query):
        return [("kept",)]


def test_what_is_lost_or_ill_is_seen(monkeypatch):
    monkeypatch.setattr("tests.drills.watch.WELL_WITHIN", 0.5)
    watch = Watch(Spoiled())
    watch.accepted = {"kept", "lost"}
    watch.answers = [Answer("health", 200, 0.1), Answer("health", "ConnectionError", 2.0)]
    assert watch.lost() == 1
    assert watch.seconds_until_well() is None
    assert watch.statuses("health") == {200: 1, "ConnectionError": 1}
    assert watch.p99("health") == 2.0


@pytest.mark.drill
def test_an_outage_is_noticed_by_all_processes_and_costs_others_nothing(monkeypatch, capsys):
    """At a fifth of the waits; how fast openings elsewhere are is for `make drill-outage` on a machine of its own."""
    monkeypatch.setenv("WAIT_DIVISOR", "5")
    monkeypatch.setattr(outage, "BEFORE_SECONDS", 20)
    monkeypatch.setattr(outage, "SLOWER", 10)
    assert outage.main(60) == 0, capsys.readouterr().out
    told = capsys.readouterr().out
    assert "Left alone by all processes" in told
    assert "Openings that failed meanwhile: 0" in told


@pytest.mark.drill
def test_machines_that_share_no_folder_do_all_of_it_together(capsys):
    """In production's settings, with servers of its own: from a room with a logo to transcripts."""
    assert journey.main() == 0, capsys.readouterr()
    assert "kept on machines: beat-schedule" in capsys.readouterr().out


@pytest.mark.drill
def test_what_it_costs_to_be_idle_is_measured(capsys):
    idle.main(seconds=2, settling=0, repeats=1)
    told = capsys.readouterr().out
    assert "granian" in told
    assert "MB (target <= 350)" in told
    assert "% of a core (target <= 1) over 2 s" in told


def test_what_is_idle_and_costs_too_much_is_told(capsys):
    process = idle.Process("web", cpu=1.0, memory=100.0)
    assert idle.report([9.0, 2.0], {1: process}, {1: process}, 10)
    assert not idle.report([9.0, 2.0], {}, {1: process}, 10)
    assert "web                                      10.00 % of a core,  100.0 MB" in capsys.readouterr().out


@pytest.mark.drill
def test_made_up_calls_break_nothing_and_open_nothing(capsys):
    """For some seconds; `make fuzz` is the whole."""
    assert fuzz.fuzz_api(seconds=15, examples=3), capsys.readouterr().out


@pytest.mark.drill
def test_mutated_webhooks_with_a_good_signature_are_all_taken(capsys):
    assert fuzz.fuzz_webhooks(2_000), capsys.readouterr().out
