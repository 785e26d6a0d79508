"""What is counted of calls and openings, in memory first, and what is made of it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.health import figures
from platforms.health.figures import BUCKET, Counter, Tally, counter
from platforms.http.client import ProviderAPI
from platforms.models import PlatformFigures
from tests.support.stub_provider import Answer, StubProvider
from tests.support.tables import table_away

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _nothing_counted():
    counter.add_to_rows()
    PlatformFigures.objects.all().delete()


def now(platform="acme"):
    return figures.total(figures.read(HOUR).get(platform, {}), HOUR)


def row(ago, platform="acme", **values):
    return PlatformFigures.objects.create(platform=platform, since=timezone.now() - ago, **values)


def test_every_call_is_counted_and_a_refusal_is_no_failure_of_the_provider():
    with StubProvider() as stub:
        stub.on("GET", "/ok", Answer(200, {}, delay=0.06))
        stub.on("POST", "/refused", Answer(403))
        stub.on("POST", "/slow-down", Answer(429))
        stub.on("POST", "/broken", Answer(500))
        api = ProviderAPI("acme", "Acme", stub.url, "t0ken")
        api.get("/ok")
        with pytest.raises(PlatformRejected):
            api.post("/refused", {})
        for path in ("/slow-down", "/broken"):
            with pytest.raises(PlatformUnavailable):
                api.post(path, {})
    counter.add_to_rows()
    assert now().calls - now().failures == 2
    assert now().failures == 2 + 2  # one that is asked to slow down is tried three times
    assert now().percentile(95) > 50


def test_several_processes_add_to_the_same_five_minutes():
    for process in (Counter(), Counter()):
        process.count_call("acme", 0.2, is_good=True)
        process.count_opening("acme", is_opened=True)
        process.count_opening("acme", is_opened=False)
        process.add_to_rows()
    assert (now().calls, now().failures, now().opened, now().not_opened) == (2, 0, 2, 2)
    assert sum(now().durations) == 2


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_written_now_is_written_later():
    process = Counter()
    process.count_call("acme", 0.2, is_good=True)
    process.count_call("other", 0.2, is_good=True)
    with table_away(PlatformFigures), pytest.raises(DatabaseError):
        process.add_to_rows()
    process.count_call("acme", 0.2, is_good=True)
    process.add_to_rows()
    assert (now("acme").calls, now("other").calls) == (2, 1)


def test_not_every_beat_writes():
    process = Counter()
    process.count_call("acme", 0.2, is_good=True)
    process.add_to_rows(is_last=False)
    process.count_call("acme", 0.2, is_good=True)
    process.add_to_rows(is_last=False)
    assert now().calls == 1
    process.add_to_rows(is_last=True)
    assert now().calls == 2


def test_percentiles_lie_between_the_bounds_of_their_calls():
    tally = Tally()
    for milliseconds in [90] * 90 + [1500] * 10:
        tally.calls += 1
        tally.durations[figures.place_of(milliseconds)] += 1
    assert 75 < tally.percentile(50) <= 100
    assert 1200 < tally.percentile(95) <= 1600
    assert Tally().percentile(50) is Tally().error_rate is None


def test_a_call_that_lasts_longer_than_all_bounds_counts_for_the_last():
    tally = Tally(calls=1)
    tally.durations[figures.place_of(10**6)] += 1
    assert tally.percentile(50) <= figures.BOUNDS[-1]


def test_an_hour_and_a_day_and_their_charts_come_from_one_query(django_assert_num_queries):
    row(timedelta(minutes=2), calls=10, failures=1)
    row(timedelta(hours=5), calls=30, failures=3)
    row(timedelta(hours=30), calls=500)
    row(timedelta(minutes=2), platform="other", calls=7)
    with django_assert_num_queries(1):
        read = figures.read(DAY)
    assert figures.total(read["acme"], HOUR).calls == 10
    assert figures.total(read["acme"], DAY).error_rate == 0.1
    assert figures.total(read["other"], DAY).calls == 7
    points = figures.series(read["acme"], DAY, HOUR)
    assert len(points) == 24
    assert sum(tally.calls for _, tally in points) == 40
    assert [at for at, _ in points] == sorted(at for at, _ in points)
    assert points[-1][0] <= timezone.now() < points[-1][0] + HOUR


def test_they_are_kept_for_thirty_days():
    row(timedelta(days=29))
    row(timedelta(days=31))
    assert figures.forget_old() == 1
    assert PlatformFigures.objects.count() == 1


def test_buckets_are_five_minutes_of_the_clock():
    counter.count_opening("acme", is_opened=True)
    counter.add_to_rows()
    since = PlatformFigures.objects.get().since
    assert (since.minute % 5, since.second, since.microsecond) == (0, 0, 0)
    assert since <= timezone.now() < since + BUCKET
