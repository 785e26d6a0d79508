"""The product against a sandbox that misbehaves: each time the state becomes right by itself.

What the beat would do is called here, as the tests have no worker; people come and go in the sandbox's rooms.
"""

import random
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from meetings import lifecycle, reconcile
from meetings.models import Meeting, ProviderCall
from platforms.models import StaffNotice, WebhookEvent
from platforms.sandbox.server import running_sandbox
from platforms.webhooks import subscriptions
from platforms.work import models
from recordings.intake import discovery, sqs
from recordings.models import Erasure, Ingest, Recording, Segment, Submission
from recordings.privacy import deletion
from recordings.storage import buckets
from tests.conftest import api_for
from tests.sandbox.calls import ended, speak
from tests.support import product_settings
from tests.support.live import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PLATFORMS = ["daily", "whereby", "mock"]
PUBLIC = "https://rooms.example.com"


@pytest.fixture
def sandbox(live_server, settings):
    """Its webhooks go to the product, at the address that the product believes to have in public as well."""
    secret, reach = settings.SANDBOX_WEBHOOK_SECRET, {PUBLIC: live_server.url}
    with running_sandbox(live_server.url, secret, time_scale=0.01, reach=reach) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _product(sandbox, settings):
    """The settings of `make run`, with the ports that this sandbox has; its .env turns the migration on."""
    product_settings.use(settings, **product_settings.sandbox_variables(sandbox), DAILY_MIGRATION_ENABLED="true")
    buckets._made_client.cache_clear()


@pytest.fixture
def api(owner):
    return api_for(owner)


def open_meeting(api, room, platform, **fields):
    """The meeting, opened through the API."""
    for name, value in {"platform": platform, **fields}.items():
        setattr(room, name, value)
    room.save()
    answer = api.post(f"/v1/rooms/{room.name}/meeting", {})
    assert answer.status_code == 200, answer.content
    return Meeting.objects.get(pk=answer.json()["id"])


def sandbox_room(sandbox, meeting):
    """As somebody who opens the meeting's address gets it."""
    name = meeting.room_name.strip("/")
    query = {"recording": meeting.recording_type, "trigger": meeting.recording_trigger}
    return sandbox.providers[meeting.platform].admit(name, query).room


def join(sandbox, place, name):
    a_moment()
    return sandbox.world.join(place, name)


def leave(sandbox, place, person):
    a_moment()
    sandbox.world.leave(place, person.session_id)


def a_moment():
    """No two people come or go in the same millisecond, which is the smallest that providers tell."""
    before = timezone.now()
    wait_until(lambda: timezone.now() > before + timedelta(milliseconds=2), every=0.001)


def settle(sandbox, meeting):
    """All webhooks have arrived, or gone astray for good, and what came of them is done."""
    wait_until(lambda: sandbox.couriers[meeting.platform].is_idle)
    for model in (WebhookEvent, Ingest, Submission):
        models.run_due(model)
    meeting.refresh_from_db()


def poll(minutes=6):
    return reconcile.reconcile(timezone.now() + timedelta(minutes=minutes))


def is_right(sandbox, meeting):
    """Whether the product knows exactly those to be in who are."""
    meeting.refresh_from_db()
    there = {person.session_id for person in sandbox_room(sandbox, meeting).people}
    known = set(meeting.sessions.filter(left_at=None, is_bot=False).values_list("session_id", flat=True))
    return (known, meeting.num_clients) == (there, len(there))


# Webhooks


@pytest.mark.parametrize("platform", PLATFORMS)
def test_all_is_well_without_misbehaviour(sandbox, api, room, platform):
    meeting = open_meeting(api, room, platform)
    place = sandbox_room(sandbox, meeting)
    ada, _ = join(sandbox, place, "Ada"), join(sandbox, place, "Bo")
    leave(sandbox, place, ada)
    settle(sandbox, meeting)
    assert is_right(sandbox, meeting)
    assert meeting.num_clients == 1


@pytest.mark.parametrize("platform", PLATFORMS)
def test_lost_webhooks_are_made_up_for_by_asking(sandbox, api, room, platform):
    sandbox.faults[platform].change({"lose_webhooks": True})
    meeting = open_meeting(api, room, platform)
    place = sandbox_room(sandbox, meeting)
    people = [join(sandbox, place, name) for name in ("Ada", "Bo", "Cy")]
    settle(sandbox, meeting)
    assert meeting.num_clients == 0
    poll()
    assert is_right(sandbox, meeting)
    leave(sandbox, place, people[0])
    poll(minutes=12)
    assert is_right(sandbox, meeting)
    assert meeting.num_clients == 2


