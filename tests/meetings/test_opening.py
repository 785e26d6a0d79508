"""Opening and ending meetings, in one process; what only shows between processes is in test_opening_processes."""

import threading
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from meetings.models import Meeting, ProviderCall
from meetings.opening import OpeningInProgress, end_meeting, open_meeting
from platforms.backends.mock import MockClient
from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.handler import register_platform, unregister_platform
from platforms.work.models import models_of, run_due
from rooms.models import Room


class Gate(MockClient):
    """A provider that lets a test look at what happens while it is being asked, and can fail."""

    label = "Gate"
    asked: threading.Event
    answer: threading.Event
    error: Exception | None = None
    calls: list[str]

    def create_meeting(self, room_name_prefix, end_date, room):
        type(self).calls.append(room_name_prefix)
        assert not connection.in_atomic_block or connection.savepoint_ids == [], "a provider is called in a transaction"
        type(self).asked.set()
        assert type(self).answer.wait(10)
        if error := type(self).error:
            raise error
        return super().create_meeting(room_name_prefix, end_date, room)


@pytest.fixture
def gate():
    Gate.asked, Gate.answer, Gate.error, Gate.calls = threading.Event(), threading.Event(), None, []
    Gate.answer.set()
    register_platform("gate", Gate)
    yield Gate
    unregister_platform("gate")


@pytest.fixture
def gated_room(owner, gate):
    return Room.objects.create(name="gated", owner=owner, platform="gate")


def test_an_opened_meeting_is_live_with_the_providers_own_names(room):
    meeting = open_meeting(room)
    meeting.refresh_from_db()
    assert meeting.state == "live"
    assert meeting.platform == "mock"
    assert meeting.platform_reason == "Chosen for this room."
    assert meeting.provider_meeting_id.startswith("mock-")
    assert meeting.room_name.startswith("standup-")
    assert meeting.room_url
    assert meeting.room == room


def test_a_meeting_lasts_eight_hours_unless_configured(room, settings):
    first = open_meeting(room)
    assert first.end_date - first.start_date == timedelta(hours=8)
    settings.MEETING_DURATION = timedelta(minutes=30)
    second = open_meeting(room, allow_duplicated=True)
    assert second.end_date - second.start_date == timedelta(minutes=30)


def test_the_live_meeting_is_found_again(room, django_assert_num_queries):
    first = open_meeting(room)
    with django_assert_num_queries(2):  # whether the rules are the same, and the meeting
        assert open_meeting(room) == first


def test_a_duplicate_is_another_meeting_and_does_not_replace_the_first(room):
    first = open_meeting(room)
    duplicate = open_meeting(room, allow_duplicated=True)
    assert duplicate != first
    assert open_meeting(room) == first
    assert Meeting.objects.live().count() == 2


def test_how_long_the_platform_took_is_kept(gated_room, gate):
    gate.answer.clear()

    def answer_late():
        assert gate.asked.wait(10)
        threading.Timer(0.2, gate.answer.set).start()

    threading.Thread(target=answer_late).start()
    assert open_meeting(gated_room).opening_ms >= 150
    assert Meeting.objects.get().opening_ms >= 150


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("is_locked", True),
        ("room_mode", "group"),
        ("recording_type", "none"),
        ("recording_trigger", "prompt"),
        ("store_video", True),
        ("skip_consent", True),
    ],
)
def test_changed_settings_open_a_new_meeting_and_leave_the_running_one_alone(room, field, value):
    first = open_meeting(room)
    before = getattr(first, field)
    setattr(room, field, value)
    room.save()
    second = open_meeting(room)
    assert second != first
    assert getattr(second, field) == value
    first.refresh_from_db()
    assert first.state == "live"
    assert getattr(first, field) == before


def test_a_room_moved_to_another_platform_opens_there_and_the_first_meeting_stays(room, gate):
    first = open_meeting(room)
    room.platform = "gate"
    room.save()
    second = open_meeting(room)
    first.refresh_from_db()
    assert (first.platform, first.state) == ("mock", "live")
    assert (second.platform, second.state) == ("gate", "live")


def test_a_room_moved_back_finds_the_meeting_that_still_runs_there(room, gate):
    first = open_meeting(room)
    room.platform = "gate"
    open_meeting(room)
    room.platform = "mock"
    assert open_meeting(room) == first


def test_a_meeting_past_its_end_that_is_empty_gives_way_to_a_new_one(room):
    first = open_meeting(room)
    Meeting.objects.filter(pk=first.pk).update(end_date=timezone.now() - timedelta(seconds=1))
    second = open_meeting(room)
    assert second != first
    first.refresh_from_db()
    assert first.state == "ended"


def test_a_meeting_past_its_end_with_people_inside_goes_on(room):
    first = open_meeting(room)
    Meeting.objects.filter(pk=first.pk).update(end_date=timezone.now() - timedelta(seconds=1), num_clients=2)
    assert open_meeting(room) == first


@pytest.mark.parametrize("error", [PlatformUnavailable("down", "gate"), PlatformRejected("no", "gate", 403)])
def test_a_failed_opening_keeps_its_reason_and_the_room_can_be_opened_again(gated_room, gate, error):
    gated_room.never_elsewhere = True
    gate.error = error
    with pytest.raises(type(error)):
        open_meeting(gated_room)
    failed = Meeting.objects.get()
    assert (failed.state, failed.error) == ("failed", str(error))
    gate.error = None
    assert open_meeting(gated_room).state == "live"


