"""Which platform a room opens on, and why.

Twice over: a table that people can check against the rules, and every combination there is, checked against a second
reading of the rules that shares nothing with the code.
"""

import itertools
import random
import uuid

import pytest

from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import register_platform, unregister_platform
from rooms.models import Room
from rooms.selection import (
    RolloutPolicy,
    bucket,
    current_policy,
    get_platform_for_room,
    select_for_room,
    select_platform,
)

ROOM = "5f0c4f4e-0000-4000-8000-000000000000"
SHARE = bucket(ROOM)  # the room is in from the next percentage on
OTHER = "5f0c4f4e-0000-4000-8000-00000000ffff"

OFF = "New is switched off (SWITCH is false)."
NO_OLD = "Old is not configured: set OLD_KEY."
NO_NEW = "New is not configured: set NEW_KEY."
NO_SPARE = "Spare is not configured: set SPARE_KEY."
CHOSEN = "Chosen for this room."
LISTED = "The room is on the migration list."
HELD = "The room is held back."
GROUP = "The room's owner is in a group that goes first."
DEFAULT = "The default platform."
NOT_ALLOWED = "The rollout does not allow another platform instead."


class Old(VideoPlatformClient):
    label = "Old"


class New(VideoPlatformClient):
    label = "New"


class Spare(VideoPlatformClient):
    label = "Spare"


@pytest.fixture(autouse=True)
def _platforms():
    for client_class in (Old, New, Spare):
        register_platform(client_class.label.lower(), client_class)
    yield
    for name in ("old", "new", "spare"):
        unregister_platform(name)


OWNER = 7


def policy(default="old", on=True, percentage=0, missing=(), failover=("old", "new", "spare"), allowed=True, **applies):
    """`listed`, `held` and `grouped` say which rules apply to the room beside the percentage."""
    refusals = {"old": NO_OLD, "new": NO_NEW, "spare": NO_SPARE}
    return RolloutPolicy(
        default=default,
        target="new",
        switched_on=on,
        off_because="SWITCH is false",
        room_ids=frozenset({ROOM, OTHER} if applies.get("listed") else {OTHER}),
        held_back=frozenset({ROOM, OTHER} if applies.get("held") else {OTHER}),
        owner_ids=frozenset({OWNER} if applies.get("grouped") else {OWNER + 1}),
        percentage=percentage,
        failover_allowed=allowed,
        failover=failover,
        platforms={name: refusal if name in missing else None for name, refusal in refusals.items()},
    )


TABLE = [
    # The room's own choice comes first.
    ({}, "old", "old", CHOSEN),
    ({}, "new", "new", CHOSEN),
    ({}, "spare", "spare", CHOSEN),
    ({"listed": True, "percentage": 100}, "old", "old", CHOSEN),
    ({"held": True}, "new", "new", CHOSEN),
    # An automatic room: held back, the list, the owner's group, the share, the default.
    ({"held": True, "listed": True, "grouped": True, "percentage": 100}, "", "old", HELD),
    ({"held": True, "default": "spare"}, "", "spare", HELD),
    ({"grouped": True}, "", "new", GROUP),
    ({"grouped": True, "percentage": 100}, "", "new", GROUP),
    ({"grouped": True, "listed": True}, "", "new", LISTED),
    ({}, "", "old", DEFAULT),
    ({"default": "spare"}, "", "spare", DEFAULT),
    ({"default": "new"}, "", "new", DEFAULT),
    ({"listed": True}, "", "new", LISTED),
    ({"listed": True, "percentage": 100}, "", "new", LISTED),
    ({"percentage": SHARE}, "", "old", DEFAULT),
    ({"percentage": SHARE + 1}, "", "new", f"The room is within the {SHARE + 1} % being migrated."),
    ({"percentage": 100}, "", "new", "The room is within the 100 % being migrated."),
    # Switched off, nothing opens on the target, whatever asks for it.
    ({"on": False}, "new", "old", f"{CHOSEN} {OFF} So it opens on Old instead."),
    ({"on": False, "listed": True}, "", "old", f"{LISTED} {OFF} So it opens on Old instead."),
    (
        {"on": False, "percentage": 100},
        "",
        "old",
        f"The room is within the 100 % being migrated. {OFF} So it opens on Old instead.",
    ),
    ({"on": False, "default": "new"}, "", "old", f"{DEFAULT} {OFF} So it opens on Old instead."),
    ({"on": False, "default": "new"}, "new", "old", f"{CHOSEN} {OFF} So it opens on Old instead."),
    ({"on": False, "default": "spare"}, "new", "spare", f"{CHOSEN} {OFF} So it opens on Spare instead."),
    ({"on": False}, "", "old", DEFAULT),
    ({"on": False}, "spare", "spare", CHOSEN),
    ({"on": False, "failover": (), "allowed": False}, "new", "old", f"{CHOSEN} {OFF} So it opens on Old instead."),
    # What is not configured is passed over, in the failover order; the default has no place of its own in it.
    ({"missing": ["old"]}, "", "new", f"{DEFAULT} {NO_OLD} So it opens on New instead."),
    ({"missing": ["old"], "on": False}, "", "spare", f"{DEFAULT} {NO_OLD} {OFF} So it opens on Spare instead."),
    ({"missing": ["new"], "listed": True}, "", "old", f"{LISTED} {NO_NEW} So it opens on Old instead."),
    ({"missing": ["new"], "default": "spare"}, "new", "old", f"{CHOSEN} {NO_NEW} So it opens on Old instead."),
    (
        {"missing": ["new"], "failover": ("spare", "old")},
        "new",
        "spare",
        f"{CHOSEN} {NO_NEW} So it opens on Spare instead.",
    ),
    ({"missing": ["new", "old"]}, "new", "spare", f"{CHOSEN} {NO_NEW} {NO_OLD} So it opens on Spare instead."),
    (
        {"missing": ["old"], "failover": ("spare", "new")},
        "",
        "spare",
        f"{DEFAULT} {NO_OLD} So it opens on Spare instead.",
    ),
    # A platform that was taken out of the settings.
    ({}, "gone", "old", f"{CHOSEN} There is no platform 'gone'. So it opens on Old instead."),
    (
        {"default": "gone", "failover": ("lost", "spare")},
        "",
        "spare",
        f"{DEFAULT} There is no platform 'gone'. There is no platform 'lost'. So it opens on Spare instead.",
    ),
]