@pytest.mark.parametrize("platform", PLATFORMS)
def test_webhooks_that_come_twice_and_out_of_order_count_once_and_right(sandbox, api, room, platform, monkeypatch):
    monkeypatch.setattr("platforms.sandbox.wire.webhooks.HOLD_SECONDS", 0.2)
    sandbox.faults[platform].change({"duplicate_webhooks": True, "reorder_webhooks": True})
    meeting = open_meeting(api, room, platform, room_mode="group")
    place, chance = sandbox_room(sandbox, meeting), random.Random(7)
    for number in range(20):
        if place.people and chance.random() < 0.4:
            leave(sandbox, place, chance.choice(place.people))
        else:
            join(sandbox, place, f"Person {number}")
    settle(sandbox, meeting)
    assert is_right(sandbox, meeting)
    assert meeting.sessions.filter(is_bot=False).count() == len(place.visits)


def emptied_in_silence(sandbox, api, room, platform):
    """A meeting that everybody has left, of which no webhook tells."""
    meeting = open_meeting(api, room, platform)
    place = sandbox_room(sandbox, meeting)
    people = [join(sandbox, place, name) for name in ("Ada", "Bo")]
    settle(sandbox, meeting)
    sandbox.faults[platform].change({"lose_webhooks": True})
    for person in people:
        leave(sandbox, place, person)
    poll()
    meeting.refresh_from_db()
    return meeting, place


@pytest.mark.parametrize("platform", ["daily", "mock"])
def test_an_end_that_nobody_told_of_is_found(sandbox, api, room, platform):
    meeting, place = emptied_in_silence(sandbox, api, room, platform)
    assert is_right(sandbox, meeting)
    lifecycle.review_all(timezone.now() + timedelta(minutes=40))
    meeting.refresh_from_db()
    assert meeting.state == Meeting.State.ENDED
    models.run_due(ProviderCall)
    assert place.closed


def test_where_nobody_alone_is_seen_one_is_waited_for_until_after_the_end(sandbox, api, room):
    meeting, _ = emptied_in_silence(sandbox, api, room, "whereby")
    assert meeting.num_clients == 1
    lifecycle.review_all(meeting.end_date + lifecycle.UNSEEN_LIMIT + timedelta(minutes=10))
    meeting.refresh_from_db()
    assert (meeting.state, meeting.num_clients) == (Meeting.State.ENDED, 0)


def test_a_webhook_within_this_machine_is_set_going_again_as_well(sandbox, settings):
    [webhook] = sandbox.providers["daily"].state.webhooks.values()
    settings.PORT = urlsplit(webhook.endpoint.url).port
    settings.PUBLIC_URL = f"http://localhost:{settings.PORT}"
    webhook.endpoint.url = f"http://127.0.0.1:{settings.PORT}/v1/daily/webhook"  # as `manage.py serve` names it
    sandbox.faults["daily"].change({"stop_webhooks": True})
    subscriptions.check_subscriptions()
    assert sandbox.faults["daily"].stop_webhooks is False
    assert StaffNotice.objects.get(key="webhook:daily").text.startswith("Daily stopped sending webhooks")


def test_a_webhook_that_the_provider_stopped_is_set_going_again(sandbox, api, room, settings):
    settings.PUBLIC_URL = PUBLIC
    [webhook] = sandbox.providers["daily"].state.webhooks.values()
    webhook.endpoint.url = f"{PUBLIC}/v1/daily/webhook"
    sandbox.faults["daily"].change({"stop_webhooks": True})
    meeting = open_meeting(api, room, "daily")
    place = sandbox_room(sandbox, meeting)
    join(sandbox, place, "Ada")
    subscriptions.check_subscriptions()
    assert sandbox.faults["daily"].stop_webhooks is False
    join(sandbox, place, "Bo")
    settle(sandbox, meeting)
    assert set(meeting.sessions.values_list("user_name", flat=True)) == {"Bo"}
    poll()  # for what was not sent meanwhile
    assert is_right(sandbox, meeting)


# Calls


@pytest.mark.parametrize("platform", ["daily", "whereby"])
@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_room_that_cannot_be_opened_now_can_be_later(sandbox, api, room, platform, status):
    sandbox.faults[platform].change({"failing_calls": 50, "failing_status": status})
    room.platform, room.never_elsewhere = platform, True
    room.save()
    answer = api.post(f"/v1/rooms/{room.name}/meeting", {})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert not Meeting.objects.live().exists()
    sandbox.faults[platform].reset()
    meeting = open_meeting(api, room, platform)
    assert (meeting.state, meeting.platform) == (Meeting.State.LIVE, platform)
    assert len(sandbox.world.rooms_of(platform)) == 1


def test_a_provider_that_fails_while_it_is_asked_is_asked_again(sandbox, api, room):
    sandbox.faults["daily"].change({"lose_webhooks": True})
    meeting = open_meeting(api, room, "daily")
    sandbox.world.join(sandbox_room(sandbox, meeting), "Ada")
    sandbox.faults["daily"].change({"failing_calls": 3, "failing_status": 503})
    [summary] = poll()
    assert "503" in summary.error
    poll(minutes=12)
    assert is_right(sandbox, meeting)


