"""What a move to another platform means for rooms, by what platforms can do and never by which they are."""

from datetime import timedelta

import pytest
from django.utils import timezone

from meetings.models import Meeting
from platforms.backends.mock import MockClient
from platforms.base import VideoPlatformClient
from platforms.handler import register_platform, unregister_platform
from rooms.models import Room
from rooms.moving import compare_platforms, losses, move_rooms


class Bare(VideoPlatformClient):
    """Can do nothing but meet."""

    label = "Bare"
    room_modes = frozenset({"normal"})


class Full(MockClient):
    label = "Full"


class FirstPerson(Full):
    label = "First"
    recording_triggers = frozenset({"none", "prompt", "automatic"})


class SecondPerson(Full):
    recording_triggers = frozenset({"automatic-2nd-participant"})


class ByHand(Full):
    recording_triggers = frozenset({"none"})


class Costly(Full):
    label = "Costly"
    required_options = {"api_key": "COSTLY_API_KEY"}


@pytest.fixture(autouse=True)
def _platforms(settings):
    settings.VIDEO_PLATFORMS = {}
    settings.DEFAULT_VIDEO_PLATFORM = "full"
    settings.VIDEO_PLATFORM_FAILOVER = ["full"]
    settings.VIDEO_PLATFORM_MIGRATION = {
        "TARGET": "first",
        "SWITCH": "FIRST_ENABLED",
        "ROOM_IDS": "FIRST_ROOM_IDS",
        "PERCENTAGE": "FIRST_PERCENTAGE",
    }
    settings.FIRST_ENABLED, settings.FIRST_ROOM_IDS, settings.FIRST_PERCENTAGE = True, [], 0
    added = {"full": Full, "bare": Bare, "first": FirstPerson, "costly": Costly}
    for name, client_class in added.items():
        register_platform(name, client_class)
    yield
    for name in added:
        unregister_platform(name)


# What a room loses


@pytest.mark.parametrize(
    ("settings_of_room", "client_class", "lost"),
    [
        ({}, Full, []),
        ({"recording_type": "none"}, Bare, []),
        ({"recording_type": "none", "logo": "logos/a.png"}, Bare, ["logo"]),
        ({"logo": "logos/a.png"}, Full, []),
        ({"recording_type": "none", "is_locked": True}, Bare, ["knocking before one is let in"]),
        ({"is_locked": True}, Full, []),
        ({"recording_type": "none", "room_mode": "group"}, Bare, ["room mode “group”"]),
        ({"recording_type": "cloud"}, Bare, ["cloud recording"]),
        ({"recording_type": "local"}, Bare, ["local recording"]),
        ({}, FirstPerson, ["recording starts with the first person instead of the second"]),
        (
            {"recording_trigger": "automatic"},
            SecondPerson,
            ["recording starts with the second person instead of the first"],
        ),
        ({}, ByHand, ["recording that starts by itself"]),
        ({"recording_trigger": "automatic"}, ByHand, ["recording that starts by itself"]),
        ({"recording_trigger": "prompt"}, ByHand, ["asking people to start recording"]),
        ({"recording_trigger": "none"}, ByHand, []),
        ({"recording_trigger": "none"}, SecondPerson, ["recording that is started by hand only"]),
    ],
)
def test_what_a_room_loses(settings_of_room, client_class, lost):
    assert losses(Room(name="a", **settings_of_room), client_class) == lost


@pytest.mark.parametrize("recording_type", ["none", "local"])
def test_a_trigger_matters_only_for_recording_in_the_cloud(recording_type):
    assert losses(Room(recording_type=recording_type), FirstPerson) == []


def test_all_losses_are_named():
    room = Room(logo="a.png", is_locked=True, room_mode="group")
    assert losses(room, Bare) == ["logo", "knocking before one is let in", "room mode “group”", "cloud recording"]


# What platforms can do


def table(room=None):
    rows = dict(compare_platforms(room))
    return {words: dict(zip(rows["Platform"], values, strict=True)) for words, values in rows.items()}


def test_platforms_are_compared_by_what_they_can_do():
    rows = table()
    assert rows["Meetings can open there"]["Bare"] == "yes"
    assert rows["Meetings can open there"]["Costly"] == "Costly is not configured: set COSTLY_API_KEY."
    assert (rows["Shows the room's logo"]["Bare"], rows["Shows the room's logo"]["Full"]) == ("no", "yes")
    assert rows["Room modes"]["Bare"] == "normal"
    assert rows["Recording types"]["Full"] == "none, local, cloud"
    assert rows["Recording starts"]["Full"] == "none, prompt, automatic, automatic-2nd-participant"
    assert "Lost by this room there" not in rows


def test_the_comparison_says_what_one_room_would_lose():
    assert table(Room(logo="a.png"))["Lost by this room there"] == {
        "Full": "nothing",
        "Bare": "logo; cloud recording",
        "First": "recording starts with the first person instead of the second",
        "Costly": "nothing",
    }


