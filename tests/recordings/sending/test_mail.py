"""Transcripts by e-mail: who gets one, what is in it, and a mail server that does not take it."""

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.utils import timezone, translation

from meetings.models import EmailRecipient, ParticipantSession
from meetings.opening import open_meeting
from platforms.work import models
from recordings.models import Recording, Transcript, TranscriptMail
from recordings.pages.room_recipients import RecipientsForm
from recordings.transcription import submit
from recordings.transcription.processors import Result, Segment
from rooms.models import ChosenLanguage, Room
from rooms.services import IN_LOG, NO_EMAIL
from tests.conftest import api_for, error
from tests.support.stub_mail import StubMail
from tests.support.transcripts import make_meeting, make_transcript

pytestmark = pytest.mark.usefixtures("recordings_folder")

TALK = Result("en", 5.0, [Segment(0.0, 2.0, "Ada", "Good <morning>."), Segment(2.0, 5.0, "Grace", "Grüße & co.")])


@pytest.fixture
def server(settings):
    with StubMail() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 10
        settings.DEFAULT_FROM_EMAIL = "Rooms <rooms@example.com>"
        yield server


@pytest.fixture
def meeting(room):
    return open_meeting(room)


@pytest.fixture
def listed(room):
    Room.objects.update(email_transcript_to="team@example.com, Boss@Example.com; team@EXAMPLE.com")
    room.refresh_from_db()
    return room


def finish(meeting, result=TALK):
    """As the pipeline does when the processor has answered."""
    recording = Recording.objects.create(platform="mock", meeting_id=meeting.pk, state="processing", duration=5.0)
    assert submit.finish(recording, result)
    return Transcript.objects.get(recording=recording)


def work():
    return models.run_due(*models.models_of(TranscriptMail.LINE))


def later():
    TranscriptMail.objects.filter(state="waiting").update(next_attempt_at=timezone.now())


def ask(meeting, email, user=None, api=None):
    return (api or api_for(user)).post(f"/v1/meetings/{meeting.pk}/email-recipient", {"email": email})


# Who gets one


def test_the_rooms_list_and_who_asked_in_the_meeting_get_it_once_each(server, listed, meeting):
    assert ask(meeting, "guest@example.com").status_code == 200
    assert ask(meeting, "boss@example.com").status_code == 200
    transcript = finish(meeting)
    assert work() == 3
    assert work() == 0
    assert sorted(one.recipient.lower() for one in server.delivered) == [
        "boss@example.com",
        "guest@example.com",
        "team@example.com",
    ]
    assert {mail.state for mail in TranscriptMail.objects.all()} == {"done"}
    transcript.refresh_from_db()
    assert transcript.share_mode == "private"


def test_a_transcript_that_is_made_again_is_not_sent_again(server, listed, meeting):
    transcript = finish(meeting)
    work()
    Recording.objects.update(state="processing")
    assert submit.finish(transcript.recording, TALK)
    assert work() == 0
    assert len(server.delivered) == 2


def test_the_mail_holds_what_was_said_and_only_some_get_the_link(server, listed, meeting):
    Room.objects.update(email_transcript_to="team@example.com", title="Budget")
    ask(meeting, "guest@example.com")
    transcript = finish(meeting)
    Recording.objects.update(recorded_at="2027-01-02T15:04:00Z")
    Transcript.objects.update(title="Über\r\nBcc: x@example.com alles")
    work()
    mails = {one.recipient: one for one in server.delivered}
    link = f"http://localhost:8000/transcripts/{transcript.pk}"
    assert link in mails["team@example.com"].text
    assert "http" not in mails["guest@example.com"].text
    for one in mails.values():
        assert one.sender == "rooms@example.com"
        assert one.message["Subject"] == "Transcript: Über Bcc: x@example.com alles"
        assert one.message["To"] == one.recipient
        assert one.message["Bcc"] is None
        assert one.message["Auto-Submitted"] == "auto-generated"
        assert "Good <morning>." in one.text
        assert "Grüße & co." in one.files["transcript.txt"]
        assert "Room: Budget" in one.text
        assert "Recorded: 2 Jan 2027, 15:04 UTC" in one.text
    assert len({one.message["Message-ID"] for one in mails.values()}) == 2


def test_the_mail_is_in_the_language_that_is_set(server, listed, meeting, settings):
    settings.MAIL_LANGUAGE = "de"
    finish(meeting)
    work()
    one = server.delivered[0]
    assert one.message["Subject"].startswith("Transkript: ")
    assert "Raum: standup" in one.text
    assert "Sie erhalten dies, weil" in one.text
    assert translation.get_language() == "en"