def test_a_room_that_could_not_be_closed_is_closed_later(sandbox, api, room):
    meeting = open_meeting(api, room, "daily")
    place = sandbox_room(sandbox, meeting)
    join(sandbox, place, "Ada")
    sandbox.faults["daily"].change({"failing_calls": 3})
    assert api.patch(f"/v1/meetings/{meeting.pk}/deactivate").status_code == 200
    models.run_due(ProviderCall)
    assert not place.closed
    ProviderCall.objects.update(next_attempt_at=timezone.now())
    models.run_due(ProviderCall)
    assert place.closed
    assert place.people == []


# Recordings


def record(sandbox, meeting):
    """Two people meet, one speaks, both leave; the recording that is made of it."""
    place = sandbox_room(sandbox, meeting)
    ada, bo = (join(sandbox, place, name) for name in ("Ada", "Bo"))
    recording = place.recording or sandbox.world.start_recording(place, "cloud", ada.session_id)
    speak(sandbox, recording, ada.session_id, seconds=2.0)
    for person in (ada, bo):
        leave(sandbox, place, person)
    ended(recording)
    return recording


def recorded_meeting(api, room, platform):
    trigger = "automatic" if platform == "daily" else "automatic-2nd-participant"
    return open_meeting(api, room, platform, recording_type="cloud", recording_trigger=trigger, skip_consent=True)


def hear_of_it(sandbox, meeting):
    """By webhook, by the queue and by looking for it: whichever works."""
    settle(sandbox, meeting)
    sqs.drain(sqs.Queue(), wait=0)
    settle(sandbox, meeting)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_recording_becomes_a_transcript(sandbox, api, room, platform):
    meeting = recorded_meeting(api, room, platform)
    record(sandbox, meeting)
    hear_of_it(sandbox, meeting)
    found = Recording.objects.get()
    assert (found.state, found.error, found.meeting) == ("done", "", meeting)
    assert Segment.objects.exists()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_recording_that_nobody_told_of_is_found_by_looking(sandbox, api, room, platform):
    sandbox.faults[platform].change({"lose_webhooks": True})
    meeting = recorded_meeting(api, room, platform)
    record(sandbox, meeting)
    settle(sandbox, meeting)
    assert not Recording.objects.exists()
    discovery.find_everywhere()
    settle(sandbox, meeting)
    assert Recording.objects.get().state == "done"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_recording_that_is_told_of_again_and_again_is_one(sandbox, api, room, platform):
    sandbox.faults[platform].change({"duplicate_webhooks": True})
    meeting = recorded_meeting(api, room, platform)
    record(sandbox, meeting)
    hear_of_it(sandbox, meeting)
    discovery.find_everywhere()
    hear_of_it(sandbox, meeting)
    assert Recording.objects.get().state == "done"
    assert Submission.objects.count() == 1


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_recording_without_audio_ends_with_that_reason(sandbox, api, room, platform):
    sandbox.faults[platform].change({"recordings_without_audio": True})
    meeting = recorded_meeting(api, room, platform)
    record(sandbox, meeting)
    hear_of_it(sandbox, meeting)
    found = Recording.objects.get()
    assert (found.state, "no audio" in found.error) == ("no_audio", True)


@pytest.mark.parametrize("platform", ["daily", "mock"])
def test_a_recording_that_failed_at_the_provider_is_noted_and_not_waited_for(sandbox, api, room, platform):
    sandbox.faults[platform].change({"recordings_fail": True})
    meeting = recorded_meeting(api, room, platform)
    record(sandbox, meeting)
    hear_of_it(sandbox, meeting)
    discovery.find_everywhere()
    assert meeting.recording_failed_at
    assert not Recording.objects.exists()


@pytest.mark.parametrize("platform", ["daily", "mock"])
def test_a_link_that_has_expired_is_asked_for_again(sandbox, api, room, platform):
    sandbox.faults[platform].change({"expired_links": 1})
    meeting = recorded_meeting(api, room, platform)
    record(sandbox, meeting)
    settle(sandbox, meeting)
    assert sandbox.faults[platform].expired_links == 0
    assert Recording.objects.get().state == "done"


def test_a_sentence_in_a_links_place_is_the_reason_of_a_failure(sandbox, api, room):
    sandbox.faults["daily"].change({"sentence_links": 1})
    meeting = recorded_meeting(api, room, "daily")
    record(sandbox, meeting)
    settle(sandbox, meeting)
    found = Recording.objects.get()
    assert found.state == "failed"
    assert "API access to this recording is not allowed" in found.error
    Ingest.objects.all().run_again()
    settle(sandbox, meeting)
    assert Recording.objects.get().state == "done"


def test_what_is_deleted_is_gone_in_the_mock_as_well(sandbox, api, room):
    meeting = recorded_meeting(api, room, "mock")
    recording = record(sandbox, meeting)
    hear_of_it(sandbox, meeting)
    deletion.delete_everywhere(Recording.objects.get())
    models.run_due(Erasure)
    assert "file" not in recording.notes
    discovery.find_everywhere()
    assert Recording.objects.get().state == "deleted"
