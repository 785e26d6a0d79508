"""Meetings and provider calls in Admin, over HTTP: what staff see, ending a meeting, running work again."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from meetings.models import Meeting, ProviderCall
from platforms.backends.mock import MockClient
from platforms.exceptions import PlatformUnavailable
from platforms.types import JoinLink
from rooms.models import Room
from tests.conftest import make_user
from tests.support.plain import PlainClient

LIST = "/admin/meetings/meeting/"
CALLS = "/admin/meetings/providercall/"
HOST_URL = "https://rooms.example/standup-1?roomKey=let-me-in"


class First(MockClient):
    label = "First"


class NeverCloses(PlainClient):
    label = "Second"


class ByToken(MockClient):
    """Tells hosts by a token in the address."""

    label = "Third"

    def join_link(self, request):
        return JoinLink(f"{request.room_url}?t={request.user_name}-{'owner' if request.is_owner else 'guest'}")


class Down(MockClient):
    label = "Fourth"

    def join_link(self, request):
        raise PlatformUnavailable("Fourth answered 503.", "down")


@pytest.fixture(autouse=True)
def _platforms(settings):
    backends = {"first": "First", "second": "NeverCloses", "third": "ByToken", "fourth": "Down"}
    settings.VIDEO_PLATFORMS = {
        name: {"BACKEND": f"{__name__}.{backend}", "OPTIONS": {}} for name, backend in backends.items()
    }


@pytest.fixture
def admin(staff):
    return signed_in(staff)


@pytest.fixture
def onlooker(db):
    """Staff who may look at everything and change nothing."""
    user = make_user("onlooker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return signed_in(user)


@pytest.fixture
def make_meeting(owner):
    def make(name="standup", **fields):
        room, _ = Room.objects.get_or_create(name=name, defaults={"owner": owner, "platform": "second"})
        number = Meeting.objects.count()
        return Meeting.objects.create(
            **{
                "room": room,
                "room_label": name,
                "slot": f"slot-{number}",
                "platform": "first",
                "platform_reason": "Chosen for this room.",
                "state": "live",
                "provider_meeting_id": f"provider-{number}",
                "room_name": f"{name}-{number}",
                "room_url": f"https://rooms.example/{name}-{number}",
                "host_room_url": HOST_URL,
                "end_date": timezone.now() + timedelta(hours=1),
                **fields,
            }
        )

    return make


def signed_in(user, **options):
    client = Client(**options)
    client.force_login(user)
    return client


def page(client, address, status=200):
    response = client.get(address)
    assert response.status_code == status
    return html.unescape(response.content.decode())


def text_of(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def page_of(meeting, view="change"):
    return f"{LIST}{meeting.pk}/{view}/"


def names_in(markup):
    return set(re.findall(r'/change/[^"]*">([^<]+)</a></th>', markup))


def messages_of(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def history_of(row):
    entries = LogEntry.objects.filter(object_id=str(row.pk)).order_by("pk")
    return [(entry.user.username, entry.get_change_message()) for entry in entries]


def select(*rows, action):
    return {"action": action, "_selected_action": [str(row.pk) for row in rows]}


def state_of(row):
    return type(row).objects.get(pk=row.pk).state


# The list


def test_the_list_shows_a_meetings_own_platform_and_why(admin, make_meeting):
    make_meeting(num_clients=3)  # its room has moved to another platform since
    text = text_of(page(admin, LIST))
    assert re.search(r"standup First Chosen for this room\. Live .* 3 ", text)


def test_a_long_reason_is_cut_short_in_the_list_only(admin, make_meeting):
    meeting = make_meeting(platform_reason="because " * 40)
    assert "because " * 20 not in page(admin, LIST)
    assert "because " * 39 in page(admin, page_of(meeting))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?platform__exact=second", {"moved"}),
        ("?state__exact=live", {"standup", "moved"}),
        ("?state__exact=failed", {"broken"}),
        ("?q=STAND", {"standup"}),
        ("?q=provider-1", {"moved"}),
        ("?q=broken-2", {"broken"}),
        ("?q=nothing", set()),
    ],
)
def test_the_list_can_be_searched_and_filtered(admin, make_meeting, query, found):
    make_meeting("standup")
    make_meeting("moved", platform="second")
    make_meeting("broken", state="failed")
    assert names_in(page(admin, LIST + query)) == found


def test_the_list_can_be_narrowed_to_a_room_a_day_and_an_id(admin, make_meeting):
    meeting = make_meeting("standup")
    other = make_meeting("other", start_date=timezone.now() - timedelta(days=40))
    assert names_in(page(admin, f"{LIST}?room__id__exact={meeting.room_id}&state__exact=live")) == {"standup"}
    assert names_in(page(admin, f"{LIST}?q={other.pk}")) == {"other"}
    (today,) = re.findall(r'href="(\?start_date__gte=[^"]+)">Today', page(admin, LIST))
    assert names_in(page(admin, LIST + today)) == {"standup"}


def test_the_list_asks_the_database_as_often_for_many_meetings_as_for_few(admin, make_meeting):
    counts = []
    for start in (0, 2):
        for number in range(start, start + 2 + 20 * start):
            make_meeting(f"room-{number}")
        page(admin, LIST)  # whatever is looked up once and kept
        with CaptureQueriesContext(connection) as queries:
            page(admin, LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8


# The page


def test_the_page_tells_all_about_a_meeting_but_the_hosts_address(admin, make_meeting):
    meeting = make_meeting(is_locked=True, recording_failed_at=timezone.now().replace(hour=13, minute=7))
    for address in (LIST, page_of(meeting), page_of(meeting, "history"), page_of(meeting, "end")):
        markup = page(admin, address)
        assert "let-me-in" not in markup
    markup = page(admin, page_of(meeting))
    text = text_of(markup)
    for shown in ("Platform: First", "provider-0", "standup-0", "https://rooms.example/standup-0", str(meeting.pk)):
        assert shown in text
    assert re.search(r"Recording failed at: [^:]*13:07:", text)
    assert re.search(r'Host address held:.*?alt="True"', markup, re.DOTALL)
    assert f"/admin/rooms/room/{meeting.room_id}/change/" in markup


def test_the_page_of_a_meeting_whose_room_is_gone(admin, make_meeting):
    meeting = make_meeting(host_room_url="")
    Meeting.objects.filter(pk=meeting.pk).update(room=None)
    markup = page(admin, page_of(meeting))
    assert "standup (deleted since)" in markup
    assert re.search(r'Host address held:.*?alt="False"', markup, re.DOTALL)


def test_the_page_says_why_a_meeting_failed_and_what_the_provider_was_told(admin, make_meeting):
    meeting = make_meeting(state="failed", error="First refused POST /rooms with 400.")
    call = ProviderCall.objects.create(
        meeting=meeting, kind="set_logo", state="failed", attempts=4, last_error="PlatformRejected: no such image"
    )
    markup = page(admin, page_of(meeting))
    assert "First refused POST /rooms with 400." in markup
    assert re.search(r"Set Logo Failed 4 .*PlatformRejected: no such image", text_of(markup))
    assert f"{CALLS}{call.pk}/change/" in markup


def test_meetings_are_neither_added_nor_edited_nor_deleted(admin, make_meeting):
    meeting = make_meeting()
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(page_of(meeting), {"room_label": "x", "num_clients": 9}).status_code == 403
    assert admin.post(page_of(meeting, "delete"), {"post": "yes"}).status_code == 403
    admin.post(LIST, {**select(meeting, action="delete_selected"), "post": "yes"})
    meeting.refresh_from_db()
    assert (meeting.room_label, meeting.num_clients) == ("standup", 0)
    assert "Save" not in text_of(page(admin, page_of(meeting)))


# Ending a meeting


def test_ending_asks_first_and_says_what_it_means(admin, make_meeting):
    meeting = make_meeting(num_clients=1)
    assert page_of(meeting, "end") in page(admin, page_of(meeting))
    text = text_of(page(admin, page_of(meeting, "end")))
    assert "1 person is in it now, as far as First has told." in text
    assert "Everybody is sent out when First closes its room." in text
    assert state_of(meeting) == "live"


@pytest.mark.parametrize("platform", ["second", "gone"])
def test_ending_says_when_the_platform_cannot_send_people_out(admin, make_meeting, platform):
    meeting = make_meeting(platform=platform, num_clients=2)
    assert "cannot close its room: people in it can stay there." in text_of(page(admin, page_of(meeting, "end")))
    assert admin.post(page_of(meeting, "end")).status_code == 302
    assert state_of(meeting) == "ended"
    assert not ProviderCall.objects.exists()


def test_a_meeting_is_ended_from_its_page(admin, make_meeting, django_capture_on_commit_callbacks):
    meeting = make_meeting(num_clients=2)
    with django_capture_on_commit_callbacks() as messages:
        response = admin.post(page_of(meeting, "end"))
    assert response.url == page_of(meeting)
    meeting.refresh_from_db()
    assert (meeting.state, meeting.num_clients) == ("ended", 0)
    assert meeting.ended_at
    assert history_of(meeting) == [("staff", "Ended for everybody.")]
    assert messages_of(response) == ["1 meeting ended."]
    assert meeting.provider_calls.get().kind == "close_room"
    assert len(messages) == 1
    after = page(admin, page_of(meeting))
    assert page_of(meeting, "end") not in after
    assert page_of(meeting, "host") not in after


def test_a_meeting_that_has_ended_is_not_ended_twice(admin, make_meeting):
    meeting = make_meeting(state="ended")
    assert "It is not live: there is nothing to end." in text_of(page(admin, page_of(meeting, "end")))
    assert messages_of(admin.post(page_of(meeting, "end"))) == ["Not live, so left as it was: 1 meeting."]
    assert history_of(meeting) == []


def test_meetings_are_ended_together(admin, make_meeting):
    one, two, over, kept = make_meeting(), make_meeting(), make_meeting(state="ended"), make_meeting()
    response = admin.post(LIST, select(one, two, over, action="end"))
    assert [state_of(meeting) for meeting in (one, two, over, kept)] == ["ended", "ended", "ended", "live"]
    assert messages_of(response) == ["2 meetings ended.", "Not live, so left as it was: 1 meeting."]
    assert LogEntry.objects.count() == 2
    assert ProviderCall.objects.filter(kind="close_room").count() == 2


def test_a_meeting_that_is_not_there_cannot_be_ended(admin):
    address = f"{LIST}00000000-0000-4000-8000-000000000000/"
    assert admin.post(f"{address}end/").status_code == 404
    assert admin.get(f"{address}host/").status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_ending_takes_get_and_post_only(admin, make_meeting, method):
    meeting = make_meeting()
    assert getattr(admin, method)(page_of(meeting, "end")).status_code == 405
    assert admin.post(page_of(meeting, "host")).status_code == 405
    assert state_of(meeting) == "live"


def test_ending_needs_the_token_of_the_page(staff, make_meeting):
    meeting = make_meeting()
    client = signed_in(staff, enforce_csrf_checks=True)
    assert client.post(page_of(meeting, "end")).status_code == 403
    (token,) = re.findall(
        r'name="csrfmiddlewaretoken" value="(\w+)">\s*<input type="submit" value="End meeting">',
        page(client, page_of(meeting, "end")),
    )
    assert client.post(page_of(meeting, "end"), {"csrfmiddlewaretoken": token}).status_code == 302
    assert state_of(meeting) == "ended"


# Opening as host


def test_staff_go_to_a_meeting_as_its_host_without_seeing_the_address(admin, make_meeting, caplog):
    meeting = make_meeting()
    assert page_of(meeting, "host") in page(admin, page_of(meeting))
    with caplog.at_level("INFO"):
        response = admin.get(page_of(meeting, "host"))
    assert (response.status_code, response.url) == (302, HOST_URL)
    assert f"meeting_opened_as_host meeting={meeting.pk}" in caplog.text
    assert "let-me-in" not in caplog.text
    meeting.refresh_from_db()
    assert meeting.expected_at  # so that it does not end while they are on their way


def test_where_hosts_are_told_by_token_staff_get_one(admin, make_meeting):
    meeting = make_meeting(platform="third", host_room_url="")
    assert admin.get(page_of(meeting, "host")).url == "https://rooms.example/standup-0?t=staff-owner"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"state": "ended"}, "The meeting is not live."),
        ({"platform": "fourth"}, "Fourth answered 503."),
        ({"platform": "gone"}, "has no platform 'gone'"),
    ],
)
def test_when_nobody_can_be_let_in_staff_are_told_why(admin, make_meeting, fields, message):
    meeting = make_meeting(**fields)
    response = admin.get(page_of(meeting, "host"))
    assert response.url == page_of(meeting)
    assert message in messages_of(response)[0]


# Provider calls, and running work again


@pytest.fixture
def make_call(make_meeting):
    def make(**fields):
        defaults = {"kind": "close_room", "state": "failed", "attempts": 12, "last_error": "PlatformRejected: no"}
        return ProviderCall.objects.create(meeting=make_meeting(), **defaults | fields)

    return make


def test_provider_calls_are_listed_with_their_state_and_error(admin, make_call):
    make_call(last_error="PlatformRejected: " + "no " * 100)
    make_call(state="done", kind="set_logo", last_error="", attempts=1)
    text = text_of(page(admin, CALLS))
    assert re.search(r"Close Room standup, .* UTC Failed 12 .* PlatformRejected: no no", text)
    assert "no " * 60 not in text
    for state, kind in (("failed", "Close Room"), ("done", "Set Logo")):
        assert names_in(page(admin, f"{CALLS}?state__exact={state}")) == {kind}


def test_provider_calls_are_neither_added_nor_edited_nor_deleted(admin, make_call):
    call = make_call()
    assert admin.get(f"{CALLS}add/").status_code == 403
    assert admin.post(f"{CALLS}{call.pk}/change/", {"state": "done"}).status_code == 403
    assert admin.post(f"{CALLS}{call.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "PlatformRejected: no" in page(admin, f"{CALLS}{call.pk}/change/")
    assert state_of(call) == "failed"


def test_the_list_of_calls_asks_the_database_as_often_for_many_as_for_few(admin, make_call):
    counts = []
    for more in (2, 20):
        for _ in range(more):
            make_call()
        page(admin, CALLS)
        with CaptureQueriesContext(connection) as queries:
            page(admin, CALLS)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_work_is_run_again_from_the_list(admin, make_call, django_capture_on_commit_callbacks):
    failed, done, running = make_call(), make_call(state="done"), make_call(state="running")
    before = timezone.now()
    with django_capture_on_commit_callbacks() as messages:
        response = admin.post(CALLS, select(failed, done, running, action="run_again"))
    assert [state_of(call) for call in (failed, done, running)] == ["waiting", "waiting", "running"]
    failed.refresh_from_db()
    assert (failed.attempts, failed.last_error) == (0, "")
    assert before <= failed.next_attempt_at <= timezone.now()
    assert len(messages) == 2
    assert history_of(failed) == [("staff", "Run again.")]
    assert history_of(running) == []
    assert messages_of(response) == ["To be run again: 2.", "Running at this moment and left alone: 1."]


def test_work_is_run_again_from_its_page(admin, make_call):
    call = make_call()
    address = f"{CALLS}{call.pk}/run-again/"
    assert f'action="{address}"' in page(admin, f"{CALLS}{call.pk}/change/")
    assert admin.get(address).status_code == 405
    response = admin.post(address)
    assert response.url == f"{CALLS}{call.pk}/change/"
    assert state_of(call) == "waiting"
    assert ProviderCall.run(call.pk)
    assert state_of(call) == "done"


def test_work_that_is_not_there_cannot_be_run_again(admin):
    assert admin.post(f"{CALLS}12345/run-again/").status_code == 404
    assert admin.post(f"{CALLS}no-number/run-again/").status_code == 404


def test_running_again_needs_the_token_of_the_page(staff, make_call):
    call = make_call()
    client = signed_in(staff, enforce_csrf_checks=True)
    assert client.post(f"{CALLS}{call.pk}/run-again/").status_code == 403
    assert state_of(call) == "failed"


# Who may do what


def test_onlookers_see_meetings_and_change_nothing(onlooker, make_meeting, make_call):
    meeting, call = make_meeting(), make_call()
    markup = page(onlooker, page_of(meeting))
    assert "let-me-in" not in markup
    assert page_of(meeting, "end") not in markup
    assert page_of(meeting, "host") not in markup
    assert "run-again" not in page(onlooker, f"{CALLS}{call.pk}/change/")
    assert onlooker.get(page_of(meeting, "end")).status_code == 403
    assert onlooker.post(page_of(meeting, "end")).status_code == 403
    assert onlooker.get(page_of(meeting, "host")).status_code == 403
    assert onlooker.post(f"{CALLS}{call.pk}/run-again/").status_code == 403
    onlooker.post(LIST, select(meeting, action="end"))
    onlooker.post(CALLS, select(call, action="run_again"))
    assert (state_of(meeting), state_of(call)) == ("live", "failed")
    assert LogEntry.objects.count() == 0


@pytest.mark.parametrize("query", ["host_room_url__contains=let-me-in", "host_room_url__startswith=h"])
def test_the_hosts_address_cannot_be_guessed_by_filtering(admin, onlooker, make_meeting, query):
    make_meeting()
    for client in (admin, onlooker):
        assert client.get(f"{LIST}?{query}").status_code == 400


def test_the_right_to_change_meetings_is_the_right_to_end_them(make_meeting):
    meeting = make_meeting()
    user = make_user("moderator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="change_meeting"))
    client = signed_in(user)
    assert page_of(meeting, "end") in page(client, page_of(meeting))
    assert client.post(LIST, select(meeting, action="end")).status_code == 302
    assert state_of(meeting) == "ended"
    assert history_of(meeting) == [("moderator", "Ended for everybody.")]


def test_people_who_are_not_staff_are_kept_out(make_meeting, owner):
    meeting = make_meeting()
    nobody = signed_in(make_user("nobody", is_staff=True))
    for view in ("change", "end", "host"):
        assert nobody.get(page_of(meeting, view)).status_code == 403
        assert signed_in(owner).get(page_of(meeting, view))["Location"].startswith("/admin/login/")
        assert Client().post(page_of(meeting, view))["Location"].startswith("/admin/login/")
    assert state_of(meeting) == "live"


def test_pages_bring_no_script_or_style_of_their_own(admin, make_meeting, make_call):
    addresses = [LIST, CALLS, f"{CALLS}{make_call().pk}/change/"]
    meeting = make_meeting()
    for address in [*addresses, page_of(meeting), page_of(meeting, "end")]:
        markup = page(admin, address)
        assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", markup) == []
        assert re.findall(r"\son\w+=|<style|\sstyle=", markup) == []
