"""A room's own page: who sees it, and what its sections do without a script."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from meetings.models import Meeting
from meetings.opening import open_meeting
from recordings.models import Transcript, TranscriptMail
from rooms import co_owners
from rooms.models import CalendarSync, Room, Webhook, WebhookDelivery
from rooms.webhooks.events import emit
from tests.conftest import api_for, make_user
from tests.support.feeds import FEED, calendar, in_minutes
from tests.support.receivers import HOOK, SECRET, job
from tests.support.stub_provider import Answer, StubProvider
from tests.support.transcripts import make_transcript

PAGE = "/rooms/standup"
TOKEN = re.compile(r'(name="csrf-token" content|name="csrfmiddlewaretoken" value)="[^"]+"')


@pytest.fixture
def server(settings):
    with StubProvider() as stub:
        settings.OUTBOUND_ALLOWED_HOSTS = [stub.url.removeprefix("http://")]
        yield stub


@pytest.fixture
def client(owner, room):
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def hooked(room, server):
    room.webhook_url, room.webhook_secret = server.url + HOOK, SECRET
    room.save()
    server.on("POST", HOOK, Answer(body=b"thank <b>you</b>"))
    return room


def text(client, path=PAGE):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def press(client, button, **fields):
    """The page that follows."""
    answer = client.post(f"{PAGE}/{button}", fields)
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}#{button.split('/')[0]}")
    return text(client)


def focused(answer):
    """The field or section that the browser goes to, and the address that the page takes."""
    page = answer.content.decode()
    [tag] = re.findall(r"<\w+ [^>]*\bautofocus\b[^>]*>", page)
    return re.search(r' id="([^"]+)"', tag)[1], re.search(r'<body data-address="([^"]+)">', page)[1]


# Who


def test_it_is_there_with_and_without_a_slash(client):
    assert "<h1><bdi>standup</bdi></h1>" in text(client)
    assert "<h1><bdi>standup</bdi></h1>" in text(client, f"{PAGE}/")


def test_a_stranger_is_told_what_is_told_of_a_room_that_does_not_exist(room, colleague):
    client = Client()
    client.force_login(colleague)
    for there, not_there in ((PAGE, "/rooms/nowhere"), (f"{PAGE}/webhook/test", "/rooms/nowhere/webhook/test")):
        answers = [client.post(path) if "test" in path else client.get(path) for path in (there, not_there)]
        assert [answer.status_code for answer in answers] == [404, 404]
        one, other = (TOKEN.sub("", answer.content.decode()) for answer in answers)
        assert one == other


def test_a_guest_is_asked_to_log_in_whether_or_not_there_is_such_a_room(room):
    for name in ("standup", "nowhere"):
        assert Client().get(f"/rooms/{name}")["Location"] == f"/login?next=/rooms/{name}"
        assert Client().post(f"/rooms/{name}/webhook/test")["Location"] == f"/login?next=/rooms/{name}"


@pytest.mark.parametrize("path", ["webhook/nonsense", "nonsense/save", "now/save"])
def test_there_are_no_other_buttons(client, path):
    assert client.post(f"{PAGE}/{path}").status_code == 404


def test_a_button_is_no_link(client):
    assert client.get(f"{PAGE}/webhook/test").status_code == 405


def test_the_first_page_leads_to_it_only_who_may_change_the_room(client, room, colleague):
    Room.objects.update(is_shared=True)
    assert f'href="{PAGE}"' in text(client, "/")
    other = Client()
    other.force_login(colleague)
    assert "standup" in text(other, "/")
    assert f'href="{PAGE}"' not in text(other, "/")


# Now and next


def test_what_is_live_can_be_joined(client, room):
    assert "Nobody meets here now." in text(client)
    meeting = open_meeting(room)
    page = text(client)
    assert f'href="/standup/{meeting.pk}"' in page
    assert "Nobody meets here now." not in page


def test_a_meeting_of_the_calendar_is_open_before_it_begins(client, room):
    meeting = open_meeting(room)
    assert "on Mock, since <time" in text(client).replace(" (development)", "")
    Meeting.objects.filter(pk=meeting.pk).update(start_date=timezone.now() + timedelta(minutes=5))
    page = text(client)
    assert "on Mock, begins <time" in page
    assert "since <time" not in page


def test_who_sees_a_listed_room_is_said_as_it_is(client, settings):
    for page in (PAGE, "/new"):
        settings.PUBLIC_MODE = False
        assert "On the first page of all who are signed in." in text(client, page)
        settings.PUBLIC_MODE = True
        assert "On the first page of this server." in text(client, page)


def test_its_address_stands_there_to_be_copied(client, settings):
    assert f'<code id="address">{settings.PUBLIC_URL}/standup</code>' in text(client)


# Calendar


def test_an_address_is_read_and_then_masked(client, server, room):
    server.on("GET", FEED, calendar(in_minutes(90, title="Board <i>talk</i>")))
    address = server.url + FEED
    page = press(client, "calendar/save", ics_url=address, ics_enabled="on", ics_fetch_interval="900")
    assert "Saved. The calendar is read within a minute." in page
    assert "an address at 127.0.0.1" in page
    assert FEED not in page
    room.refresh_from_db()
    assert (room.ics_url, room.ics_fetch_interval, room.ics_all_events) == (address, 900, False)
    page = press(client, "calendar/sync")
    assert "The calendar was read. Events of this room: 1." in page
    assert "Board &lt;i&gt;talk&lt;/i&gt;" in page


def test_other_settings_are_stored_without_touching_the_address(client, room):
    Room.objects.update(ics_url="https://calendar.example.com/basic.ics", ics_enabled=True)
    press(client, "calendar/save", ics_url="", ics_all_events="on", ics_fetch_interval="3600")
    room.refresh_from_db()
    assert (room.ics_url, room.ics_enabled) == ("https://calendar.example.com/basic.ics", False)
    assert (room.ics_fetch_interval, room.ics_all_events) == (3600, True)


def test_an_interval_that_was_set_elsewhere_is_offered_and_kept(client, room):
    Room.objects.update(ics_fetch_interval=7)  # which counts as minutes
    assert '<option value="420" selected>every 420 seconds</option>' in text(client)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Enter the calendar&#x27;s address."),
        ("http://127.0.0.1:8000/a.ics", "This address is not on the public internet."),
        ("ftp://example.com/a.ics", "that starts with http:// or https://"),
        ("https://example.com/" + "a" * 3000, "at most 2000 characters"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_beside_it(client, room, address, words):
    answer = client.post(
        f"{PAGE}/calendar/save", {"ics_url": address, "ics_enabled": "on", "ics_fetch_interval": "300"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert 'aria-invalid="true"' in page
    room.refresh_from_db()
    assert not room.ics_url


@pytest.mark.parametrize("section", ["calendar", "webhook"])
def test_an_address_inside_is_named_with_what_the_operator_can_do_and_without_its_secrets(client, room, section):
    field = {"calendar": "ics_url", "webhook": "webhook_url"}[section]
    sent = {field: "http://10.0.0.7:8080/private-9f2c?key=s3cret", "ics_enabled": "on", "ics_fetch_interval": "300"}
    page = client.post(f"{PAGE}/{section}/save", sent).content.decode()
    said = page.partition(f'id="id_{field}_error"')[2].partition("</p>")[0]
    assert "This address is not on the public internet." in said
    assert "Its operator can let 10.0.0.7:8080 through: OUTBOUND_ALLOWED_HOSTS=10.0.0.7:8080." in said
    assert "private-9f2c" not in said
    in_german = client.post(f"{PAGE}/{section}/save", sent, headers={"Accept-Language": "de"}).content.decode()
    assert "Diese Adresse liegt nicht im öffentlichen Internet." in in_german
    assert "durchlassen: OUTBOUND_ALLOWED_HOSTS=10.0.0.7:8080." in in_german
    by_api = api_for(room.owner).patch(f"/v1/rooms/{room.pk}", {field: "http://10.0.0.7:22/x"}).json()["detail"]
    assert by_api[0]["msg"] == "This address is not on the public internet."
    assert "OUTBOUND_ALLOWED_HOSTS=10.0.0.7:22." in by_api[1]["msg"]


def test_why_a_look_brought_nothing_is_said_and_what_was_read_stays(client, server, room):
    server.on("GET", FEED, calendar(in_minutes(90, title="Board talk")), Answer(500))
    Room.objects.update(ics_url=server.url + FEED, ics_enabled=True)
    press(client, "calendar/sync")
    CalendarSync.objects.update(finished_at=timezone.now() - timedelta(minutes=1))
    page = press(client, "calendar/sync")
    assert "The last look brought nothing: The server of the calendar answered 500." in page
    assert "Board talk" in page


def test_an_address_can_be_removed(client, room):
    Room.objects.update(ics_url="https://calendar.example.com/basic.ics", ics_enabled=True)
    press(client, "calendar/forget")
    room.refresh_from_db()
    assert (room.ics_url, room.ics_enabled) == (None, False)
    assert "There is no calendar to read." in press(client, "calendar/sync")


# Webhook


def test_a_secret_is_made_and_shown_once(client, server, room):
    page = press(client, "webhook/save", webhook_url=server.url + HOOK, events=["meeting.started", "participants"])
    room.refresh_from_db()
    assert room.webhook_url == server.url + HOOK
    assert room.webhook_secret in page
    assert HOOK not in page
    assert room.webhook_secret not in text(client)
    assert room.webhook_secret not in str(dict(client.session))
    assert room.webhook_participants
    assert "meeting.started" not in room.webhook_muted
    assert "meeting.ended" in room.webhook_muted


def test_a_script_that_looks_again_does_not_use_the_secret_up(client, room, server):
    client.post(f"{PAGE}/webhook/save", {"webhook_url": server.url + HOOK})
    room.refresh_from_db()
    assert room.webhook_secret not in client.get(PAGE, headers={"X-Quiet": "1"}).content.decode()
    assert room.webhook_secret in text(client)


def test_events_that_were_left_out_are_not_sent(client, hooked):
    press(client, "webhook/save", webhook_url="", events=["meeting.ended"])
    hooked.refresh_from_db()
    assert hooked.webhook_secret == SECRET
    assert emit(hooked, "meeting.started", dict) is None
    assert emit(hooked, "meeting.ended", dict) is not None


def test_a_test_tells_what_the_receiver_answered(client, server, hooked):
    server.on("POST", HOOK, Answer(418, body=b"<b>" + b"x" * 600))
    page = press(client, "webhook/test")
    assert "The test failed. The receiver answered 418." in page
    assert "&lt;b&gt;" + "x" * 497 in page
    assert "x" * 498 not in page
    assert re.search(r"Failed</span>\s*<code>test</code>", page)


def test_a_delivery_can_be_sent_again(client, server, hooked):
    press(client, "webhook/test")
    [delivery] = WebhookDelivery.objects.all()
    assert "Sent again: 1." in press(client, "webhook/again", delivery=str(delivery.event_id))
    assert job() == 1
    assert [request.headers["webhook-id"] for request in server.requests] == [str(delivery.event_id)] * 2
    page = text(client)
    assert page.count("thank &lt;b&gt;you&lt;/b&gt;") == 2


def test_what_is_on_its_way_is_marked_so_that_the_page_looks_for_it_by_the_clock(client, server, hooked):
    """No open page is told of deliveries: see static/live.js."""
    assert "data-waits" not in text(client)
    emit(hooked, "meeting.started", dict)
    assert text(client).count("data-waits") == 1
    assert job() == 1
    assert "data-waits" not in text(client)


def test_all_that_failed_lately_can_be_sent_again(client, hooked):
    for _ in range(3):
        emit(hooked, "meeting.started", dict)
    WebhookDelivery.objects.update(state="failed")
    old = WebhookDelivery.objects.first()
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=30))
    assert "Sent again: 2." in press(client, "webhook/failed-again", hours="24")
    assert "Sent again: 1." in press(client, "webhook/failed-again", hours="72")
    assert "There was nothing to send again." in press(client, "webhook/failed-again", hours="1")


@pytest.mark.parametrize(
    ("button", "fields"),
    [
        ("again", {"delivery": "nonsense"}),
        ("again", {"delivery": "6a7f8e9d-0000-4000-8000-000000000000"}),
        ("again", {}),
        ("failed-again", {"hours": "1000"}),
        ("failed-again", {}),
    ],
)
def test_there_is_nothing_else_to_send_again(client, hooked, button, fields):
    assert client.post(f"{PAGE}/webhook/{button}", fields).status_code == 404


def test_another_rooms_delivery_is_not_sent_again(client, hooked, colleague):
    other = Room.objects.create(name="other", owner=colleague, webhook_url="https://hooks.example.com/1")
    delivery = emit(other, "meeting.started", dict)
    assert client.post(f"{PAGE}/webhook/again", {"delivery": str(delivery.event_id)}).status_code == 404


def test_a_switched_off_webhook_says_why_and_sends_nothing_again(client, hooked):
    emit(hooked, "meeting.started", dict)
    WebhookDelivery.objects.update(state="failed")
    Webhook.objects.update(off_since=timezone.now(), off_reason="The receiver answered 410: it wants no more.")
    assert "The receiver answered 410: it wants no more. A test that succeeds switches it on." in text(client)
    page = press(client, "webhook/failed-again", hours="24")
    assert "The webhook is switched off. A test that succeeds switches it on." in page
    assert "Switched off since" not in press(client, "webhook/test")


def test_a_new_secret_is_made_on_purpose(client, hooked):
    page = press(client, "webhook/rotate")
    hooked.refresh_from_db()
    assert hooked.webhook_secret != SECRET
    assert hooked.webhook_secret in page
    assert "events are signed with the old one, too." in page


def test_the_webhook_can_be_removed(client, hooked):
    press(client, "webhook/forget")
    hooked.refresh_from_db()
    assert (hooked.webhook_url, hooked.webhook_secret) == (None, None)
    assert "No webhook URL configured" in press(client, "webhook/test")
    assert "No webhook URL configured" in press(client, "webhook/rotate")


def test_the_log_is_long_and_shown_in_pages(client, hooked):
    for _ in range(12):
        emit(hooked, "meeting.started", dict)
    assert text(client).count("<details id=") == 10
    assert text(client, f"{PAGE}?page=2").count("<details id=") == 2


@pytest.mark.parametrize("address", ["", "http://localhost:8000/", "javascript:alert(1)"])
def test_an_address_that_cannot_be_called_is_refused(client, room, address):
    answer = client.post(f"{PAGE}/webhook/save", {"webhook_url": address})
    assert answer.status_code == 422
    assert 'id="id_webhook_url_error"' in answer.content.decode()


# Keys


def test_what_the_keys_cannot_read_is_said_and_can_be_entered_anew(client, hooked, settings):
    Room.objects.filter(pk=hooked.pk).update(ics_enabled=False)
    settings.FIELD_ENCRYPTION_KEYS = ["6LmMzlAhgKAjKpmmXzk3uYjbSCPA8N1mTXB8LR1YhqQ="]
    assert "an unreadable address, as the server&#x27;s keys were changed" in text(client)
    assert client.post(f"{PAGE}/webhook/test").status_code == 503
    press(client, "webhook/forget")
    press(client, "webhook/save", webhook_url="https://hooks.example.com/another")
    assert Room.objects.get().webhook_url == "https://hooks.example.com/another"
    assert "an address at hooks.example.com" in text(client)


def test_staff_see_whose_room_it_is(room):
    client = Client()
    client.force_login(make_user("boss", is_staff=True, is_superuser=True))
    assert "of <bdi>owner</bdi>" in text(client)


def test_a_link_for_subscribers_is_made_shown_and_taken_back(client, room):
    page = press(client, "calendar/make-link")
    assert "There is a link to the room&#x27;s calendar now." in page
    assert "from before" not in page
    room.refresh_from_db()
    link = f"http://localhost:8000/v1/rooms/standup/calendar.ics?key={room.calendar_secret}"
    assert link in page
    assert link in text(client)
    assert "The one from before leads nowhere now." in press(client, "calendar/make-link")
    page = press(client, "calendar/revoke-link")
    assert "calendar.ics?key=" not in page
    room.refresh_from_db()
    assert room.calendar_secret is None


# Who gets the transcripts


def test_a_list_is_stored_and_shown(client, room):
    page = press(client, "transcripts/save", email_transcript_to="ada@example.com, bo@example.com")
    room.refresh_from_db()
    assert room.email_transcript_to == "ada@example.com, bo@example.com"
    assert 'value="ada@example.com, bo@example.com"' in page
    press(client, "transcripts/save", email_transcript_to="")
    room.refresh_from_db()
    assert room.email_transcript_to is None


def test_what_is_no_address_is_said_beside_the_list(client):
    answer = client.post(f"{PAGE}/transcripts/save", {"email_transcript_to": "ada@example.com, nobody"})
    assert answer.status_code == 422
    assert "“nobody” is not an e-mail address." in answer.content.decode()


def test_what_became_of_the_latest_mails_is_shown(client, owner, room):
    transcript = make_transcript(owner, room=room)
    TranscriptMail.objects.create(
        transcript=transcript,
        recipient="ada@example.com",
        state="failed",
        last_error="PlatformRejected: The mail server answered 550: no such person",
    )
    page = text(client)
    assert "ada@example.com" in page
    assert '<span class="small error">The mail server answered 550: no such person</span>' in page


def test_what_a_private_transcript_is_called_is_for_its_owner(client, owner, room, colleague):
    transcript = make_transcript(owner, room=room, title="Who is to be let go", share_mode="private")
    TranscriptMail.objects.create(transcript=transcript, recipient="ada@example.com")
    room.co_owners.add(colleague)
    assert "Who is to be let go" in text(client)
    client.force_login(colleague)
    assert "Who is to be let go" not in text(client)
    Transcript.objects.update(share_mode="semi-private")
    assert "Who is to be let go" in text(client)
    Transcript.objects.update(deleted_at=timezone.now())
    assert "Who is to be let go" not in text(client)


def test_without_a_mail_server_the_page_says_so_and_takes_no_list(client, room, settings):
    settings.EMAIL_IS_SENT = False
    page = text(client)
    assert "This server sends no e-mail: its operator has to set EMAIL_URL." in page
    assert re.search(r'<input type="text" name="email_transcript_to"[^>]* disabled', page)
    press(client, "transcripts/save", email_transcript_to="ada@example.com")
    room.refresh_from_db()
    assert not room.email_transcript_to


def test_a_list_from_before_can_be_taken_away_without_a_mail_server(client, room, settings):
    Room.objects.update(email_transcript_to="ada@example.com")
    settings.EMAIL_IS_SENT = False
    assert 'value="ada@example.com"' in text(client)
    press(client, "transcripts/save", email_transcript_to="")
    room.refresh_from_db()
    assert room.email_transcript_to is None


def test_where_zulip_is_told_is_stored_and_without_zulip_the_page_says_so(client, room, settings):
    assert "its operator has to set ZULIP_REALM, ZULIP_BOT_EMAIL, ZULIP_API_KEY." in text(client)
    settings.ZULIP_REALM, settings.ZULIP_BOT_EMAIL, settings.ZULIP_API_KEY = "https://chat.example.com", "bot", "key"
    fields = {"zulip_auto_post": "on", "zulip_stream": "Rooms", "zulip_topic": "standup"}
    assert "operator has to set" not in press(client, "transcripts/save", **fields)
    room.refresh_from_db()
    assert room.posts_to_zulip
    answer = client.post(f"{PAGE}/transcripts/save", {"zulip_auto_post": "on", "zulip_stream": "Rooms"})
    assert answer.status_code == 422
    assert 'id="id_zulip_topic_error">Say where to post.' in answer.content.decode()


# Forms that are refused


@pytest.mark.parametrize(
    ("button", "fields", "first"),
    [
        ("calendar/save", {"ics_enabled": "on", "ics_fetch_interval": "300"}, "id_ics_url"),
        ("webhook/save", {"webhook_url": "nowhere"}, "id_webhook_url"),
        ("owners/add", {"person": "nobody"}, "id_person"),
        ("delete/delete", {}, "id_is_meant"),
        ("settings/save", {"title": "x" * 1000, "name": "a/b"}, "id_title"),
    ],
)
def test_a_refused_form_is_shown_where_its_first_error_is(client, button, fields, first):
    assert focused(client.post(f"{PAGE}/{button}", fields)) == (first, PAGE)


def test_what_is_wrong_with_all_of_a_form_is_shown_with_its_section(client, django_user_model, monkeypatch):
    django_user_model.objects.create_user("bea")
    monkeypatch.setattr(co_owners, "MOST", 0)
    assert focused(client.post(f"{PAGE}/owners/add", {"person": "bea"})) == ("owners", PAGE)


def test_a_page_that_answers_no_form_goes_nowhere_by_itself(client):
    page = text(client)
    assert "autofocus" not in page
    assert "data-address" not in page
