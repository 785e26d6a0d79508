"""The watchdog: each thing that it looks for is told of while it lasts, and not after."""

import shutil
from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.health import notices, watchdog
from platforms.models import StaffNotice, WebhookEvent
from recordings.models import Ingest, Recording, Submission
from tests.support.paper import event_saying, paper  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("db", "paper")
State = WebhookEvent.State


def told():
    watchdog.watch()
    return [notice.text for notice in notices.shown()]


def ago(**time):
    return timezone.now() - timedelta(**time)


def test_nothing_is_told_while_all_is_well():
    event_saying("hello", state=State.DONE)
    event_saying("hello")
    event_saying("hello", state=State.UNMATCHED, finished_at=timezone.now())
    assert told() == []


def test_what_failed_for_good_is_told_of_for_a_day():
    event = event_saying("hello", state=State.FAILED, finished_at=timezone.now())
    [text] = told()
    assert "webhook event, 1 of them" in text
    WebhookEvent.objects.filter(pk=event.pk).run_again()
    assert told() == []
    WebhookEvent.objects.update(state=State.FAILED, finished_at=ago(hours=25))
    assert told() == []


def test_what_is_tried_again_and_again_is_told_of():
    event_saying("hello", attempts=watchdog.OFTEN, next_attempt_at=timezone.now() + timedelta(hours=1))
    [text] = told()
    assert "in vain" in text
    WebhookEvent.objects.update(state=State.DONE)
    assert told() == []


def test_an_event_that_waits_for_its_meeting_is_no_trouble():
    fields = {"attempts": watchdog.OFTEN, "next_attempt_at": timezone.now() + timedelta(hours=1)}
    event_saying("hello", last_error="UnknownMeeting: No meeting has the room '' or the id ''.", **fields)
    assert told() == []


def test_work_that_nobody_does_is_told_of_soon():
    Ingest.objects.create(recording=Recording.objects.create(), next_attempt_at=ago(minutes=6))
    [text] = told()
    assert "nobody works" in text
    assert "-Q long" in text
    Ingest.objects.update(next_attempt_at=ago(minutes=2))
    assert told() == []


@pytest.mark.parametrize(("kind", "queue"), [("file", "long"), ("upload", "uploads")])
def test_a_hand_off_that_nobody_does_is_told_of_once_with_its_own_queue(kind, queue):
    Submission.objects.create(recording=Recording.objects.create(kind=kind), next_attempt_at=ago(minutes=6))
    [text] = told()
    assert text.endswith(f"nobody works: start a worker with -Q {queue}.")
    Submission.objects.update(state=State.FAILED, finished_at=timezone.now())
    assert len(told()) == 1


def test_work_that_waits_for_busy_workers_is_told_of_later():
    recordings = Recording.objects.bulk_create(Recording(provider_recording_id=str(n)) for n in range(2))
    waiting, running = (Ingest.objects.create(recording=recording) for recording in recordings)
    Ingest.objects.filter(pk=running.pk).update(state=State.RUNNING, lease_until=timezone.now() + Ingest.LEASE)
    Ingest.objects.filter(pk=waiting.pk).update(next_attempt_at=ago(minutes=50))
    assert told() == []
    Ingest.objects.filter(pk=waiting.pk).update(next_attempt_at=ago(minutes=70))
    [text] = told()
    assert "busy" in text


def test_events_that_wait_are_told_of_although_somebody_works():
    event_saying("hello", next_attempt_at=ago(minutes=3), received_at=ago(minutes=3))
    event_saying("hello", state=State.RUNNING, attempts=1, lease_until=timezone.now() + timedelta(minutes=1))
    [text] = told()
    assert "Events have waited since" in text
    [notice] = notices.shown()
    assert notice.key == "inbox:paper"  # so that it stands on the platform's card
    WebhookEvent.objects.update(state=State.DONE)
    assert told() == []


def test_events_that_are_tried_again_are_no_late_ones():
    event_saying("hello", attempts=1, next_attempt_at=ago(minutes=2, seconds=30), received_at=ago(hours=3))
    assert told() == []


def test_a_disk_without_room_is_told_of(settings):
    settings.RECORDINGS_KEEP_FREE = shutil.disk_usage(settings.DATA_DIR).free + 1024**3
    [text] = told()
    assert str(settings.DATA_DIR) in text
    settings.RECORDINGS_KEEP_FREE = 0
    assert told() == []


def test_a_disk_that_is_nearly_full_is_told_of(settings):
    settings.RECORDINGS_KEEP_FREE = int(shutil.disk_usage(settings.DATA_DIR).free * 0.75)
    [text] = told()
    assert "nearly full" in text


def test_the_disk_of_a_machine_of_which_nothing_is_heard_any_more_is_forgotten(settings):
    settings.RECORDINGS_KEEP_FREE = 0
    notices.report("disk:elsewhere", "The disk of /data on elsewhere has 3 MB left.")
    assert len(told()) == 1
    StaffNotice.objects.filter(key="disk:elsewhere").update(last_seen_at=ago(minutes=40))
    assert told() == []


def test_its_own_silence_is_told_of():
    """As where the clock, the workers or the broker are gone."""
    assert told() == []
    StaffNotice.objects.update(last_seen_at=ago(minutes=6))
    [notice] = notices.shown()
    assert "Nothing is done in the background" in notice.text
    assert told() == []
