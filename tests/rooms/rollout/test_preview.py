"""What a change would mean is told before it happens, and is what happens then."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from meetings.models import Meeting
from platforms.backends.mock import MockClient
from rooms.models import CalendarEvent, Room
from rooms.rollout.decide import decide
from rooms.rollout.moves import move
from rooms.rollout.preview import preview_move, preview_rollout, table
from rooms.selection import current_policy, select_for_room
from tests.support.plain import PlainClient

pytestmark = pytest.mark.django_db


class Old(MockClient):
    label = "Old"


class New(PlainClient):
    """Shows no logo; people cannot be made to knock."""

    label = "New"
    supports_presence = True
    room_modes = MockClient.room_modes
    recording_types = MockClient.recording_types
    recording_triggers = MockClient.recording_triggers


class Costly(PlainClient):
    label = "Costly"
    required_options = {"api_key": "COSTLY_API_KEY"}


@pytest.fixture(autouse=True)
def _platforms(settings):
    names = ("Old", "New", "Costly")
    settings.VIDEO_PLATFORMS = {n.lower(): {"BACKEND": f"{__name__}.{n}", "OPTIONS": {}} for n in names}
    settings.DEFAULT_VIDEO_PLATFORM, settings.VIDEO_PLATFORM_FAILOVER = "old", ["old", "new"]
    settings.VIDEO_PLATFORM_MIGRATION = {**settings.VIDEO_PLATFORM_MIGRATION, "TARGET": "new"}
    decide({"switched_on": True})


@pytest.fixture
def rooms(owner):
    return [Room.objects.create(name=f"r{number}", owner=owner) for number in range(20)]


def meet(room, platform="old"):
    return Meeting.objects.create(
        room=room,
        room_label=room.name,
        slot=room.name,
        platform=platform,
        state="live",
        room_url="https://rooms.example/a",
        end_date=timezone.now(),
    )


def plan_event(room, **after):
    start = timezone.now() + timedelta(**after)
    return CalendarEvent.objects.create(room=room, ics_uid="a", start_time=start, end_time=start + timedelta(hours=1))


def opens_on():
    policy = current_policy()
    return {room.name: select_for_room(room, policy).platform for room in Room.objects.all()}


@pytest.mark.parametrize("edits", [{"percentage": 25}, {"default_platform": "new"}, {"switched_on": False}])
def test_what_is_told_is_what_happens(rooms, edits):
    Room.objects.filter(name="r3").update(platform="new")
    Room.objects.filter(name="r4").update(platform="old")
    before = opens_on()
    preview = preview_rollout(edits)
    assert opens_on() == before
    decide(edits)
    after = opens_on()
    assert {each.room.name for each in preview.moving} == {name for name in after if after[name] != before[name]}
    assert {each.room.name: each.after.platform for each in preview.moving}.items() <= after.items()
    assert len(preview.affected) + preview.unaffected == 20


def test_the_whole_of_it_in_a_few_lines(rooms, owner):
    Room.objects.filter(name__in=["r0", "r1"]).update(logo="logos/a.png", is_locked=True)
    meet(rooms[0])
    plan_event(rooms[1], hours=3)
    plan_event(rooms[2], days=3)
    assert preview_rollout({"percentage": 100}).sentences() == [
        "20 rooms open on another platform from the next meeting on: 20 from Old to New.",
        "1 live meeting stays where it is until it ends.",
        "1 room has a meeting by calendar within a day, to be opened by the new rules.",
        "Lost: logo (2 rooms); knocking before one is let in (2 rooms).",
    ]
    assert preview_rollout({"percentage": 0}).sentences() == ["No room opens on another platform."]


def test_what_comes_back_is_told_as_well(rooms):
    Room.objects.filter(name="r0").update(logo="logos/a.png")
    decide({"percentage": 100})
    assert "Gained: logo (1 room)." in preview_rollout({"percentage": 0}).sentences()


def test_held_back_rooms_do_not_move(rooms):
    held = frozenset([rooms[0].pk])
    preview = preview_rollout({"percentage": 100, "held_back_rooms": held})
    assert (len(preview.moving), preview.unaffected) == (19, 1)


def test_who_cannot_move_is_told_with_the_reason(rooms):
    preview = preview_move(Room.objects.filter(name__in=["r0", "r1"]), "costly")
    assert preview.sentences() == [
        "No room opens on another platform.",
        "2 rooms get another platform of their own.",
        "2 rooms cannot move: Chosen for this room. Costly is not configured: set COSTLY_API_KEY. "
        "So it opens on Old instead.",
    ]


def test_what_cannot_be_decided_cannot_be_previewed(rooms):
    with pytest.raises(ValidationError, match="COSTLY_API_KEY"):
        preview_rollout({"target_platform": "costly"})


def test_moving_rooms(rooms):
    Room.objects.filter(name="r1").update(platform="new")
    meet(rooms[0])
    chosen = Room.objects.filter(name__in=["r0", "r1", "r2"])
    preview = preview_move(chosen, "new")
    assert [(each.room.name, each.choice, each.opens_on, each.live) for each in preview.affected] == [
        ("r0", "Automatic → New", "Old → New", 1),
        ("r2", "Automatic → New", "Old → New", 0),
    ]
    assert preview.unaffected == 1
    move(chosen, "new")
    assert preview_move(chosen, "new").affected == []


def test_the_table_to_download(rooms, owner):
    owner.username = "+49"
    owner.save()
    plan_event(rooms[0], hours=3)
    Room.objects.filter(name="r0").update(logo="logos/a.png")
    heading, row = table(preview_move(Room.objects.filter(name="r0"), "new"))
    told = dict(zip(heading, row, strict=True))
    assert (told["room"], told["owner"], told["own platform then"], told["opens on"]) == ("r0", "'+49", "New", "Old")
    assert (told["loses"], told["next meeting"][:2]) == ("logo", "20")


def test_many_rooms_take_as_few_queries_as_some(rooms, owner, django_assert_max_num_queries):
    Room.objects.bulk_create(Room(name=f"many-{number}", owner=owner) for number in range(500))
    with django_assert_max_num_queries(13):
        assert len(preview_rollout({"percentage": 100}).moving) == 520
