"""The least that README asks of an adapter: rooms open on it, and nothing else is assumed of it."""

import json
import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from meetings import lifecycle, reconcile
from meetings.models import Meeting, ProviderCall
from platforms.testing import PlatformContract
from platforms.work import models
from rooms.models import Room
from tests.conftest import api_for, error
from tests.third_party.least_rooms import LeastRooms


class TestLeastKeepsTheContract(PlatformContract):
    client_class = LeastRooms
    options = {"api_key": "key"}


@pytest.fixture
def room(owner, settings):
    least = {"BACKEND": "tests.third_party.least_rooms.LeastRooms", "OPTIONS": {"api_key": "key"}}
    settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "least": least}
    return Room.objects.create(name="standup", owner=owner, platform="least")


@pytest.fixture
def meeting(room, owner):
    answer = api_for(owner).post("/v1/rooms/standup/meeting", {})
    assert answer.status_code == 200, answer.content
    return Meeting.objects.get(pk=answer.json()["id"])


@pytest.mark.django_db(transaction=True)
def test_a_meeting_opens_is_joined_and_ends(meeting, owner, client):
    assert (meeting.platform, meeting.state) == ("least", "live")
    joined = api_for().post(f"/v1/rooms/standup/meetings/{meeting.pk}/join", {})
    assert (joined.status_code, joined.json()["room_url"]) == (200, meeting.room_url)
    assert client.get("/standup").status_code == 200
    reconcile.reconcile(meeting.end_date)
    assert api_for(owner).patch(f"/v1/meetings/{meeting.pk}/deactivate").status_code == 200
    models.run_due(ProviderCall)
    lifecycle.review_all(meeting.end_date)
    meeting.refresh_from_db()
    assert (meeting.state, meeting.is_active) == ("ended", False)
    assert not ProviderCall.objects.exclude(state="done").exists()


@pytest.mark.django_db
def test_admin_shows_it(meeting, staff, client):
    client.force_login(staff)
    for path in ("meetings/meeting", f"meetings/meeting/{meeting.pk}/change", f"rooms/room/{meeting.room_id}/change"):
        assert client.get(f"/admin/{path}/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 5000])
def test_no_webhook_of_it_arrives(room, client, body):
    answer = client.post("/v1/least/webhook", body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (404, error("Not Found"))


@pytest.mark.parametrize("action", ["list", "register", "verify", "rotate"])
def test_the_command_about_webhooks_says_that_there_are_none(room, action):
    with pytest.raises(CommandError, match=r"Least sends no webhooks\."):
        call_command("webhooks", action, "--platform=least", "--url=https://rooms.example.com/x", stdout=StringIO())


@pytest.mark.django_db
def test_what_it_cannot_do_is_refused(meeting, owner):
    Meeting.objects.update(recording_type="cloud")
    start = {"type": "cloud", "instanceId": "5f0c1f9a-8a52-4c70-9f9e-6d9d1f0c2c11"}
    answer = api_for(owner).post(f"/v1/meetings/{meeting.pk}/recordings/start", start)
    assert (answer.status_code, answer.json()["detail"]) == (400, "Least does not support recording start.")


@pytest.mark.django_db
def test_nobody_is_asked_for_consent(meeting, client):
    Meeting.objects.update(recording_type="cloud", recording_trigger="automatic")  # as its room was on another one
    page = client.get(f"/standup/{meeting.pk}")
    facts = json.loads(re.search(r'<script id="facts"[^>]*>(.*?)</script>', page.content.decode(), re.DOTALL)[1])
    assert (facts["asksConsent"], facts["canStartRecording"], facts["startsRecording"]) == (False, False, False)