def test_who_has_an_account_gets_it_in_the_language_that_they_chose(server, listed, meeting, owner):
    Room.objects.update(email_transcript_to="Owner@Example.com, team@example.com")
    type(owner).objects.filter(pk=owner.pk).update(email="owner@example.com")
    ChosenLanguage.objects.create(user=owner, code="de")
    finish(meeting)
    work()
    subjects = {one.recipient.lower(): one.message["Subject"] for one in server.delivered}
    assert subjects["owner@example.com"].startswith("Transkript: ")
    assert subjects["team@example.com"].startswith("Transcript: ")


def test_a_transcript_without_words_says_so(server, listed, meeting):
    Room.objects.update(email_transcript_to="team@example.com")
    finish(meeting, Result("en", 5.0, []))
    work()
    [one] = server.delivered
    assert "Nothing was said" in one.text
    assert one.files == {}


def test_one_that_has_a_note_says_no_more_of_what_was_not_said(server, listed, meeting):
    Room.objects.update(email_transcript_to="team@example.com")
    finish(meeting, Result("en", 5.0, [], note="Somebody spoke, but no words could be told."))
    work()
    [one] = server.delivered
    assert "Somebody spoke" in one.text
    assert "Nothing was said" not in one.text


def test_a_long_one_is_whole_in_its_file(server, listed, meeting):
    Room.objects.update(email_transcript_to="team@example.com")
    finish(meeting, Result("en", 5.0, [Segment(n, n + 1.0, f"S{n % 2}", f"{n} " + "word " * 100) for n in range(200)]))
    work()
    [one] = server.delivered
    assert "The rest is in the file" in one.text
    assert "\n[03:19] " in one.files["transcript.txt"].replace("\r", "")


def test_nobody_is_on_the_list(server, room, meeting):
    finish(meeting)
    assert TranscriptMail.objects.count() == 0


def test_addresses_that_were_stored_unchecked_keep_nobody_else_from_it(server, room, meeting):
    Room.objects.update(email_transcript_to="nonsense, team@example.com, a@b@c")
    finish(meeting)
    assert [mail.recipient for mail in TranscriptMail.objects.all()] == ["team@example.com"]


def test_who_asks_after_the_meeting_gets_what_is_ready_at_once(server, owner, room):
    meeting = make_meeting(owner, room, end_date=timezone.now(), ended_at=timezone.now())
    finish(meeting)
    assert ask(meeting, "ada@example.com", owner).status_code == 200
    assert work() == 1
    assert server.delivered[0].recipient == "ada@example.com"


# A server that does not take it


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("RCPT", "450 try later"),
        ("DATA", "451 busy"),
        ("MAIL", "550 not you"),
        ("EHLO", "421 closing"),
        ("END", "452 full"),
    ],
)
def test_what_may_pass_is_tried_again_under_the_same_id(server, listed, meeting, word, answer):
    Room.objects.update(email_transcript_to="team@example.com")
    server.refuse(word, answer)
    if word == "EHLO":
        server.refuse("HELO", answer)
    finish(meeting)
    assert work() == 1
    [mail] = TranscriptMail.objects.all()
    assert (mail.state, mail.attempts) == ("waiting", 1)
    assert answer[:3] in mail.last_error
    assert mail.next_attempt_at > timezone.now() + timedelta(seconds=20)
    server.accept()
    later()
    assert work() == 1
    mail.refresh_from_db()
    assert (mail.state, mail.last_error) == ("done", "")
    assert len({one.message["Message-ID"] for one in server.delivered}) == 1


@pytest.mark.parametrize(("word", "answer"), [("RCPT", "550 no such person"), ("END", "554 refused")])
def test_what_the_server_never_takes_is_not_tried_again(server, listed, meeting, word, answer):
    Room.objects.update(email_transcript_to="team@example.com")
    server.refuse(word, answer)
    finish(meeting)
    work()
    [mail] = TranscriptMail.objects.all()
    assert mail.state == "failed"
    assert answer[4:] in mail.last_error


def test_a_server_that_is_away_is_tried_again(server, listed, meeting, settings):
    settings.EMAIL_PORT = 1
    finish(meeting)
    work()
    assert {mail.state for mail in TranscriptMail.objects.all()} == {"waiting"}
    assert "ConnectionRefusedError" in TranscriptMail.objects.first().last_error