@pytest.mark.parametrize(("given", "chosen", "platform", "reason"), TABLE)
def test_the_rules(given, chosen, platform, reason):
    selection = select_platform(ROOM, chosen, policy(**given), OWNER)
    assert (selection.platform, selection.reason) == (platform, reason)


@pytest.mark.parametrize(
    ("given", "chosen", "sentences"),
    [
        ({"missing": ["old", "new", "spare"]}, "", [NO_OLD, NO_NEW, NO_SPARE]),
        ({"missing": ["old", "spare"], "on": False}, "", [NO_OLD, OFF, NO_SPARE]),
        ({"missing": ["old"], "on": False, "failover": ()}, "new", [OFF, NO_OLD]),
        ({"missing": ["old"], "failover": ("old",)}, "gone", ["There is no platform 'gone'.", NO_OLD]),
        ({"missing": ["new"], "failover": ()}, "new", [NO_NEW]),
        ({"missing": ["old"], "allowed": False}, "", [NO_OLD, NOT_ALLOWED]),
        ({"missing": ["old"], "allowed": False, "on": False}, "new", [OFF, NO_OLD, NOT_ALLOWED]),
    ],
)
def test_when_nothing_is_left_the_error_names_what_to_set_for_each(given, chosen, sentences):
    with pytest.raises(PlatformNotConfigured) as error:
        select_platform(ROOM, chosen, policy(**given))
    assert str(error.value) == " ".join(["No video platform can open this room.", *sentences])


# Every combination

PERCENTAGES = (0, SHARE, SHARE + 1, 100)
DEFAULTS = ("old", "new", "spare")
CHOICES = ("", "old", "new", "spare", "gone")
FAILOVERS = (("old", "new", "spare"), ("spare", "new", "old"), ("new",), ())
CONFIGURED = [set(names) for size in range(4) for names in itertools.combinations(("old", "new", "spare"), size)]


RULES = [set(names) for size in range(4) for names in itertools.combinations(("held", "listed", "grouped"), size)]


def by_the_book(on, default, chosen, rules, percentage, configured, failover, allowed):
    """The rules read one after another: (platform or None, first sentence of the reason, sentences that refuse)."""
    within = f"The room is within the {percentage} % being migrated."
    said = [
        (chosen != "", chosen, CHOSEN),
        ("held" in rules, default, HELD),
        ("listed" in rules, "new", LISTED),
        ("grouped" in rules, "new", GROUP),
        (percentage > SHARE, "new", within),
        (True, default, DEFAULT),
    ]
    wanted, because = next((platform, sentence) for applies, platform, sentence in said if applies)
    queue = [wanted]
    if wanted == "new" and not on and default not in queue:
        queue.append(default)
    for name in failover if allowed else ():
        if name not in queue:
            queue.append(name)
    usable = configured if on else configured - {"new"}
    opens_on = next((name for name in queue if name in usable), None)
    passed_over = queue if opens_on is None else queue[: queue.index(opens_on)]
    sentences = {"old": NO_OLD, "spare": NO_SPARE, "gone": "There is no platform 'gone'."}
    sentences["new"] = NO_NEW if on else OFF
    refused = [sentences[name] for name in passed_over]
    return opens_on, because, refused if opens_on or allowed else [*refused, NOT_ALLOWED]


