"""POST /v1/rooms/{room_name}/meetings/{meeting_id}/join."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from meetings.models import Meeting, ProviderCall
from meetings.opening import end_meeting, open_meeting
from platforms.backends.mock import MockClient
from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.handler import register_platform, unregister_platform
from platforms.types import JoinLink, JoinRequest
from rooms.api.authentication import issue_token
from rooms.models import Room
from tests.conftest import api_for, error


class Tokens(MockClient):
    """A platform that lets people in by token, and can refuse to."""

    label = "Tokens"
    supports_join_tokens = True
    asked: list[JoinRequest]
    error: Exception | None

    def join_link(self, request):
        self.asked.append(request)
        if self.error:
            raise self.error
        return JoinLink(f"{request.room_url}?t=token")


@pytest.fixture
def tokens():
    Tokens.asked, Tokens.error = [], None
    register_platform("tokens", Tokens)
    yield Tokens
    unregister_platform("tokens")


@pytest.fixture
def meeting(owner, tokens):
    return open_meeting(Room.objects.create(name="standup", owner=owner, platform="tokens"))


def path(meeting, room_name="standup"):
    return f"/v1/rooms/{room_name}/meetings/{getattr(meeting, 'pk', meeting)}/join"


def test_the_address_lets_this_person_in(colleague, meeting, tokens):
    answer = api_for(colleague).post(path(meeting))
    assert answer.status_code == 200
    assert answer.json()["room_url"] == f"{meeting.room_url}?t=token"
    (request,) = tokens.asked
    assert (request.room_name, request.settings, request.expires_at) == (meeting.room_name, meeting, meeting.end_date)
    assert (request.is_owner, request.user_id, request.user_name) == (False, str(colleague.pk), "colleague")


def test_a_guest_may_join_and_say_a_name(meeting, tokens):
    assert api_for().post(path(meeting)).status_code == 200
    assert api_for().post(path(meeting) + "?display_name=Zo%C3%AB").status_code == 200
    assert [(r.is_owner, r.user_id, r.user_name) for r in tokens.asked] == [(False, None, None), (False, None, "Zoë")]


def test_owner_and_staff_join_as_owners(owner, staff, meeting, tokens):
    owner.first_name, owner.last_name = "Ada", "Lovelace"
    owner.save()
    for person in (owner, staff):
        assert api_for(person).post(path(meeting)).json()["host_room_url"] == meeting.host_room_url
    assert [(request.is_owner, request.user_name) for request in tokens.asked] == [
        (True, "Ada Lovelace"),
        (True, "staff"),
    ]


def test_where_hosts_are_told_by_address_the_owner_gets_the_hosts(owner, colleague, room):
    meeting = open_meeting(room)
    assert api_for(owner).post(path(meeting)).json()["room_url"] == meeting.host_room_url
    for api in (api_for(colleague), api_for()):
        answer = api.post(path(meeting)).json()
        assert (answer["room_url"], answer["host_room_url"]) == (meeting.room_url, "")


def test_the_meetings_own_platform_is_asked_when_the_room_was_moved(meeting, tokens):
    Room.objects.update(platform="mock")
    assert api_for().post(path(meeting)).json()["room_url"].endswith("?t=token")


def test_a_body_is_not_looked_at(meeting):
    assert api_for().post(path(meeting), "{", content_type="application/json").status_code == 200


def test_an_ended_meeting_cannot_be_joined(meeting):
    end_meeting(meeting)
    answer = api_for().post(path(meeting))
    assert (answer.status_code, answer.json()) == (400, error("Meeting has ended"))


def test_one_whose_time_has_passed_only_while_people_are_in(meeting):
    Meeting.objects.update(end_date=timezone.now() - timedelta(minutes=1))
    answer = api_for().post(path(meeting))
    assert (answer.status_code, answer.json()) == (400, error("Meeting has ended"))
    Meeting.objects.update(num_clients=1)
    assert api_for().post(path(meeting)).status_code == 200


@pytest.mark.parametrize("state", ["opening", "failed"])
def test_one_that_never_opened_is_not_active(meeting, state):
    Meeting.objects.update(state=state)
    answer = api_for().post(path(meeting))
    assert (answer.status_code, answer.json()) == (400, error("Meeting is not active"))


def test_a_room_that_the_provider_no_longer_has_ends_the_meeting(meeting, tokens):
    tokens.error = PlatformRejected("no such room", "tokens", 404)
    answer = api_for().post(path(meeting))
    assert (answer.status_code, answer.json()) == (400, error("Meeting has ended"))
    meeting.refresh_from_db()
    assert meeting.state == "ended"
    tokens.error = None
    assert api_for().post("/v1/rooms/standup/meeting", {}).json()["id"] != str(meeting.pk)


def test_another_refusal_is_502_and_leaves_the_meeting(meeting, tokens):
    tokens.error = PlatformRejected("odd: secret-token", "tokens", 400)
    answer = api_for().post(path(meeting))
    assert answer.status_code == 502
    assert "secret-token" not in answer.content.decode()
    meeting.refresh_from_db()
    assert meeting.is_active
    assert not ProviderCall.objects.exists()


def test_an_adapters_own_fault_is_502_and_its_cause_is_logged(meeting, tokens, caplog):
    tokens.error = AttributeError("odd: secret-token")
    answer = api_for().post(path(meeting))
    assert answer.status_code == 502
    assert "secret-token" not in answer.content.decode()
    assert tokens.error in [record.exc_info[1] for record in caplog.records if record.exc_info]
    meeting.refresh_from_db()
    assert meeting.is_active


@pytest.mark.parametrize(("pause", "header"), [(0, "1"), (0.2, "1"), (7.1, "8")])
def test_a_provider_that_does_not_answer_is_503_with_whole_seconds(meeting, tokens, pause, header):
    tokens.error = PlatformUnavailable("down", "tokens", retry_after=pause)
    answer = api_for().post(path(meeting))
    assert (answer.status_code, answer["Retry-After"]) == (503, header)


def test_a_platform_that_is_gone_from_the_settings_is_503(meeting, tokens, staff):
    unregister_platform("tokens")
    for person, is_told in ((None, False), (staff, True)):
        answer = api_for(person).post(path(meeting))
        assert answer.status_code == 503
        assert ("VIDEO_PLATFORMS" in answer.json()["detail"]) == is_told


def test_room_and_meeting_must_exist_and_belong_together(owner, meeting):
    Room.objects.create(name="other", owner=owner)
    for where, missing in (
        (path(meeting, "nowhere"), "Room"),
        (path(meeting, "other"), "Meeting"),
        (path(uuid.uuid4()), "Meeting"),
        (path("x"), "Meeting"),
    ):
        answer = api_for(owner).post(where)
        assert (answer.status_code, answer.json()) == (404, error(f"{missing} not found"))


@pytest.mark.parametrize("name", ["%00", "a" * 101, ""])
def test_a_bad_display_name_is_refused(meeting, name):
    answer = api_for().post(f"{path(meeting)}?display_name={name}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "display_name"]


def test_another_method_is_405(meeting):
    assert api_for().get(path(meeting)).status_code == 405


def test_joining_makes_an_empty_meeting_wait_for_the_one_who_was_let_in(meeting):
    assert api_for().post(path(meeting)).status_code == 200
    meeting.refresh_from_db()
    assert meeting.expected_at is not None


def test_a_link_to_a_meeting_that_goes_on_past_its_end_still_lets_people_in(meeting, tokens):
    Meeting.objects.update(end_date=timezone.now() - timedelta(minutes=1), num_clients=2)
    assert api_for().post(path(meeting)).status_code == 200
    assert tokens.asked[-1].expires_at > timezone.now()


class TestStartingTheRecording:
    """Where coming in begins a recording that is to begin by itself."""

    @pytest.fixture(autouse=True)
    def _automatic(self, meeting):
        Meeting.objects.update(recording_trigger="automatic")

    def starts(self, tokens):
        return tokens.asked[-1].starts_recording

    def test_who_comes_first_begins_it(self, meeting, tokens):
        api_for().post(path(meeting))
        assert self.starts(tokens) is True

    def test_who_refused_does_not(self, colleague, meeting, tokens):
        api = api_for(colleague)
        api.post(f"/v1/meetings/{meeting.pk}/consent", {"consent_given": False})
        api.post(path(meeting))
        assert self.starts(tokens) is False

    def test_nor_does_a_guest_who_names_a_refusal(self, meeting, tokens):
        answer = api_for().post(f"/v1/meetings/{meeting.pk}/consent", {"consent_given": False}).json()
        api_for().post(f"{path(meeting)}?consent_id={answer['consent_id']}")
        assert self.starts(tokens) is False

    def test_nor_who_comes_after_it_began_and_was_perhaps_stopped(self, owner, meeting, tokens):
        Meeting.objects.update(recording_started_at=timezone.now())
        api_for(owner).post(path(meeting))
        assert self.starts(tokens) is False

    def test_after_one_that_failed_and_in_the_next_call_it_begins_again(self, meeting, tokens):
        now = timezone.now()
        for later in ("recording_failed_at", "call_ended_at"):
            Meeting.objects.update(recording_started_at=now, **{later: now})
            api_for().post(path(meeting))
            assert self.starts(tokens) is True
            Meeting.objects.update(recording_failed_at=None, call_ended_at=None)


def test_joining_costs_a_few_statements(owner, colleague, django_assert_num_queries):
    meeting = open_meeting(Room.objects.create(name="daily", owner=owner, platform="mock"))
    api = APIClient(headers={"authorization": f"Bearer {issue_token(colleague)[0]}"})
    assert api.post(path(meeting, "daily")).status_code == 200
    # Who it is; the room; its co-owners and the meeting, for which PostgreSQL is asked at once; that somebody comes.
    with django_assert_num_queries(4 if connection.vendor == "postgresql" else 5):
        assert api.post(path(meeting, "daily")).status_code == 200