def test_a_platform_that_cannot_be_loaded_is_in_the_comparison_with_the_reason(settings):
    settings.VIDEO_PLATFORMS = {"broken": {"BACKEND": "no.such.Client"}}
    rows = table(Room())
    assert "no.such.Client" in rows["Meetings can open there"]["broken"]
    assert rows["Recording types"]["broken"] == rows["Lost by this room there"]["broken"] == "unknown"


# Moving


@pytest.fixture
def make_room(owner):
    def make(name, platform="full", **fields):
        return Room.objects.create(name=name, owner=owner, platform=platform, **fields)

    return make


def meet(room, platform="full", **fields):
    return Meeting.objects.create(
        room=room,
        room_label=room.name,
        slot=timezone.now().isoformat(),
        platform=platform,
        end_date=timezone.now() + timedelta(hours=1),
        **{"state": "live", "room_url": "https://rooms.example/a", **fields},
    )


def test_only_rooms_with_another_platform_are_moved(make_room):
    here, there, automatic = make_room("here"), make_room("there", "bare"), make_room("automatic", "")
    stamp = there.updated_at
    move = move_rooms(Room.objects.all(), "bare")
    assert move.before == {"full": [here], "": [automatic]}
    assert move.moved == 2
    assert set(Room.objects.values_list("platform", flat=True)) == {"bare"}
    there.refresh_from_db()
    assert there.updated_at == stamp
    here.refresh_from_db()
    assert here.updated_at > stamp


def test_rooms_that_were_not_selected_stay(make_room):
    make_room("a")
    make_room("b")
    assert move_rooms(Room.objects.filter(name="a"), "bare").moved == 1
    assert Room.objects.get(name="b").platform == "full"


def test_moving_nothing_means_nothing(make_room):
    make_room("a")
    move = move_rooms(Room.objects.all(), "full")
    assert (move.moved, move.consequences()) == (0, [])


def test_live_meetings_stay_where_they_are_and_are_counted(make_room):
    room, other = make_room("a"), make_room("b")
    live = [meet(room), meet(room), meet(other)]
    meet(room, state="ended")
    meet(room, platform="bare")  # it is there already
    move = move_rooms(Room.objects.all(), "bare")
    assert move.staying == 3
    assert "3 live meetings stay where they are until they end." in move.consequences()
    for meeting in live:
        meeting.refresh_from_db()
        assert (meeting.platform, meeting.state) == ("full", "live")


def test_one_live_meeting_is_spoken_of_as_one(make_room):
    meet(make_room("a"))
    assert "1 live meeting stays where it is until it ends." in move_rooms(Room.objects.all(), "bare").consequences()


def test_losses_are_summed_up_over_the_rooms(make_room):
    make_room("a", logo="logos/a.png")
    make_room("b", logo="logos/b.png")
    make_room("c")
    lost = "Lost by the move: cloud recording: 3 rooms; logo: 2 rooms."
    assert move_rooms(Room.objects.all(), "bare").consequences() == [lost]
    assert move_rooms(Room.objects.all(), "full").consequences() == []


def test_following_the_rollout_is_weighed_by_where_each_room_will_open(make_room, settings):
    listed, rest = make_room("listed", "bare"), make_room("rest", "bare")
    settings.FIRST_ROOM_IDS = [str(listed.pk)]
    meet(listed, platform="first")
    meet(rest, platform="bare")
    move = move_rooms(Room.objects.all(), "")
    assert move.moved == 2
    assert move.consequences() == [
        "1 live meeting stays where it is until it ends.",
        "Lost by the move: recording starts with the first person instead of the second: 1 room.",
    ]


def test_a_move_to_a_platform_that_is_switched_off_says_that_it_waits(make_room, settings):
    settings.FIRST_ENABLED = False
    make_room("a", recording_type="none")
    make_room("b", recording_type="none")
    sentence = (
        "Not yet in effect: Chosen for this room. First is switched off (FIRST_ENABLED is false). "
        "So it opens on Full instead."
    )
    assert move_rooms(Room.objects.all(), "first").consequences() == [sentence]


def test_rooms_can_follow_a_rollout_that_has_no_platform(make_room, settings):
    settings.DEFAULT_VIDEO_PLATFORM = "costly"
    settings.VIDEO_PLATFORM_FAILOVER = []
    meet(make_room("a"))
    move = move_rooms(Room.objects.all(), "")
    assert move.consequences() == ["1 live meeting stays where it is until it ends."]


def test_moving_many_rooms_takes_few_queries(make_room, django_assert_max_num_queries):
    for number in range(60):
        meet(make_room(f"room-{number}"))
    with django_assert_max_num_queries(6):  # with savepoint
        move = move_rooms(Room.objects.all(), "bare")
    assert (move.moved, move.staying) == (60, 60)
