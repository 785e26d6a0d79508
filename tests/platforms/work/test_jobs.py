"""Jobs: who may do it, what becomes of it, and that nobody's death loses it."""

import re
import threading
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone

from config.management.commands.serve import processes
from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable, UnsupportedCapability
from platforms.models import WebhookEvent
from platforms.work import claims, dispatch
from platforms.work import models as job_models
from platforms.work.clock import take_back_the_future
from platforms.work.models import Job, ResultPending, UnknownMeeting, run_due, sweep
from platforms.work.registry import performer_of
from platforms.work.together import do_together
from recordings.models import Erasure, Ingest, Recording, Submission
from tests.support.live import wait_until
from tests.support.paper import event_saying, hearing, paper  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("db", "paper")

State = Job.State


def fails_with(error):
    def receiver(word):
        raise error

    return hearing(receiver)


def reloaded(event):
    return WebhookEvent.objects.get(pk=event.pk)


def claimed(event):
    """The event as a worker holds it that has begun and not yet ended."""
    [held] = claims.claim(WebhookEvent.objects.filter(pk=event.pk), 1)
    return held


def abandon(event):
    """What a worker leaves behind that was killed, a lease ago."""
    assert claimed(event)
    WebhookEvent.objects.filter(pk=event.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def seconds_until_next_attempt(event):
    return (reloaded(event).next_attempt_at - timezone.now()).total_seconds()


# What becomes of it


def test_work_that_succeeds_is_done():
    event = event_saying("hello")
    assert WebhookEvent.run(event.pk)
    event = reloaded(event)
    assert (event.state, event.attempts, event.last_error) == (State.DONE, 1, "")
    assert event.finished_at
    assert event.lease_until is None
    assert event.lease_token is None


def test_work_that_is_done_is_not_done_again():
    heard = []
    event = event_saying("hello")
    with hearing(heard.append):
        assert WebhookEvent.run(event.pk)
        assert not WebhookEvent.run(event.pk)
    assert heard == ["hello"]


def test_work_whose_time_has_not_come_is_left_alone():
    event = event_saying(next_attempt_at=timezone.now() + timedelta(minutes=1))
    assert not WebhookEvent.run(event.pk)
    assert run_due(WebhookEvent) == 0
    assert reloaded(event).attempts == 0


def test_work_that_does_not_exist_is_no_error():
    assert not WebhookEvent.run(uuid.uuid4())


@pytest.mark.parametrize(
    "error",
    [PlatformRejected("no such room"), PlatformNotConfigured("no key"), UnsupportedCapability("no logos")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_no_repetition_mends_is_final(error):
    event = event_saying("hello")
    with fails_with(error):
        WebhookEvent.run(event.pk)
    event = reloaded(event)
    assert (event.state, event.attempts) == (State.FAILED, 1)
    assert event.last_error == f"{type(error).__name__}: {error}"
    assert event.finished_at


def test_any_other_error_is_raised_and_the_work_tried_again_later():
    event = event_saying("hello")
    with fails_with(PlatformUnavailable("down")), pytest.raises(PlatformUnavailable):
        WebhookEvent.run(event.pk)
    event = reloaded(event)
    assert (event.state, event.attempts, event.last_error) == (State.WAITING, 1, "PlatformUnavailable: down")
    assert event.next_attempt_at > timezone.now()
    assert event.finished_at is None


@pytest.mark.parametrize(("attempts", "pause"), [(1, 5), (2, 10), (5, 80), (11, 3600), (20, 3600)])
def test_pauses_double_up_to_an_hour_with_some_chance_in_them(attempts, pause):
    event = event_saying("hello", attempts=attempts - 1)
    with fails_with(ValueError("odd")), pytest.raises(ValueError, match="odd"):
        WebhookEvent.run(event.pk)
    assert 0.74 * pause <= seconds_until_next_attempt(event) <= 1.25 * pause


def test_whoever_asks_for_a_longer_pause_gets_it():
    event = event_saying("hello")
    with fails_with(ResultPending("They will call.", retry_after=600)):
        WebhookEvent.run(event.pk)
    assert 590 < seconds_until_next_attempt(event) <= 600
    assert reloaded(event).state == State.WAITING


def test_after_the_last_attempt_work_has_failed():
    event = event_saying("hello", attempts=WebhookEvent.MAX_ATTEMPTS - 1)
    with fails_with(ValueError("odd")), pytest.raises(ValueError, match="odd"):
        WebhookEvent.run(event.pk)
    event = reloaded(event)
    assert (event.state, event.last_error) == (State.FAILED, "ValueError: odd")
    assert event.finished_at


def test_what_goes_wrong_here_is_tried_for_about_a_day():
    attempts = range(1, WebhookEvent.MAX_ATTEMPTS)
    pauses = [min(WebhookEvent.FIRST_PAUSE * 2 ** (n - 1), WebhookEvent.LONGEST_PAUSE) for n in attempts]
    assert timedelta(hours=20) < sum(pauses, timedelta()) < timedelta(hours=28)


def test_what_is_unknown_is_tried_once_more_and_rests_as_unmatched():
    event = event_saying("hello")
    with fails_with(UnknownMeeting("No meeting has this room.")):
        WebhookEvent.run(event.pk)
        assert 3 < seconds_until_next_attempt(event) < 7
        WebhookEvent.objects.update(next_attempt_at=timezone.now())
        WebhookEvent.run(event.pk)
    event = reloaded(event)
    assert (event.state, event.last_error) == (State.UNMATCHED, "UnknownMeeting: No meeting has this room.")


def test_an_error_of_any_content_can_be_written_down():
    event = event_saying("hello")
    with fails_with(PlatformRejected("\x00 \ud800 " + "x" * 5000)):
        WebhookEvent.run(event.pk)
    assert reloaded(event).state == State.FAILED
    assert len(reloaded(event).last_error) == job_models.ERROR_LIMIT


@pytest.mark.parametrize("state", [State.WAITING, State.DONE, State.FAILED, State.UNMATCHED])
def test_run_again_starts_anew_whatever_became_of_it(state):
    later = timezone.now() + timedelta(hours=1)
    event = event_saying("hello", state=state, attempts=33, next_attempt_at=later, last_error="odd", finished_at=later)
    assert WebhookEvent.objects.run_again() == 1
    assert run_due(WebhookEvent) == 1
    event = reloaded(event)
    assert (event.state, event.attempts, event.last_error) == (State.DONE, 1, "")


def test_run_again_does_not_take_work_away_from_a_worker():
    event = event_saying("hello")
    claimed(event)
    assert WebhookEvent.objects.run_again() == 0
    assert reloaded(event).state == State.RUNNING


# Whose it is


def test_work_that_one_worker_holds_is_not_given_to_another():
    event = event_saying("hello")
    claimed(event)
    assert not WebhookEvent.run(event.pk)
    assert run_due(WebhookEvent) == 0


def test_work_of_a_worker_that_died_is_taken_over_when_its_lease_is_over():
    event = event_saying("hello")
    abandon(event)
    assert run_due(WebhookEvent) == 1
    assert (reloaded(event).state, reloaded(event).attempts) == (State.DONE, 2)


def test_a_late_worker_neither_keeps_what_it_did_nor_overwrites_the_other_one():
    event = event_saying("hello")
    late = claimed(event)
    abandon_lease_of(event)
    WebhookEvent.run(event.pk)
    with hearing(lambda word: event_saying("an effect")):
        late._attempt()
    assert WebhookEvent.objects.get() == event  # the effect is gone
    assert (reloaded(event).state, reloaded(event).attempts) == (State.DONE, 2)


def test_a_late_worker_does_not_report_its_error_over_the_other_ones_success():
    event = event_saying("hello")
    late = claimed(event)
    abandon_lease_of(event)
    WebhookEvent.run(event.pk)
    late._retry_later(ValueError("odd"))
    assert (reloaded(event).state, reloaded(event).last_error) == (State.DONE, "")


def abandon_lease_of(event):
    WebhookEvent.objects.filter(pk=event.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_lease_can_be_renewed_while_it_is_ones_own():
    event = event_saying("hello")
    worker = claimed(event)
    abandon_lease_of(event)
    worker.renew()
    assert reloaded(event).lease_until > timezone.now()
    abandon_lease_of(event)
    WebhookEvent.run(event.pk)
    with pytest.raises(job_models.LeaseLost):
        worker.renew()


def test_work_that_ends_every_worker_is_given_up_and_says_so():
    event = event_saying("hello", attempts=WebhookEvent.MAX_ATTEMPTS)
    abandon(event)
    heard = []
    with hearing(heard.append):
        assert run_due(WebhookEvent) == 1
    assert heard == []
    assert reloaded(event).state == State.FAILED
    assert "went away" in reloaded(event).last_error


def test_work_is_not_given_to_one_worker_after_another_that_dies_of_it():
    event = event_saying("hello")
    for _ in range(WebhookEvent.MAX_LOSSES):
        abandon(event)
    heard = []
    with hearing(heard.append):
        assert run_due(WebhookEvent) == 1
    assert heard == []
    assert (reloaded(event).state, reloaded(event).losses) == (State.FAILED, WebhookEvent.MAX_LOSSES)
    assert WebhookEvent.MAX_LOSSES < WebhookEvent.MAX_ATTEMPTS


def test_attempts_that_ended_by_themselves_are_no_losses():
    event = event_saying("hello", attempts=WebhookEvent.MAX_LOSSES)
    abandon(event)
    assert run_due(WebhookEvent) == 1
    assert (reloaded(event).state, reloaded(event).losses) == (State.DONE, 1)
    WebhookEvent.objects.run_again()
    assert reloaded(event).losses == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_each_row_goes_to_one():
    expected = sorted(str(number) for number in range(120))
    for word in expected:
        event_saying(word)
    heard, start = [], threading.Barrier(2)

    def worker():
        start.wait()
        try:
            run_due(WebhookEvent)
        finally:
            connections.close_all()

    with hearing(heard.append):
        threads = [threading.Thread(target=worker) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(heard) == expected
    assert set(WebhookEvent.objects.values_list("state", "attempts")) == {(State.DONE, 1)}


@pytest.mark.django_db(transaction=True)
def test_of_many_that_want_one_row_one_gets_it():
    event = event_saying("hello")
    heard, start = [], threading.Barrier(6)

    def worker():
        start.wait()
        try:
            WebhookEvent.run(event.pk)
        finally:
            connections.close_all()

    with hearing(heard.append):
        threads = [threading.Thread(target=worker) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert heard == ["hello"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_who_waits_for_what_another_one_holds_ends_that_before_somebody_takes_over(monkeypatch):
    """Else all workers would come to wait for it, one after the other, and the row be given up."""
    monkeypatch.setattr(WebhookEvent, "LEASE", timedelta(seconds=1.5))
    event = event_saying("hello")

    def worker():
        try:
            run_due(WebhookEvent)
        finally:
            connections.close_all()

    waiting = threading.Thread(target=worker)
    with transaction.atomic(), hearing(lambda word: hold("something")):
        hold("something")
        waiting.start()
        waiting.join(20)
        is_over = not waiting.is_alive()
    waiting.join()
    assert is_over
    event = reloaded(event)
    assert (event.state, event.attempts, event.losses) == (State.WAITING, 1, 0)
    assert "lock timeout" in event.last_error


def hold(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])


# Going through all that is due


def test_what_is_due_is_done_oldest_first():
    now = timezone.now()
    for word, age in [("second", 20), ("third", 10), ("first", 30)]:
        event_saying(word, next_attempt_at=now - timedelta(seconds=age))
    heard = []
    with hearing(heard.append):
        assert run_due(WebhookEvent) == 3
    assert heard == ["first", "second", "third"]


def test_what_is_new_goes_before_what_was_tried_in_vain():
    """However many events of rooms that nobody knows wait for their second attempt."""
    earlier = timezone.now() - timedelta(minutes=1)
    for _ in range(WebhookEvent.BATCH):
        event_saying("again", attempts=1, next_attempt_at=earlier)
    event_saying("new")
    heard = []
    with hearing(heard.append):
        run_due(WebhookEvent)
    assert heard == ["new", *["again"] * WebhookEvent.BATCH]


def test_what_waits_for_another_attempt_is_not_kept_out_by_new_ones_as_long_as_these_are_few():
    """While something new comes each moment, there is never none of them."""
    for word in ("again", "new"):
        event_saying(word, attempts=word == "again", next_attempt_at=timezone.now() - timedelta(minutes=1))
    event_saying("newer")
    assert [event.attempts for event in WebhookEvent.claim_next()] == [1, 1, 2]
    for _ in range(WebhookEvent.BATCH):
        event_saying("new")
    event_saying("again", attempts=1, next_attempt_at=timezone.now() - timedelta(minutes=1))
    assert {event.attempts for event in WebhookEvent.claim_next()} == {1}


def test_all_that_is_due_is_done_by_who_is_told_of_some_of_it():
    for _ in range(2):
        abandon(event_saying("abandoned"))
    event_saying("again", attempts=1)
    event_saying("new")
    heard = []
    with hearing(heard.append):
        assert run_due(WebhookEvent) == 4
    assert heard == ["abandoned", "abandoned", "new", "again"]


def test_more_than_a_batch_is_gone_through():
    for _ in range(WebhookEvent.BATCH + 1):
        event_saying("hello")
    assert run_due(WebhookEvent) == WebhookEvent.BATCH + 1


def test_models_of_one_line_take_turns():
    """Each row is given up at once, having had its attempts; what was tried last, and how much is left, tells."""
    recordings = Recording.objects.bulk_create(Recording(provider_recording_id=str(n)) for n in range(6))
    for recording in recordings:
        Ingest.objects.create(recording=recording, attempts=Ingest.MAX_ATTEMPTS)
    deletion = Erasure.objects.create(recording=recordings[-1], location="storage", attempts=Erasure.MAX_ATTEMPTS)
    Submission.objects.create(recording=recordings[0], attempts=Submission.MAX_ATTEMPTS)
    models = job_models.models_of("recordings")
    assert set(models) == {Ingest, Submission, Erasure}
    with sent_messages() as sent:
        assert [run_due(*models, seconds=0) for _ in range(3)] == [1, 1, 1]  # a round each, as each takes long
    deletion.refresh_from_db()
    assert deletion.state == State.FAILED
    assert Submission.objects.get().state == State.FAILED
    assert Ingest.objects.filter(state=State.FAILED).count() == 1
    assert sent == [("recordings", "long")] * 3
    assert run_due(*models) == 5


def test_one_that_fails_does_not_keep_the_others_waiting(caplog):
    def receiver(word):
        if word == "bad":
            raise ValueError("odd")

    bad = event_saying("bad", next_attempt_at=timezone.now() - timedelta(minutes=1))
    good = event_saying("good")
    with hearing(receiver):
        assert run_due(WebhookEvent) == 2
    assert reloaded(bad).state == State.WAITING
    assert reloaded(good).state == State.DONE
    assert f"work_failed model=platforms.WebhookEvent pk={bad.pk}" in caplog.text


def test_one_that_kills_its_worker_takes_no_neighbour_along_twice():
    """Those that were claimed together with it are claimed one by one afterwards."""
    for word in ("bad", "good"):
        event_saying(word)
    WebhookEvent.claim_next()
    WebhookEvent.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    first, second = WebhookEvent.claim_next(), WebhookEvent.claim_next()
    assert (len(first), len(second)) == (1, 1)


def test_a_message_about_work_that_another_one_has_done_costs_a_look(django_assert_num_queries):
    event_saying("hello", state=State.DONE)
    kinds = {"postgresql": 1, "sqlite": 3}  # each kind of due rows is looked for, on PostgreSQL by one round trip
    with django_assert_num_queries(kinds[connection.vendor]):
        assert run_due(WebhookEvent) == 0


def test_many_rows_are_taken_by_two_statements(django_assert_num_queries):
    for word in ("one", "two"):
        event_saying(word)
    with django_assert_num_queries(2):  # to take them, and to read them
        assert len(claims.claim(WebhookEvent.objects.due(timezone.now()), 50)) == 2


def test_what_is_still_to_be_done_when_the_time_is_over_is_asked_for_again():
    for _ in range(WebhookEvent.BATCH + 1):
        event_saying("hello")
    with sent_messages() as sent:
        assert run_due(WebhookEvent, seconds=0) == WebhookEvent.BATCH
    assert sent == [("events", "quick")]
    assert WebhookEvent.objects.filter(state=State.WAITING).count() == 1


def test_rows_of_a_batch_whose_turn_does_not_come_in_time_are_given_back(monkeypatch):
    """No worker went away, and none of them was tried in vain."""
    monkeypatch.setattr(WebhookEvent, "LEASE", timedelta(seconds=0.3))
    words = ["slow", "one", "two"]
    for word in words:
        event_saying(word, attempts=5)
    heard = []

    def receiver(word):
        heard.append(word)
        if word == "slow":
            lease_until = WebhookEvent.objects.filter(state=State.RUNNING).first().lease_until
            wait_until(lambda: timezone.now() >= lease_until)

    with hearing(receiver):
        run_due(WebhookEvent)
    assert heard == words
    assert set(WebhookEvent.objects.values_list("state", "attempts", "losses")) == {(State.DONE, 6, 0)}


def test_what_was_tried_together_is_tried_by_itself_when_it_was_given_back():
    event = event_saying("hello")
    claims.give_back(claimed(event))
    assert (reloaded(event).state, reloaded(event).attempts) == (State.WAITING, 1)
    assert reloaded(event).lease_token is None


def test_what_another_worker_has_taken_over_is_not_given_back():
    event = event_saying("hello")
    late = claimed(event)
    abandon_lease_of(event)
    assert claimed(event)
    claims.give_back(late)
    assert reloaded(event).state == State.RUNNING


@pytest.mark.parametrize("model", job_models.job_models(), ids=lambda model: model.__name__)
def test_finding_what_is_due_does_not_look_at_what_is_done(model):
    """On either database: SQLite, for one, does not use a partial index where the state is a parameter."""
    [index] = [
        index for index in model._meta.concrete_model._meta.indexes if index.fields == ["state", "next_attempt_at"]
    ]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # which it would choose for so few rows
    known = model.rows()
    for rows in (known.waiting(timezone.now()), known.due(timezone.now())):
        assert index.name in rows.order_by("next_attempt_at")[:1].explain()


@pytest.mark.parametrize("model", job_models.job_models(), ids=lambda model: model.__name__)
def test_somebody_does_the_work_of_each_model(model):
    assert "perform" in vars(model) or performer_of(model)


def test_work_that_nobody_does_says_so():
    with pytest.raises(NotImplementedError, match="Job"):
        performer_of(Job)


# The sweep


def test_there_is_a_worker_for_every_queue():
    """In what `manage.py serve` runs, and in what README says that a deployment needs."""
    wanted = {model.QUEUE for model in job_models.job_models()} | {settings.CELERY_TASK_DEFAULT_QUEUE}
    run = {command[command.index("-Q") + 1] for command in processes().values() if "-Q" in command}
    assert run == wanted
    readme = (settings.BASE_DIR / "README.md").read_text()
    assert set(re.findall(r"^    celery .* -Q (\w+)", readme, re.MULTILINE)) == wanted


@contextmanager
def sent_messages():
    """What would be sent to the broker, in order."""
    sent = []

    class Recorder(dispatch.Sender):
        def add(self, message):
            sent.append(message[:2])

    before, dispatch._sender = dispatch._sender, Recorder()
    try:
        yield sent
    finally:
        dispatch._sender = before


def test_the_sweep_asks_once_about_rows_that_one_worker_goes_through():
    for _ in range(3):
        event_saying("hello")
    with sent_messages() as sent:
        sweep()
    assert sent == [("events", "quick")]


def test_the_sweep_finds_what_a_killed_worker_had_begun():
    abandon(event_saying("hello"))
    with sent_messages() as sent:
        sweep()
    assert sent == [("events", "quick")]


def test_the_sweep_sends_nothing_when_nothing_is_due():
    event_saying("hello", state=State.DONE)
    event_saying("hello", next_attempt_at=timezone.now() + timedelta(minutes=1))
    with sent_messages() as sent:
        sweep()
    assert sent == []


# A clock that was an hour ahead, and is put back

HOUR = timedelta(hours=1)


def test_what_was_made_by_a_clock_that_was_ahead_is_done_now():
    event = event_saying("hello")
    WebhookEvent.objects.update(received_at=timezone.now() + HOUR, next_attempt_at=timezone.now() + HOUR)
    assert run_due(WebhookEvent) == 0
    take_back_the_future()
    with hearing(lambda word: True):
        assert run_due(WebhookEvent) == 1
    assert reloaded(event).state == State.DONE


def test_what_a_worker_left_behind_that_was_ahead_is_taken_up_after_a_lease():
    event = event_saying("hello")
    assert claimed(event)
    WebhookEvent.objects.update(lease_until=timezone.now() + HOUR)
    take_back_the_future()
    left = reloaded(event).lease_until - timezone.now()
    assert timedelta() < left <= WebhookEvent.LEASE
    assert reloaded(event).state == State.RUNNING


def test_what_waits_for_its_next_attempt_goes_on_waiting():
    recording = Recording.objects.create(provider_recording_id="a")
    job = Ingest.objects.create(recording=recording, attempts=9, next_attempt_at=timezone.now() + HOUR)
    event = event_saying("hello")
    held = claimed(event)
    take_back_the_future()
    job.refresh_from_db()
    assert job.next_attempt_at > timezone.now() + HOUR - timedelta(minutes=1)
    assert reloaded(event).lease_until == held.lease_until


@pytest.mark.parametrize("model", job_models.job_models(), ids=lambda model: model.__name__)
def test_a_row_of_any_kind_that_was_claimed_alone_is_done_by_itself(model):
    """Also of kinds that have a `perform` of their own, and are in no `jobs.py`."""
    claimed = [model(pk=uuid.uuid4(), attempts=1)]
    assert do_together(claimed) == claimed
