"""What a move to another platform means for rooms, by what platforms can do and never by which they are."""

import pytest

from platforms.backends.mock import MockClient
from platforms.base import VideoPlatformClient
from platforms.handler import register_platform, unregister_platform
from rooms.lost_features import lost_features
from rooms.models import Room
from rooms.platform_change import compare_platforms


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


class ByHosts(Full):
    only_hosts_record = True


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
        ({"recording_type": "none", "room_mode": "group"}, Bare, ["room mode “group” (for more than four people)"]),
        ({"recording_type": "cloud"}, Bare, ["cloud recording"]),
        ({"recording_type": "local"}, Bare, ["local recording"]),
        ({}, ByHosts, ["recording that starts without waiting for a host"]),
        ({"recording_trigger": "automatic"}, ByHosts, ["recording that starts without waiting for a host"]),
        ({"recording_trigger": "none"}, ByHosts, []),
        ({"recording_trigger": "prompt"}, ByHosts, []),
        ({"recording_type": "none"}, ByHosts, []),
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
    assert lost_features(Room(name="a", **settings_of_room), client_class) == lost


@pytest.mark.parametrize("recording_type", ["none", "local"])
def test_a_trigger_matters_only_for_recording_in_the_cloud(recording_type):
    assert lost_features(Room(recording_type=recording_type), FirstPerson) == []


def test_all_losses_are_named():
    room = Room(logo="a.png", is_locked=True, room_mode="group")
    assert lost_features(room, Bare) == [
        "logo",
        "knocking before one is let in",
        "room mode “group” (for more than four people)",
        "cloud recording",
    ]


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