def test_one_that_was_deleted_meanwhile_is_not_sent(server, listed, meeting):
    finish(meeting)
    Transcript.objects.update(deleted_at=timezone.now())
    work()
    assert server.delivered == []
    assert "deleted meanwhile" in TranscriptMail.objects.first().last_error


def test_without_a_mail_server_it_fails_and_says_what_to_set(listed, meeting, settings):
    settings.EMAIL_IS_SENT = False
    finish(meeting)
    work()
    assert outbox.outbox == []
    mail = TranscriptMail.objects.first()
    assert (mail.state, NO_EMAIL in mail.last_error) == ("failed", True)


# By hand


def send(transcript, email, user=None):
    return api_for(user).post(f"/v1/transcripts/{transcript.pk}/email", {"email": email})


def test_a_transcript_is_sent_on_once_with_its_link(server, owner):
    transcript = make_transcript(owner, status="ended")
    assert send(transcript, "bo@example.com", owner).json() == {"sent": 1}
    assert send(transcript, "BO@example.com", owner).json() == {"sent": 0}
    assert work() == 1
    assert f"/transcripts/{transcript.pk}" in server.delivered[0].text
    transcript.refresh_from_db()
    assert transcript.share_mode == "private"


def test_what_failed_is_tried_again(server, owner):
    transcript = make_transcript(owner, status="ended")
    server.refuse("RCPT", "550 no such person")
    send(transcript, "bo@example.com", owner)
    work()
    server.accept()
    assert send(transcript, "bo@example.com", owner).json() == {"sent": 1}
    work()
    assert len(server.delivered) == 1


def test_only_who_may_read_it_and_is_signed_in_sends_it_on(owner, colleague):
    transcript = make_transcript(owner, status="ended")
    assert send(transcript, "bo@example.com", colleague).status_code == 403
    assert send(transcript, "bo@example.com").status_code == 401
    Transcript.objects.update(share_mode="public")
    assert send(transcript, "bo@example.com", colleague).json() == {"sent": 1}
    assert send(transcript, "bo@example.com").status_code == 401


def test_a_transcript_is_no_way_to_write_to_everybody(owner, monkeypatch):
    monkeypatch.setattr(TranscriptMail, "MOST", 1)
    transcript = make_transcript(owner, status="ended")
    send(transcript, "bo@example.com", owner)
    assert send(transcript, "another@example.com", owner).status_code == 429


def test_one_that_is_not_ready_is_not_sent_and_nothing_without_a_mail_server(owner, settings):
    transcript = make_transcript(owner, status="processing")
    assert send(transcript, "bo@example.com", owner).json() == error("Transcript is not ready")
    Transcript.objects.update(status="ended")
    assert send(transcript, "nobody", owner).status_code == 422
    settings.EMAIL_IS_SENT = False
    answer = send(transcript, "bo@example.com", owner)
    assert (answer.status_code, answer.json()) == (400, error("Email not configured"))


# Asking in a meeting


def test_the_owner_is_told_all_and_a_guest_only_of_themselves(owner, meeting):
    assert ask(meeting, "guest@example.com").json() == {
        "status": "success",
        "email_recipients": [{"email": "guest@example.com", "include_link": False}],
    }
    assert ask(meeting, "owner@example.com", owner).json()["email_recipients"] == [
        {"email": "guest@example.com", "include_link": False},
        {"email": "owner@example.com", "include_link": True},
    ]
    assert len(ask(meeting, "other@example.com").json()["email_recipients"]) == 1


def test_who_asks_twice_is_listed_once_and_may_get_the_link(owner, meeting):
    ask(meeting, "ada@example.com")
    ask(meeting, "ADA@example.com", owner)
    ask(meeting, "ada@example.com")
    assert [(one.email, one.include_link) for one in EmailRecipient.objects.all()] == [("ada@example.com", True)]


@pytest.mark.parametrize(
    "email",
    [
        "",
        "nonsense",
        "a@b",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com,b@example.com",
        "x" * 300 + "@example.com",
        None,
        7,
    ],
)
def test_what_is_no_address_is_refused(meeting, email):
    answer = ask(meeting, email)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "email"]
    assert not EmailRecipient.objects.exists()


def test_only_so_many_are_listed(meeting):
    EmailRecipient.objects.bulk_create(
        EmailRecipient(meeting=meeting, email=f"{n}@example.com") for n in range(EmailRecipient.MOST)
    )
    assert ask(meeting, "1@example.com").status_code == 200
    answer = ask(meeting, "more@example.com")
    assert (answer.status_code, answer["Retry-After"]) == (429, "3600")


