"""What one process finds out about a provider that is down is soon known to all: each breaker here is a process."""

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import revision
from platforms.exceptions import PlatformUnavailable
from platforms.health import breakers, states
from platforms.health.pulse import pulse
from platforms.http.breaker import Breaker, bring_together
from platforms.http.client import ProviderAPI
from platforms.models import PlatformState, StaffNotice
from tests.support.live import wait_until
from tests.support.stub_provider import Answer, StubProvider
from tests.support.tables import table_away

pytestmark = pytest.mark.django_db


def processes(number=3):
    return [Breaker(service="acme") for _ in range(number)]


def fail(breaker, times=1):
    for _ in range(times):
        breaker.record(available=False, error="Acme did not answer in time.")


def is_open():
    return PlatformState.objects.filter(pk="acme", open_since__isnull=False).exists()


def opened(*all_of_them):
    """Their pulses beat until the provider is left alone by all."""
    wait_until(lambda: bring_together(*all_of_them) or is_open())
    bring_together(*all_of_them)


def standing_notices():
    return list(StaffNotice.objects.filter(resolved_at=None).values_list("text", flat=True))


def test_failures_of_several_processes_count_together_and_open_all_of_them():
    first, second, third = processes()
    before = revision.current()
    fail(first, 3)
    fail(second, 2)
    opened(first, second, third)
    assert [breaker.is_open for breaker in (first, second, third)] == [True] * 3
    assert third.seconds_to_wait() > 0
    assert revision.current() != before  # so that no opening goes there any more
    assert standing_notices() == ["acme does not answer. It is tried again now and then, and left alone meanwhile."]
    assert states.current()["acme"].last_error == "Acme did not answer in time."


def test_four_are_not_enough_however_long_they_stand():
    first, second, _ = processes()
    fail(first, 2)
    fail(second, 2)
    bring_together(first, second)
    PlatformState.objects.update(failing_since=timezone.now() - timedelta(minutes=5))
    bring_together(first, second)
    assert not is_open()


def test_a_success_in_another_process_makes_it_no_row():
    first, second, third = processes()
    fail(first, 4)
    bring_together(first, second, third)
    third.record(available=True)
    fail(second, 4)
    bring_together(first, third, second)
    PlatformState.objects.update(failing_since=timezone.now() - timedelta(seconds=5))
    bring_together(first, second, third)
    assert not is_open()


def test_one_process_that_reaches_nobody_does_not_cut_off_the_others():
    cut_off, fine, _ = processes()
    fail(cut_off, 7)
    bring_together(cut_off)
    fine.record(available=True)
    bring_together(fine)
    bring_together(cut_off)
    assert cut_off.is_open  # for itself
    assert not fine.is_open
    assert not is_open()
    assert standing_notices() == []


def test_who_was_wrong_to_open_it_is_put_right_by_the_next_beat_of_one_that_succeeds():
    wrong, fine, _ = processes()
    fail(wrong, 5)
    opened(wrong)
    fine.record(available=True)
    bring_together(fine)
    assert not fine.is_open
    bring_together(wrong)
    assert not wrong.is_open
    assert standing_notices() == []


def test_of_all_processes_one_tries_whether_it_is_back():
    several = processes(4)
    fail(several[0], 5)
    opened(*several)
    PlatformState.objects.update(probe_at=timezone.now())
    bring_together(*several)
    waits = [breaker.seconds_to_wait() for breaker in several for _ in range(2)]
    assert waits.count(0.0) == 1
    assert waits[0] == 0.0
    fail(several[0])
    bring_together(*several)
    assert all(breaker.seconds_to_wait() > 0 for breaker in several)


def test_the_pause_between_two_trials_is_thirty_seconds(settings):
    settings.WAIT_DIVISOR = 1  # as in production
    one, other, _ = processes()
    fail(one, 5)
    PlatformState.objects.update_or_create(pk="acme", defaults={"failing_since": timezone.now() - timedelta(seconds=9)})
    opened(one, other)
    assert 25 < other.seconds_to_wait() <= 30


def test_one_that_succeeds_closes_it_for_all():
    first, second, third = processes()
    fail(first, 5)
    opened(first, second, third)
    second.record(available=True)
    assert not second.is_open
    assert not is_open()
    assert standing_notices() == []
    bring_together(first, third)
    assert [breaker.seconds_to_wait() for breaker in (first, third)] == [0.0, 0.0]


def test_a_process_that_calls_it_for_the_first_time_asks_what_is_known(monkeypatch):
    one, *_ = processes(1)
    fail(one, 5)
    opened(one)
    monkeypatch.setattr(pulse, "goes", True)  # as in every process that serves
    assert Breaker(service="acme").seconds_to_wait() > 0


def test_a_refusal_shows_that_it_is_there_and_is_no_good_call():
    first, second, *_ = processes()
    fail(first, 5)
    opened(first, second)
    second.record(available=True, is_good=False)
    bring_together(first, second)
    assert not first.is_open
    assert PlatformState.objects.get(pk="acme").last_good_at is None
    second.record(available=True)
    bring_together(second)
    assert PlatformState.objects.get(pk="acme").last_good_at


def test_what_nobody_tries_any_more_is_forgotten():
    one, *_ = processes()
    fail(one, 5)
    opened(one)
    breakers.forget_untried()
    assert is_open()
    PlatformState.objects.update(probe_at=timezone.now() - timedelta(minutes=6))
    breakers.forget_untried()
    assert not is_open()
    assert standing_notices() == []


def test_calls_cost_nothing_in_the_database_while_the_provider_answers(django_assert_num_queries):
    with StubProvider() as stub, django_assert_num_queries(0):
        stub.on("GET", "/ok", Answer(200, {"fine": True}))
        stub.on("POST", "/x", Answer(500))
        api = ProviderAPI("acme", "Acme", stub.url, "t0ken")
        for _ in range(3):
            assert api.get("/ok") == {"fine": True}
            with pytest.raises(PlatformUnavailable, match="answered 500"):
                api.post("/x", {})


@pytest.mark.django_db(transaction=True)
def test_without_the_database_each_process_goes_by_itself():
    breaker = Breaker(service="acme", pause=0.05)
    fail(breaker, 5)
    assert breaker.seconds_to_wait() > 0
    with table_away(PlatformState):
        wait_until(lambda: breaker.seconds_to_wait() == 0.0)
        breaker.record(available=True)
        assert not breaker.is_open
    bring_together(breaker)
    assert PlatformState.objects.get(pk="acme").last_good_at
