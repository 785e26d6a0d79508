"""Where a room opens while platforms are cordoned or do not answer, and where it opens again when they are back."""

import copy
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.abilities import Logo
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import register_platform, unregister_platform
from platforms.health import states
from platforms.models import PlatformState
from rooms.models import Room
from rooms.selection import current_policy, select_for_room, select_platform
from tests.rooms.test_selection import CHOSEN, DEFAULT, NO_OLD, NOT_ALLOWED, OFF, ROOM, _platforms, policy  # noqa: F401

CORDONED = {name: f"{name.capitalize()} is cordoned." for name in ("old", "new", "spare")}
SILENT = {name: f"{name.capitalize()} does not answer." for name in ("old", "new", "spare")}
STAYS = "The room opens on no other platform instead."


def away(cordoned=(), silent=(), **given):
    return replace(
        policy(**given),
        cordoned={name: CORDONED[name] for name in cordoned},
        silent={name: SILENT[name] for name in silent},
    )


@pytest.mark.parametrize(
    ("given", "chosen", "expected"),
    [
        # platform, where it opens when none is away, reason
        ({"cordoned": ["old"]}, "old", ("new", "old", f"{CHOSEN} {CORDONED['old']} So it opens on New instead.")),
        ({"silent": ["old"]}, "", ("new", "old", f"{DEFAULT} {SILENT['old']} So it opens on New instead.")),
        (
            {"cordoned": ["new"], "silent": ["old"]},
            "",
            ("spare", "old", f"{DEFAULT} {SILENT['old']} {CORDONED['new']} So it opens on Spare instead."),
        ),
        ({"cordoned": ["new"]}, "old", ("old", "old", CHOSEN)),
        # What is not configured, or switched off, is not away for the time being.
        (
            {"missing": ["old"], "silent": ["new"]},
            "",
            ("spare", "new", f"{DEFAULT} {NO_OLD} {SILENT['new']} So it opens on Spare instead."),
        ),
        (
            {"on": False, "silent": ["old"]},
            "new",
            ("spare", "old", f"{CHOSEN} {OFF} {SILENT['old']} So it opens on Spare instead."),
        ),
        # Where none answers, the first is tried; who opens is told to come back.
        (
            {"silent": ["old", "new", "spare"]},
            "new",
            ("new", "new", f"{CHOSEN} {SILENT['new']} {SILENT['old']} {SILENT['spare']}"),
        ),
        (
            {"silent": ["old", "spare"], "cordoned": ["new"]},
            "new",
            ("old", "new", f"{CHOSEN} {CORDONED['new']} {SILENT['old']} {SILENT['spare']}"),
        ),
        ({"silent": ["old"], "allowed": False}, "old", ("old", "old", f"{CHOSEN} {SILENT['old']} {NOT_ALLOWED}")),
        # The order of failing over.
        (
            {"silent": ["old"], "failover": ("spare", "new")},
            "",
            ("spare", "old", f"{DEFAULT} {SILENT['old']} So it opens on Spare instead."),
        ),
        ({"silent": ["old"], "failover": ()}, "", ("old", "old", f"{DEFAULT} {SILENT['old']}")),
    ],
)
def test_the_rules(given, chosen, expected):
    selection = select_platform(ROOM, chosen, away(**given))
    assert (selection.platform, selection.lasting, selection.reason) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cordoned": ["old", "new", "spare"]}, f"{CORDONED['old']} {CORDONED['new']} {CORDONED['spare']}"),
        ({"cordoned": ["old"], "allowed": False}, f"{CORDONED['old']} {NOT_ALLOWED}"),
    ],
)
def test_nothing_opens_where_all_are_cordoned(given, words):
    with pytest.raises(PlatformNotConfigured) as error:
        select_platform(ROOM, "old", away(**given))
    assert str(error.value) == f"No video platform can open this room. {words}"


def test_a_room_that_never_goes_elsewhere_is_tried_on_its_own_platform_only():
    selection = select_platform(ROOM, "old", away(silent=["old"]), never_elsewhere=True)
    assert (selection.platform, selection.reason) == ("old", f"{CHOSEN} {SILENT['old']} {STAYS}")
    for given in (away(cordoned=["new"]), away(on=False)):
        with pytest.raises(PlatformNotConfigured, match=STAYS):
            select_platform(ROOM, "new", given, never_elsewhere=True)
    # An automatic room has none of its own: switching the target off takes it away from there.
    switched_off = away(on=False, percentage=100)
    assert select_platform(ROOM, "", switched_off, never_elsewhere=True).platform == "old"


def test_what_the_room_loses_least_goes_first_and_the_order_decides_between_equals():
    lost = {"old": 0, "new": 2, "spare": 1}
    for order, opens_on in ((("new", "spare"), "spare"), (("spare", "new"), "spare")):
        selection = select_platform(ROOM, "old", away(silent=["old"], failover=order), count_lost=lost.__getitem__)
        assert selection.platform == opens_on
    assert select_platform(ROOM, "old", away(silent=["old"]), count_lost=lambda name: 1).platform == "new"


def test_nobody_counts_losses_while_all_is_well():
    select_platform(ROOM, "old", away(), count_lost=pytest.fail)


class WithLogo(Logo):
    label = "With logo"
    room_modes = frozenset({"normal", "group"})


@pytest.mark.django_db
def test_of_the_real_platforms_the_one_that_can_do_what_the_room_needs(room):
    register_platform("with-logo", WithLogo)
    try:
        given = away(silent=["old"], failover=("spare", "with-logo"))
        given = replace(given, platforms={**given.platforms, "with-logo": None})
        room.platform, room.recording_type, room.logo = "old", Room.RecordingType.NONE, "logos/acme.png"
        assert select_for_room(room, given).platform == "with-logo"
    finally:
        unregister_platform("with-logo")


# From the rows


@pytest.mark.django_db
def test_a_cordon_and_a_silence_are_known_to_the_next_selection(staff, room):
    states.cordon("mock", by=staff, reason="It is slow")
    assert current_policy().cordoned == {"mock": "Mock is cordoned by staff: It is slow."}
    states.uncordon("mock")
    assert (current_policy().cordoned, current_policy().silent) == ({}, {})


def leave_alone(platform, until):
    now = timezone.now()
    states.cordon(platform)
    PlatformState.objects.filter(pk=platform).update(open_since=now, failing_since=now, probe_at=until)
    states.uncordon(platform)  # with the revision that every process hears of


@pytest.mark.django_db
def test_a_platform_that_workers_cannot_ask_is_tried_by_a_meeting_when_its_pause_is_over(settings):
    """The mock without the sandbox has no call that changes nothing."""
    leave_alone("mock", until=timezone.now() + timedelta(minutes=1))
    assert current_policy().silent == {"mock": "Mock does not answer at present."}
    leave_alone("mock", until=timezone.now() - timedelta(seconds=1))
    assert current_policy().silent == {}


@pytest.mark.django_db
def test_one_that_workers_ask_is_left_alone_until_they_find_it_back(settings):
    settings.VIDEO_PLATFORMS = copy.deepcopy(settings.VIDEO_PLATFORMS)
    settings.VIDEO_PLATFORMS["daily"]["OPTIONS"]["api_key"] = "key"
    leave_alone("daily", until=timezone.now() - timedelta(seconds=1))
    assert list(current_policy().silent) == ["daily"]


@pytest.mark.django_db
def test_it_takes_no_more_than_one_small_statement(django_assert_num_queries):
    current_policy()
    with django_assert_num_queries(1):
        current_policy()
