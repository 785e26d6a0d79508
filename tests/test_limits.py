"""Where it is counted how often one caller asks, and what is answered to those who ask too often."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from meetings.opening import open_meeting
from platforms.limits.counters import counter
from platforms.models import WebhookEvent
from recordings.models import Transcript
from tests.conftest import api_for, make_user
from tests.support.deliveries import OTHER_SECRETS, deliver, new_event, platforms, signed  # noqa: F401
from tests.support.live import running_product

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}
EMAIL = {"email": "guest@example.com"}


@pytest.fixture
def limited(settings, tmp_path):
    """Two of everything in a day."""
    settings.DATA_DIR = tmp_path
    settings.REDIS_URL = ""
    settings.LIMITS = dict.fromkeys(settings.LIMITS, (2, 86_400))
    counter.cache_clear()
    yield settings
    counter.cache_clear()


@pytest.fixture
def meeting(room):
    return open_meeting(room)


@pytest.fixture
def asked(room, meeting, owner):
    """By the limit's name, how an account or a guest asks for it."""
    transcript = Transcript.objects.create(user=owner, name="talk", source_kind="file")
    here = f"/v1/meetings/{meeting.pk}"
    upload = f"/v1/transcripts/{transcript.pk}/record/upload?chunk_number=0&total_chunks=2"

    def piece(api, **headers):
        return api.post(upload, {"chunk": SimpleUploadedFile("a.mp4", b"a")}, format="multipart", **headers)

    return {
        "openings": lambda api, **headers: api.post("/v1/rooms/standup/meeting", {}, **headers),
        "joins": lambda api, **headers: api.post(f"/v1/rooms/standup/meetings/{meeting.pk}/join", {}, **headers),
        "consents": lambda api, **headers: api.post(f"{here}/consent", {"consent_given": True}, **headers),
        "emails": lambda api, **headers: api.post(f"{here}/email-recipient", EMAIL, **headers),
        "sent by hand": lambda api, **headers: api.post(f"/v1/transcripts/{transcript.pk}/email", EMAIL, **headers),
        "uploads": piece,
    }


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("name", ["openings", "joins", "consents", "emails", "sent by hand", "uploads"])
def test_the_third_time_is_refused_with_what_to_do(owner, asked, name):
    api = api_for(owner)
    first = [asked[name](api).status_code for _ in range(2)]
    assert 429 not in first
    answer = asked[name](api)
    assert answer.status_code == 429
    assert answer.json()["code"] == "too_often"
    assert answer.json()["detail"].startswith("Too many ")
    assert "Please try again in " in answer.json()["detail"]
    assert 1 <= int(answer["Retry-After"]) <= 86_400


@pytest.mark.usefixtures("limited")
def test_guests_count_by_where_they_call_from_and_accounts_by_themselves(asked):
    guest, joins = api_for(), asked["joins"]
    assert [joins(guest).status_code for _ in range(3)] == [200, 200, 429]
    assert joins(guest, **ELSEWHERE).status_code == 200
    person = api_for(make_user("ada"))
    assert [joins(person, **headers).status_code for headers in ({}, ELSEWHERE, {})] == [200, 200, 429]


@pytest.mark.usefixtures("limited")
def test_what_is_not_allowed_anyway_is_not_counted(asked):
    answers = [asked["uploads"](api_for()).status_code for _ in range(4)]
    assert answers == [401] * 4


@pytest.mark.usefixtures("limited", "platforms", "db")
def test_forged_webhooks_are_told_to_wait_and_authentic_ones_are_taken_all_the_same(client):
    def forged():
        body = new_event("daily")
        return deliver(client, "daily", body, headers=signed("daily", body, OTHER_SECRETS["daily"]))

    assert [forged().status_code for _ in range(4)] == [401, 401, 429, 429]
    assert int(forged()["Retry-After"]) >= 1
    assert deliver(client, "daily", new_event("daily")).status_code == 200
    assert WebhookEvent.objects.count() == 1


@pytest.mark.usefixtures("limited", "platforms", "db")
def test_forged_webhooks_beyond_the_limit_write_nothing_into_the_log(client, caplog):
    def forge(times):
        caplog.clear()
        for _ in range(times):
            deliver(client, "daily", new_event("daily"), headers={"X-Other": "1"})
        return [record.message for record in caplog.records]

    assert sum("webhook_refused" in message for message in forge(2)) == 2
    assert forge(4) == []


def test_servers_of_one_machine_share_the_limit_without_redis(tmp_path):
    variables = {"REDIS_URL": "", "OPENINGS_PER_MINUTE": "5", "DEFAULT_VIDEO_PLATFORM": "mock"}
    with running_product(tmp_path, servers=2, **variables) as product:
        token = product.sign_in()
        product.api("POST", "/v1/rooms", token=token, json={"name": "standup"}).raise_for_status()
        opened = [
            product.api("POST", "/v1/rooms/standup/meeting", json={}, server=number % 2).status_code
            for number in range(12)
        ]
    # Should a new minute begin meanwhile, five more are let through.
    assert opened.count(200) in {5, 10}
    assert set(opened) == {200, 429}