@pytest.mark.parametrize("chosen", CHOICES)
@pytest.mark.parametrize("default", DEFAULTS)
@pytest.mark.parametrize("on", [True, False])
def test_every_combination(on, default, chosen):
    rest = list(itertools.product(RULES, PERCENTAGES, CONFIGURED, FAILOVERS, (True, False)))
    assert len(rest) == 8 * 4 * 8 * 4 * 2
    for case in rest:
        rules, percentage, configured, failover, allowed = case
        opens_on, because, refused = by_the_book(on, default, chosen, *case)
        missing = {"old", "new", "spare"} - configured
        given = policy(default, on, percentage, missing, failover, allowed, **dict.fromkeys(rules, True))
        if opens_on is None:
            with pytest.raises(PlatformNotConfigured) as error:
                select_platform(ROOM, chosen, given, OWNER)
            assert str(error.value) == " ".join(["No video platform can open this room.", *refused]), case
            continue
        selection = select_platform(ROOM, chosen, given, OWNER)
        assert selection.platform == opens_on, case
        instead = [f"So it opens on {opens_on.capitalize()} instead."] if refused else []
        assert selection.reason == " ".join([because, *refused, *instead]), case
        assert on or selection.platform != "new", case
        assert selection.platform in configured, case


# The share of rooms


def test_a_rooms_place_in_the_rollout_never_changes():
    assert [bucket(f"5f0c4f4e-0000-4000-8000-00000000000{n}") for n in range(4)] == [87, 71, 5, 50]


def test_a_rising_percentage_only_adds_rooms_and_takes_its_share():
    """Within one percent of all, for a hundred thousand ids as they come, and for each way back up the same rooms."""
    source = random.Random(11)
    rooms = [str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in range(100_000)]
    places = {room: bucket(room) for room in rooms}
    moved: set[str] = set()
    for percentage in range(0, 101, 10):
        now = {room for room in rooms if places[room] < percentage}
        assert moved <= now
        assert abs(len(now) / len(rooms) - percentage / 100) < 0.01
        moved = now
    assert len(moved) == 100_000


def test_what_is_selected_follows_the_place():
    rooms = [str(uuid.UUID(int=number)) for number in range(500)]
    for percentage in (0, 10, 20, 100):
        given = policy(percentage=percentage)
        now = {room for room in rooms if select_platform(room, "", given).platform == "new"}
        assert now == {room for room in rooms if bucket(room) < percentage}


# From the settings


@pytest.fixture
def rollout(settings):
    settings.VIDEO_PLATFORMS = {
        "old": {"BACKEND": f"{__name__}.Old", "OPTIONS": {}},
        "new": {"BACKEND": f"{__name__}.NewWithKey", "OPTIONS": {"api_key": "k"}},
    }
    settings.DEFAULT_VIDEO_PLATFORM = "old"
    settings.VIDEO_PLATFORM_FAILOVER = ["old", "new"]
    settings.VIDEO_PLATFORM_MIGRATION = {
        "TARGET": "new",
        "SWITCH": "NEW_ENABLED",
        "ROOM_IDS": "NEW_ROOM_IDS",
        "PERCENTAGE": "NEW_PERCENTAGE",
    }
    settings.NEW_ENABLED = True
    settings.NEW_ROOM_IDS = []
    settings.NEW_PERCENTAGE = 0
    for name in ("old", "new"):
        unregister_platform(name)
    return settings


class NewWithKey(New):
    required_options = {"api_key": "NEW_KEY"}


def test_the_settings_decide_at_once(rollout, owner):
    room = Room.objects.create(name="standup", owner=owner)
    assert get_platform_for_room(room.pk) == "old"
    rollout.NEW_ROOM_IDS = [str(room.pk).upper()]
    assert get_platform_for_room(str(room.pk)) == "new"
    rollout.NEW_ENABLED = False
    assert get_platform_for_room(room.pk) == "old"
    rollout.NEW_ENABLED, rollout.NEW_ROOM_IDS, rollout.NEW_PERCENTAGE = True, [], 100
    assert get_platform_for_room(room.pk) == "new"
    rollout.DEFAULT_VIDEO_PLATFORM, rollout.NEW_PERCENTAGE = "new", 0
    assert get_platform_for_room(room.pk) == "new"


def test_a_platform_without_its_credentials_is_refused_with_the_variables_name(rollout, owner):
    rollout.VIDEO_PLATFORMS = {
        **rollout.VIDEO_PLATFORMS,
        "new": {"BACKEND": f"{__name__}.NewWithKey", "OPTIONS": {"api_key": ""}},
    }
    room = Room.objects.create(name="standup", owner=owner, platform="new")
    selection = select_for_room(room)
    assert selection.platform == "old"
    assert selection.reason == f"{CHOSEN} {NO_NEW} So it opens on Old instead."


@pytest.mark.django_db
def test_a_platform_whose_class_cannot_be_loaded_is_refused_with_the_setting_named(rollout):
    rollout.VIDEO_PLATFORMS = {"old": {"BACKEND": "no.such.Client"}}
    assert "VIDEO_PLATFORMS['old']" in str(current_policy().platforms["old"])


@pytest.mark.django_db
@pytest.mark.parametrize("room_id", ["00000000-0000-4000-8000-000000000000", "not an id"])
def test_a_room_that_does_not_exist(room_id):
    with pytest.raises(Room.DoesNotExist):
        get_platform_for_room(room_id)
