"""What goes on in rooms, whichever provider runs them."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from platforms.sandbox.server import running_sandbox
from platforms.sandbox.world.model import AlreadyRecording, NobodyThere, RoomClosed, RoomFull, Rules
from platforms.sandbox.world.world import World
from tests.sandbox.calls import daily_room, ended, speak
from tests.support import media
from tests.support.live import wait_until


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, time_scale=0.001)
    world.told = []
    world.listen(lambda what, room, **facts: world.told.append(what))
    return world


def make_room(world, **rules):
    return world.make_room("mock", "standup", Rules(**rules))


# People


def test_people_come_and_go_and_all_is_told_in_order(world):
    room = make_room(world)
    ada = world.join(room, "Ada")
    assert world.join(room, "Ada", session_id=ada.session_id) is ada
    assert room.people == [ada]
    world.leave(room, ada.session_id)
    assert world.leave(room, ada.session_id) is None
    assert (room.people, room.visits) == ([], [ada])
    assert world.told == ["joined", "call_started", "left", "call_ended"]


def test_a_room_that_is_full_or_closed_or_not_open_yet_lets_nobody_in(world):
    room = make_room(world, capacity=1)
    world.join(room, "Ada")
    with pytest.raises(RoomFull):
        world.join(room, "Bo")
    world.close(room)
    assert [person.ejected for person in room.visits] == [True]
    with pytest.raises(RoomClosed):
        world.join(room, "Ada")
    for rules in ({"opens_at": datetime.now(UTC) + timedelta(hours=1)}, {"ends_at": datetime.now(UTC)}):
        with pytest.raises(RoomClosed):
            world.join(make_room(world, **rules), "Ada")


def test_a_name_may_be_used_again_once_it_is_forgotten(world):
    room = make_room(world)
    world.join(room, "Ada")
    world.forget(room)
    assert world.room("mock", "standup") is None
    again = make_room(world)
    assert world.join(again, "Bo")
    with pytest.raises(RoomClosed):
        world.join(room, "Cy")
    assert world.rooms_of("mock") == [again]


def test_who_waits_for_change_is_told(world):
    room, seen = make_room(world), world.version
    threading.Timer(0.05, lambda: world.join(room, "Ada")).start()
    assert world.wait_for_change(seen, 10) > seen
    assert world.wait_for_change(world.version, 0.01) == world.version


# Calls


def test_a_call_needs_as_many_as_the_rules_say(world):
    room = make_room(world, quorum=2)
    ada = world.join(room, "Ada")
    assert room.call is None
    world.join(room, "Bo")
    call = room.call
    world.leave(room, ada.session_id)
    assert room.call is call  # without a time of grace it ends when nobody is in
    world.close(room)
    assert call.ended_at
    assert (call.most, len(call.visits)) == (2, 2)


def test_being_alone_for_long_begins_a_call_and_for_longer_ends_it(world):
    room = make_room(world, quorum=2, alone_starts=30, alone_ends=60)
    world.join(room, "Ada")
    world.review()
    assert room.call is None

    def is_over():
        world.review()
        return room.calls and room.calls[0].ended_at

    wait_until(is_over, seconds=5, every=0.005)


def test_each_stretch_is_a_call_of_its_own(world):
    room = make_room(world)
    for _ in range(2):
        world.leave(room, world.join(room, "Ada").session_id)
    assert len({call.id for call in room.calls}) == 2


# Recordings


@pytest.mark.parametrize(
    ("recording", "trigger", "begins_with"),
    [
        ("cloud", "automatic", 1),
        ("cloud", "automatic-2nd-participant", 2),
        ("raw-tracks", "automatic", 1),
        ("cloud", "prompt", None),
        ("cloud", "none", None),
        ("local", "automatic", None),
        ("none", "automatic", None),
    ],
)
def test_a_recording_begins_by_itself_where_the_rules_say_so(world, recording, trigger, begins_with):
    room = make_room(world, recording=recording, trigger=trigger)
    begun = None
    for number in (1, 2, 3):
        world.join(room, f"Person {number}")
        if begun is None and room.recording:
            begun = number
    assert begun == begins_with
    assert world.told.count("recording_started") == (1 if begins_with else 0)


def test_the_last_to_leave_stops_the_recording(world):
    room = make_room(world)
    ada, bo = world.join(room, "Ada"), world.join(room, "Bo")
    recording = world.start_recording(room)
    world.leave(room, ada.session_id)
    assert recording.is_active
    world.leave(room, bo.session_id)
    assert (recording.state, recording.most) == ("processing", 2)
    world.stop_recording(recording)
    assert world.told.count("recording_stopped") == 1


def test_there_is_nothing_to_record_without_people_nor_twice_at_once(world):
    room = make_room(world)
    with pytest.raises(NobodyThere):
        world.start_recording(room)
    world.join(room, "Ada")
    first = world.start_recording(room, instance_id="a")
    with pytest.raises(AlreadyRecording):
        world.start_recording(room, instance_id="a")
    world.start_recording(room, instance_id="b")
    world.stop_recording(first)
    assert world.start_recording(room, instance_id="a").is_active


# What becomes of a recording


def test_a_recording_waits_for_what_browsers_still_have_to_send():
    with running_sandbox(storage=False) as sandbox:
        room = daily_room(sandbox)
        ada = sandbox.world.join(room, "Ada")
        recording = sandbox.world.start_recording(room)
        sandbox.world.stop_recording(recording)
        speak(sandbox, recording, ada.session_id, seconds=1.5)
        assert ended(recording) == "ready"
        heard = media.heard(recording.files[0].path.read_bytes())
        assert len(heard) / media.RATE > 1.4


def test_it_does_not_wait_for_ever(sandbox):
    room = daily_room(sandbox)
    sandbox.world.join(room, "Ada")
    recording = sandbox.world.start_recording(room)
    sandbox.world.stop_recording(recording)
    assert ended(recording) == "ready"
    assert recording.complete == set()