def test_what_an_adapter_did_not_expect_is_its_platforms_failure(gated_room, gate, caplog):
    gate.error = KeyError("roomUrl of a host")
    with pytest.raises(PlatformRejected, match="KeyError") as caught:
        open_meeting(gated_room)
    failed = Meeting.objects.get()
    assert (failed.state, failed.error) == ("failed", str(caught.value))
    assert "roomUrl of a host" not in failed.error
    [record] = [record for record in caplog.records if record.getMessage().startswith("adapter_failed")]
    assert record.exc_info[1] is gate.error
    gate.error = None
    assert open_meeting(gated_room).state == "live"


class Unusable(MockClient):
    label = "Unusable"

    def __init__(self, config):
        raise PlatformNotConfigured("Unusable is not configured: its key is odd.", "unusable")


def test_a_platform_that_only_now_proves_unusable_does_not_keep_the_room_from_opening(owner):
    register_platform("unusable", Unusable)
    try:
        room = Room.objects.create(name="unusable", owner=owner, platform="unusable")
        with pytest.raises(PlatformNotConfigured):
            open_meeting(room)
    finally:
        unregister_platform("unusable")
    assert Meeting.objects.get().state == "failed"


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_provider_is_asked(gated_room):
    # Gate itself asserts it; here no transaction of the test's own is around it.
    assert open_meeting(gated_room).state == "live"


def test_a_second_request_waits_for_the_first_and_gives_up_after_a_bounded_time(gated_room, settings):
    settings.MEETING_OPEN_WAIT = 0.2
    reserve_for_another(gated_room, lease=timedelta(seconds=30))
    with pytest.raises(OpeningInProgress):
        open_meeting(gated_room)


def test_an_opening_whose_process_died_is_taken_over_when_its_lease_is_over(gated_room):
    dead = reserve_for_another(gated_room, lease=timedelta(seconds=-1))
    meeting = open_meeting(gated_room)
    dead.refresh_from_db()
    assert meeting.state == "live"
    assert dead.state == "failed"
    assert "cut off" in dead.error


def reserve_for_another(room, lease):
    """What a request leaves behind that is still at work, or died."""
    meeting = open_meeting(room)
    Meeting.objects.filter(pk=meeting.pk).update(state="opening", lease_until=timezone.now() + lease)
    return meeting


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_comes_after_the_place_was_lost_gives_way_to_the_meeting_that_took_it(gated_room, gate):
    gate.answer.clear()
    results: list[Meeting] = []
    slow = threading.Thread(target=open_in_thread, args=(gated_room, results))
    slow.start()
    assert gate.asked.wait(10)
    Meeting.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    gate.answer.set()
    quick = open_meeting(gated_room)
    slow.join()
    assert {meeting.pk for meeting in results} | {quick.pk} == {Meeting.objects.live().get().pk}


@pytest.mark.django_db(transaction=True)
def test_a_room_that_is_deleted_while_it_opens_is_gone_at_once(gated_room, gate):
    gate.answer.clear()
    errors: list[Exception] = []
    slow = threading.Thread(target=open_in_thread, args=(gated_room, [], errors))
    slow.start()
    assert gate.asked.wait(10)
    Room.objects.all().delete()
    gate.answer.set()
    slow.join()
    assert [type(error) for error in errors] == [Room.DoesNotExist]
    assert len(gate.calls) == 1
    assert Meeting.objects.get().state == "failed"


def open_in_thread(room, results, errors=None):
    try:
        results.append(open_meeting(room))
    except Room.DoesNotExist as error:
        errors.append(error)
    finally:
        connection.close()


def test_the_logo_is_set_by_a_worker_and_not_while_the_room_opens(room):
    room.logo.save("acme.png", ContentFile(b"a picture"))
    meeting = open_meeting(room)
    call = ProviderCall.objects.get()
    assert (call.meeting, call.kind, call.state) == (meeting, "set_logo", "waiting")
    assert run_due(ProviderCall) == 1
    call.refresh_from_db()
    assert call.state == "done"


def test_no_logo_is_no_work(room):
    open_meeting(room)
    assert not ProviderCall.objects.exists()


def test_ending_a_meeting_has_the_providers_room_closed(room):
    meeting = open_meeting(room)
    assert end_meeting(meeting)
    assert meeting.state == "ended"
    assert meeting.ended_at
    call = ProviderCall.objects.get()
    assert call.kind == "close_room"
    assert run_due(*models_of(ProviderCall.LINE)) == 1
    call.refresh_from_db()
    assert call.state == "done"


def test_ending_twice_does_nothing_more(room):
    meeting = open_meeting(room)
    assert end_meeting(meeting)
    ended_at = meeting.ended_at
    assert not end_meeting(meeting)
    assert meeting.ended_at == ended_at
    assert ProviderCall.objects.count() == 1


def test_a_meeting_outlives_its_room(room):
    meeting = open_meeting(room)
    room.delete()
    meeting.refresh_from_db()
    assert meeting.room is None
    assert meeting.room_label == "standup"