def test_strangers_to_a_meeting_that_is_over_cannot_ask(owner, colleague, room):
    meeting = make_meeting(owner, room, end_date=timezone.now(), ended_at=timezone.now())
    assert ask(meeting, "a@example.com").status_code == 403
    assert ask(meeting, "a@example.com", colleague).status_code == 403
    ParticipantSession.objects.create(meeting=meeting, session_id="1", user_id=str(colleague.pk))
    assert ask(meeting, "a@example.com", colleague).status_code == 200


def test_of_a_locked_meeting_only_those_who_were_let_in_can_ask(owner, colleague, meeting):
    meeting.is_locked = True
    meeting.save()
    assert ask(meeting, "a@example.com").status_code == 403
    assert ask(meeting, "a@example.com", colleague).status_code == 403
    assert ask(meeting, "a@example.com", owner).status_code == 200
    guest = api_for()
    guest.post(f"/v1/rooms/standup/meetings/{meeting.pk}/join")
    assert ask(meeting, "b@example.com", api=guest).status_code == 200


def test_there_is_no_such_meeting(db):
    assert api_for().post("/v1/meetings/nonsense/email-recipient", {"email": "a@example.com"}).status_code == 404


def test_without_a_mail_server_nobody_is_listed_in_silence(meeting, settings):
    settings.EMAIL_IS_SENT = False
    answer = ask(meeting, "a@example.com")
    assert (answer.status_code, answer.json()) == (400, error("Email not configured"))
    assert not EmailRecipient.objects.exists()


# The room's list by the API


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "“nonsense” is not an e-mail address."),
        ("a@example.com, b", "“b” is not an e-mail address."),
        (", ".join(f"{n}@example.com" for n in range(21)), "Enter at most 20 addresses."),
    ],
)
def test_a_list_with_something_else_is_refused(owner, room, text, words):
    answer = api_for(owner).patch(f"/v1/rooms/{room.pk}", {"email_transcript_to": text})
    assert answer.status_code == 422
    assert (answer.json()["detail"][0]["loc"], answer.json()["detail"][0]["msg"]) == (
        ["body", "email_transcript_to"],
        words,
    )


def test_without_a_mail_server_a_list_is_refused_and_one_that_is_stored_is_kept(owner, listed, settings):
    settings.EMAIL_IS_SENT = False
    api, path = api_for(owner), f"/v1/rooms/{listed.pk}"
    answer = api.patch(path, {"email_transcript_to": "new@example.com"})
    assert (answer.status_code, answer.json()["detail"][0]["msg"]) == (422, NO_EMAIL)
    kept = {"email_transcript_to": listed.email_transcript_to, "is_locked": True}
    assert api.patch(path, kept).status_code == 200
    assert api.patch(path, {"email_transcript_to": None}).json()["email_transcript_to"] is None
    assert api.get("/v1/config").json()["email_enabled"] is False


def test_the_configuration_says_that_mail_is_sent(db):
    assert api_for().get("/v1/config").json()["email_enabled"] is True


def test_where_mail_goes_to_the_log_it_is_not_said_to_be_sent(owner, listed, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert api_for().get("/v1/config").json()["email_enabled"] is False
    api = api_for(owner)
    assert api.patch(f"/v1/rooms/{listed.pk}", {"email_transcript_to": "new@example.com"}).status_code == 200
    form = RecipientsForm(listed)
    assert IN_LOG in form.fields["email_transcript_to"].help_text


def test_one_that_went_to_the_log_is_not_shown_as_sent_also_when_there_is_a_server(
    client, owner, listed, meeting, settings, server
):
    Room.objects.update(email_transcript_to="team@example.com")
    with_server, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "django.core.mail.backends.console.EmailBackend"
    finish(meeting)
    assert work() == 1
    settings.EMAIL_BACKEND = with_server
    client.force_login(owner)
    page = client.get("/rooms/standup").content.decode().partition('id="sent"')[2]
    assert '<span class="badge">Written to the log only</span>' in page
    assert ">Sent<" not in page
    finish(meeting)
    assert work() == 1
    page = client.get("/rooms/standup").content.decode().partition('id="sent"')[2]
    assert '<span class="badge badge-good">Sent</span>' in page


def test_a_transcript_outside_of_any_room_is_for_nobody(db, owner):
    make_transcript(owner)
    assert TranscriptMail.objects.count() == 0
