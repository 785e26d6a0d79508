"""What all pages of Admin have in common: the sidebar, how moments are written, and what the policy lets in."""

import re
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.staff import background
from platforms.models import WebhookEvent
from rooms.models import WebhookDelivery
from tests.conftest import make_user

pytestmark = pytest.mark.django_db

NOW = timezone.now()

PAGES = ["/admin/", "/admin/rooms/room/", "/admin/rooms/room/add/", "/admin/recordings/recording/"]


def signed_in(*permissions, **fields):
    user = make_user("staff", is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def sections_of(client, path="/admin/"):
    return {section["title"]: section["links"] for section in client.get(path).context["sections"]}


def test_the_sidebar_goes_by_what_staff_do():
    titles = list(sections_of(signed_in(is_superuser=True)))
    wanted = ["Platforms", "Rooms", "Meetings", "Recordings", "Transcripts", "Health", "People"]
    assert [title for title in titles if title in wanted] == wanted


def test_the_sidebar_leads_only_where_somebody_may_go():
    assert list(sections_of(signed_in("view_room"))) == ["Platforms", "Rollout", "Rooms"]


@pytest.mark.parametrize(
    ("path", "current"),
    [("/admin/", "Platforms"), ("/admin/rooms/room/", "Rooms"), ("/admin/rooms/room/add/", "Rooms")],
)
def test_the_sidebar_says_where_one_is(path, current):
    sections = sections_of(signed_in(is_superuser=True), path)
    assert [title for title, links in sections.items() if any(link.is_current for link in links)] == [current]


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_is_that_of_the_other_pages(path):
    policy = signed_in(is_superuser=True).get(path)["Content-Security-Policy"]
    assert {"script-src 'self'", "style-src 'self'"} <= set(policy.split("; "))
    assert "unsafe" not in policy


def test_moments_are_written_so_that_they_can_be_shown_in_the_readers_zone(room):
    markup = signed_in(is_superuser=True).get("/admin/rooms/room/").content.decode()
    assert re.search(rf"{room.created_at:%Y-%m-%d %H:%M:%S} UTC", markup)


def test_a_list_is_called_by_what_it_lists(room):
    assert "<h1>Rooms</h1>" in signed_in(is_superuser=True).get("/admin/rooms/room/").content.decode()


WORK = "/admin/background-work/"


@pytest.fixture
def failed(room):
    room.webhook_url = "https://hooks.example.com/rooms"
    room.save()
    return WebhookDelivery.objects.create(
        room=room,
        event="meeting.started",
        body="{}",
        state="failed",
        attempts=22,
        last_error="No answer.",
        finished_at=NOW,
    )


@pytest.fixture
def event():
    return WebhookEvent.objects.create(id=uuid.uuid4(), platform="mock", type="room.closed", body=b"{}", state="done")


def rows_of(client, query=""):
    return [row.job for row in client.get(WORK + query).context["rows"]]


def test_background_work_lists_what_needs_a_look_of_all_kinds(failed, event):
    client = signed_in(is_superuser=True)
    response = client.get(WORK)
    assert [row.job for row in response.context["rows"]] == [failed]
    text = response.content.decode()
    assert "No answer." in text
    assert f"/admin/rooms/webhookdelivery/{failed.pk}/change/" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?state=done", ["event"]),
        ("?state=all", ["failed", "event"]),
        ("?state=all&kind=rooms.webhookdelivery", ["failed"]),
        ("?state=waiting", []),
        ("?state=all&age=hour", ["failed", "event"]),
        ("?state=all&before=2020-01-01T00:00:00Z", []),
    ],
)
def test_background_work_is_filtered(failed, event, query, found):
    assert set(rows_of(signed_in(is_superuser=True), query)) == {
        {"failed": failed, "event": event}[name] for name in found
    }


def test_old_work_is_not_of_the_last_hour(failed):
    WebhookDelivery.objects.update(next_attempt_at=NOW - timedelta(hours=2))
    client = signed_in(is_superuser=True)
    assert rows_of(client, "?age=hour") == []
    assert rows_of(client, "?age=day") == [failed]


@pytest.mark.parametrize(
    "query", ["?kind=nothing", "?state=%00", "?age=year", "?before=yesterday", "?before=2026-99-99"]
)
def test_what_background_work_cannot_be_filtered_by_is_said(failed, query):
    response = signed_in(is_superuser=True).get(WORK + query)
    assert response.status_code == 200
    assert len(response.context["wanted"].problems) == 1


def test_background_work_goes_on_to_older_rows(room, monkeypatch):
    monkeypatch.setattr(background, "LISTED", 2)
    for minutes in range(5):
        at = NOW - timedelta(minutes=minutes)
        WebhookDelivery.objects.create(room=room, event=f"e{minutes}", body="{}", state="failed", next_attempt_at=at)
    client, query, seen = signed_in(is_superuser=True), "", []
    while True:
        response = client.get(WORK + query)
        seen += [row.job.event for row in response.context["rows"]]
        if not (query := response.context["older"]):
            break
    assert seen == ["e0", "e1", "e2", "e3", "e4"]


def test_chosen_work_is_run_again(failed):
    client = signed_in(is_superuser=True)
    response = client.post(WORK + "?state=failed", {"chosen": [f"rooms.webhookdelivery:{failed.pk}"]})
    assert (response.status_code, response["Location"]) == (302, WORK + "?state=failed")
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == ("waiting", 0)


@pytest.mark.parametrize(
    "key", ["rooms.webhookdelivery:x", "rooms.room:1", "", "auth.user:1", "rooms.webhookdelivery:\x00"]
)
def test_what_is_no_work_cannot_be_run_again(failed, key):
    assert signed_in(is_superuser=True).post(WORK, {"chosen": [key]}).status_code == 400


def test_whoever_may_only_look_cannot_run_work_again(failed):
    client = signed_in("view_webhookdelivery")
    assert rows_of(client) == [failed]
    assert b"Run again" not in client.get(WORK).content
    assert client.post(WORK, {"chosen": [f"rooms.webhookdelivery:{failed.pk}"]}).status_code == 403
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_staff_see_no_work_of_a_kind_that_they_may_not_see(failed, event):
    assert rows_of(signed_in("view_webhookevent"), "?state=all") == [event]


def test_every_list_of_admin_has_its_place_in_the_sidebar():
    assert "More" not in sections_of(signed_in(is_superuser=True))


def test_background_work_asks_the_same_of_the_database_however_much_there_is(room, django_assert_num_queries):
    client = signed_in(is_superuser=True)
    with CaptureQueriesContext(connection) as few:
        client.get(WORK)
    for number in range(30):
        WebhookDelivery.objects.create(room=room, event=f"e{number}", body="{}", state="failed")
    with django_assert_num_queries(len(few)):
        client.get(WORK)
