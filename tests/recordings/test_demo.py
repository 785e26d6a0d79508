"""`manage.py demo`: what a newcomer finds, as often as it is run, and only where nobody works."""

import copy
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client

from meetings.models import Meeting
from recordings.models import Recording, Transcript
from recordings.transcripts.topics import topics_of
from rooms.models import Rollout, Room
from rooms.rollout.decide import decide
from rooms.selection import current_policy, select_platform

pytestmark = pytest.mark.django_db


def demo(*arguments):
    out = StringIO()
    call_command("demo", "--force", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def both_platforms(settings):
    platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
    for name in ("whereby", "daily"):
        platforms[name]["OPTIONS"]["api_key"] = "key"
    settings.VIDEO_PLATFORMS = platforms


@pytest.fixture
def told(both_platforms):
    return demo()


@pytest.fixture
def client(told):
    client = Client()
    client.force_login(get_user_model().objects.get(is_superuser=True))
    return client


def test_what_it_says_to_open_can_be_opened(told, client, settings):
    paths = [line.split(settings.PUBLIC_URL)[1] for line in told.splitlines() if settings.PUBLIC_URL in line]
    assert len(paths) == 7
    assert [client.get(path).status_code for path in paths] == [200] * len(paths)


@pytest.mark.usefixtures("told")
def test_there_are_rooms_meetings_and_transcripts_worth_reading():
    assert (Room.objects.count(), Meeting.objects.count(), Transcript.objects.count()) == (2, 3, 2)
    for transcript in Transcript.objects.all():
        segments = list(transcript.segments.all())
        assert {participant.name for participant in transcript.participants.all()} >= {"Ben"} or len(segments) > 30
        assert all("".join(text for *_, text in segment.words).strip() == segment.text for segment in segments)
        assert all(topic.heading for topic in topics_of(transcript, segments))
        assert transcript.title
        assert transcript.short_summary


def test_one_can_be_heard_and_the_other_was_refused(client):
    heard, refused = Transcript.objects.order_by("-created_at")
    answer = client.get(f"/v1/transcripts/{heard.pk}/audio/mp3")
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/mpeg")
    assert len(answer.getvalue()) > 100_000
    assert len(heard.waveform) == 255
    assert "somebody in the meeting refused to be recorded" in client.get(f"/transcripts/{refused.pk}").content.decode()
    assert "Late parts, and who tells the customer" in client.get(f"/transcripts/{refused.pk}").content.decode()


@pytest.mark.usefixtures("told")
def test_half_of_the_rooms_have_moved():
    policy = current_policy()
    opens_on = {select_platform(str(room.pk), "", policy, room.owner_id).platform for room in Room.objects.all()}
    assert opens_on == {policy.default, policy.target}
    assert (policy.switched_on, policy.percentage) == (True, 50)
    moved = Meeting.objects.filter(room__name="product-team").order_by("start_date")
    assert list(moved.values_list("platform", flat=True)) == [policy.default, policy.target]


def test_run_again_it_adds_nothing_and_takes_nothing_back(told):
    Room.objects.filter(name="product-team").update(name="renamed")
    Transcript.objects.update(title="Mine")
    decide({"percentage": 100, "stages": []})
    again = demo()
    assert "The demo is there." in told
    assert "The demo was there already." in again
    assert "The rollout stays as it was decided." in again
    assert f"/rooms/{Room.objects.first().name}" in again
    assert (Room.objects.count(), Meeting.objects.count(), Recording.objects.count()) == (2, 3, 2)
    assert set(Transcript.objects.values_list("title", flat=True)) == {"Mine"}
    assert Rollout.objects.get().percentage == 100


def test_a_room_of_somebodys_own_keeps_its_name(owner):
    Room.objects.create(name="Product-Team", owner=owner)
    with pytest.raises(CommandError, match="rename it first"):
        demo()
    assert (Room.objects.count(), Rollout.objects.filter(decided_at__isnull=False).count()) == (1, 0)


def test_where_there_is_no_platform_to_move_to_the_rest_is_there():
    assert "The rollout was not begun. Daily is not configured: set DAILY_API_KEY." in demo()
    assert Transcript.objects.count() == 2


def test_where_people_work_nothing_is_added(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="--force"):
        call_command("demo")
    assert not get_user_model().objects.exists()


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_where_things_are_tried_out_nobody_has_to_say_so(settings):
    settings.DEBUG = True
    call_command("demo", stdout=StringIO())
    assert connection.vendor == "sqlite"
    assert Transcript.objects.count() == 2
