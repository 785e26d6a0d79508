"""The inbox in Admin: what staff see of an event, find by, and have processed again."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from platforms.admin import readable
from platforms.models import WebhookEvent
from platforms.testing.malformed import MALFORMED_BODIES
from tests.conftest import make_user
from tests.support.paper import event_saying, paper  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("db", "paper")

LIST = reverse("admin:platforms_webhookevent_changelist")
PROCESS_FAILED = reverse("admin:platforms_webhookevent_process_failed")


def page_of(event):
    return reverse("admin:platforms_webhookevent_change", args=[event.pk])


@pytest.fixture
def admin(client, staff):
    client.force_login(staff)
    return client


@pytest.fixture
def viewer(client):
    """May look at events, and no more."""
    user = make_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_webhookevent"))
    client.force_login(user)
    return client


def listed(client, **query):
    return {event.event_id for event in client.get(LIST, query).context["cl"].result_list}


# The list


def test_the_list_shows_what_came_and_what_became_of_it(admin):
    event_saying(
        event_id="e-1", type="participant.joined", room_name="r-1", state="failed", attempts=3, last_error="E: odd"
    )
    page = admin.get(LIST).content.decode()
    for shown in ("paper", "participant.joined", "r-1", "Failed", ">3<", "E: odd"):
        assert shown in page


def test_the_latest_event_comes_first(admin):
    for number in range(3):
        event_saying(event_id=str(number))
    assert [event.event_id for event in admin.get(LIST).context["cl"].result_list] == ["2", "1", "0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"a", "b", "c"}),
        ({"platform__exact": "mock"}, {"b"}),
        ({"state__exact": "failed"}, {"b"}),
        ({"outcome__exact": "applied"}, {"c"}),
        ({"type": "meeting.ended"}, {"c"}),
        ({"type": "none such"}, set()),
    ],
)
def test_events_are_filtered_by_platform_state_outcome_and_type(admin, query, found):
    event_saying(event_id="a")
    event_saying(event_id="b", platform="mock", state="failed")
    event_saying(event_id="c", type="meeting.ended", state="done", outcome="applied")
    assert listed(admin, **query) == found


@pytest.mark.parametrize("term", ["a", " a ", "standup-1", "/m-1"])
def test_events_are_found_by_the_whole_of_an_id_or_a_name(admin, term):
    event_saying(event_id="a", room_name="standup-1", meeting_id="/m-1")
    event_saying(event_id="ab", room_name="standup-11", meeting_id="/m-11")
    assert listed(admin, q=term) == {"a"}


def test_the_list_does_not_fetch_what_the_events_hold(admin):
    event_saying(event_id="a")
    with CaptureQueriesContext(connection) as queries:
        assert listed(admin) == {"a"}
    assert any('"event_id"' in query["sql"] for query in queries)
    assert not any('"body"' in query["sql"] for query in queries)


# One event


def test_the_payload_is_shown_so_that_one_can_read_it(admin):
    event = event_saying(body='{"id":"1","data":{"displayName":"Zoë <b>"}}'.encode())
    page = admin.get(page_of(event)).content.decode()
    assert "&quot;displayName&quot;: &quot;Zoë &lt;b&gt;&quot;" in page
    assert "<b>" not in page.partition("<pre>")[2].partition("</pre>")[0]


@pytest.mark.parametrize("body", MALFORMED_BODIES, ids=lambda body: ascii(body[:30]))
def test_any_payload_can_be_shown(admin, body):
    event = event_saying(body=body)
    assert admin.get(page_of(event)).status_code == 200
    readable(body).encode()


def test_nothing_of_an_event_is_changed_added_or_deleted_by_hand(admin):
    event = event_saying()
    page = admin.get(page_of(event)).content.decode()
    assert 'name="_save"' not in page
    assert admin.get(reverse("admin:platforms_webhookevent_add")).status_code == 403
    assert admin.post(reverse("admin:platforms_webhookevent_delete", args=[event.pk])).status_code == 403
    assert admin.post(page_of(event), {"state": "done"}).status_code == 403


def test_the_inbox_is_for_staff_who_may_see_it(client, colleague):
    client.force_login(colleague)
    assert client.get(LIST).status_code == 302
    assert client.get(page_of(event_saying())).status_code == 302
    assert client.post(PROCESS_FAILED).status_code == 302


# Process again


def test_chosen_events_are_processed_again(admin):
    failed, done, other = event_saying(state="failed", attempts=33), event_saying(state="done"), event_saying()
    chosen = [str(failed.pk), str(done.pk)]
    answer = admin.post(LIST, {"action": "run_again", "_selected_action": chosen}, follow=True)
    assert "To be run again: 2" in answer.content.decode()
    states = dict(WebhookEvent.objects.values_list("pk", "state"))
    assert {states[event.pk] for event in (failed, done, other)} == {"waiting"}
    assert WebhookEvent.objects.get(pk=failed.pk).attempts == 0


def test_one_event_is_processed_again_from_its_page(admin):
    event = event_saying(state="unmatched")
    admin.post(reverse("admin:platforms_webhookevent_run_again", args=[event.pk]))
    assert WebhookEvent.objects.get().state == "waiting"


def test_all_failed_events_are_processed_again_by_one_button(admin):
    for state in ("failed", "failed", "unmatched", "done"):
        event_saying(state=state)
    assert "Process all failed (2)" in admin.get(LIST).content.decode()
    answer = admin.post(PROCESS_FAILED, follow=True)
    assert "Failed events to be processed again: 2" in answer.content.decode()
    assert sorted(WebhookEvent.objects.values_list("state", flat=True)) == ["done", "unmatched", "waiting", "waiting"]
    assert "Process all failed" not in admin.get(LIST).content.decode()


def test_the_button_is_no_link(admin):
    event_saying(state="failed")
    assert admin.get(PROCESS_FAILED).status_code == 405
    assert WebhookEvent.objects.get().state == "failed"


def test_who_may_only_look_can_have_nothing_processed_again(viewer):
    event = event_saying(state="failed")
    assert "Process all failed" not in viewer.get(LIST).content.decode()
    assert "Process again" not in viewer.get(LIST).content.decode()
    assert viewer.post(PROCESS_FAILED).status_code == 403
    assert viewer.post(reverse("admin:platforms_webhookevent_run_again", args=[event.pk])).status_code == 403
    assert WebhookEvent.objects.get().state == "failed"
