"""The first page: rooms, live meetings and recent recordings."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from meetings.models import Meeting
from recordings.models import Ingest, Recording, Submission, Track
from recordings.privacy import deletion
from recordings.privacy.consent import answer
from rooms.models import Room
from tests.support.transcripts import make_meeting, make_transcript

pytestmark = pytest.mark.django_db

State = Recording.State


def page(client, user=None, path="/", **query):
    if user:
        client.force_login(user)
    return client.get(path, query)


def html(client, user=None, **query):
    response = page(client, user, **query)
    assert response.status_code == 200
    return response.content.decode()


def live_meeting(owner, room, **fields):
    values = {
        "state": Meeting.State.LIVE,
        "room_url": "https://meet.example.com/x",
        "end_date": timezone.now() + timedelta(hours=1),
        "num_clients": 3,
    }
    return make_meeting(owner, room, **values | fields)


def recording_of(owner, room=None, **fields):
    meeting = make_meeting(owner, room)
    return Recording.objects.create(platform="mock", meeting=meeting, **fields)


class TestGuests:
    def test_they_are_told_what_this_is_and_where_to_log_in(self, client, room):
        Room.objects.filter(pk=room.pk).update(is_shared=True)
        text = html(client)
        assert "Meet in a room" in text
        assert 'href="/login"' in text
        assert "standup" not in text

    def test_in_public_mode_they_see_shared_rooms_only(self, client, owner, room, settings):
        settings.PUBLIC_MODE = True
        Room.objects.create(name="townhall", owner=owner, is_shared=True)
        text = html(client)
        assert 'href="/townhall"' in text
        assert '<span class="badge">Listed for everybody</span>' in text
        assert "standup" not in text
        assert "Recent recordings" not in text
        assert "/new" not in text

    def test_in_public_mode_without_shared_rooms_they_are_told_so(self, client, settings):
        settings.PUBLIC_MODE = True
        assert "No room is listed for everybody at present" in html(client)


class TestRooms:
    def test_the_first_room_is_one_click_away(self, client, owner):
        text = html(client, owner)
        assert "There is no room yet" in text
        assert 'href="/new"' in text

    def test_own_and_shared_rooms_are_listed_as_by_the_api(self, client, owner, colleague, room):
        Room.objects.create(name="townhall", owner=owner, is_shared=True)
        Room.objects.create(name="mine", owner=colleague)
        text = html(client, colleague)
        shown = re.findall(r'class="room-name">(?:<a [^>]+>)?<bdi>([^<]+)<', text)
        listed = [item["name"] for item in client.get("/v1/rooms").json()["items"]]
        assert shown == listed == ["mine", "townhall"]

    def test_staff_see_no_more_rooms_than_by_the_api(self, client, staff, room):
        assert "standup" not in html(client, staff)
        assert client.get("/v1/rooms").json()["items"] == []

    def test_a_room_is_started_by_its_address(self, client, owner, room):
        text = html(client, owner)
        assert 'href="/standup"' in text
        assert "Start" in text

    def test_a_live_meeting_says_how_many_are_in_and_is_joined(self, client, owner, room):
        meeting = live_meeting(owner, room, recording_started_at=timezone.now())
        text = html(client, owner)
        assert '<span class="count">3</span> in the meeting' in text
        assert f'href="/standup/{meeting.pk}"' in text
        assert "Recording</span>" in text
        assert 'id="start-' not in text

    @pytest.mark.parametrize("fields", [{"state": "ended"}, {"end_date": "2026-01-01T00:00Z", "num_clients": 0}])
    def test_a_meeting_that_is_over_is_not_shown(self, client, owner, room, fields):
        live_meeting(owner, room, **fields)
        text = html(client, owner)
        assert "in the meeting" not in text
        assert 'href="/standup"' in text

    def test_a_simulated_platform_is_called_a_sandbox(self, client, owner, room, settings):
        assert "Mock" in html(client, owner)
        options = {**settings.VIDEO_PLATFORMS["daily"]["OPTIONS"], "simulated": True, "api_key": "x"}
        daily = {**settings.VIDEO_PLATFORMS["daily"], "OPTIONS": options}
        settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "daily": daily}
        settings.DAILY_MIGRATION_ENABLED = True
        Room.objects.filter(pk=room.pk).update(platform="daily")
        assert re.search(r"Daily</span>\s*<span class=\"badge badge-warn\">Sandbox", html(client, owner))

    def test_only_those_who_manage_a_room_read_what_is_missing(self, client, owner, colleague, room, settings):
        settings.VIDEO_PLATFORMS = {name: settings.VIDEO_PLATFORMS[name] for name in ("whereby", "daily")}
        Room.objects.filter(pk=room.pk).update(is_shared=True, platform="whereby")
        assert "WHEREBY_API_KEY" in html(client, owner)
        text = html(client, colleague)
        assert "No video platform can open it now" in text
        assert "WHEREBY_API_KEY" not in text

    def test_nothing_private_is_in_the_page(self, client, owner, colleague, room):
        Room.objects.filter(pk=room.pk).update(
            is_shared=True,
            webhook_url="https://hook.example.com/",
            webhook_secret="its-secret",
            ics_url="https://cal.example.com/private",
        )
        live_meeting(owner, room, host_room_url="https://meet.example.com/x?roomKey=hostkey")
        for person in (owner, colleague):
            text = html(client, person)
            assert "standup" in text
            for secret in ("its-secret", "hook.example", "cal.example", "hostkey", "meet.example"):
                assert secret not in text

    def test_many_rooms_have_pages(self, client, owner):
        Room.objects.bulk_create(Room(name=f"r-{n:03}", owner=owner) for n in range(45))
        assert html(client, owner).count('class="room-name"') == 20
        last = html(client, owner, page=3)
        assert last.count('class="room-name"') == 5
        assert "Page 3 of 3" in last

    @pytest.mark.parametrize(("wanted", "shown"), [("99", "Page 2 of 2"), ("x", "Page 1 of 2"), ("-1", "Page 2 of 2")])
    def test_a_page_that_is_not_there_is_the_next_best(self, client, owner, wanted, shown):
        Room.objects.bulk_create(Room(name=f"r-{n:03}", owner=owner) for n in range(25))
        assert shown in html(client, owner, page=wanted)

    def test_the_page_asks_the_database_as_often_for_5_rooms_as_for_100(self, client, owner):
        def queries():
            with CaptureQueriesContext(connection) as found:
                assert client.get("/").status_code == 200
            return len(found)

        fill(owner, 5)
        html(client, owner)
        few = queries()
        fill(owner, 95)
        assert queries() == few
        assert few <= 12


def fill(owner, count):
    """Rooms with live meetings, and recordings in every state."""
    for _ in range(count):
        room = Room.objects.create(name=f"r-{Room.objects.count()}", owner=owner, platform="mock")
        live_meeting(owner, room)
        state = [State.FAILED, State.DONE, State.FETCHING][Room.objects.count() % 3]
        recording = recording_of(owner, room, state=state, error="Gone.")
        if state == State.DONE:
            make_transcript(
                owner, recording=Recording.objects.create(state=State.PROCESSING, meeting=recording.meeting)
            )


class TestRecordings:
    def test_before_the_first_one_the_page_says_what_will_come(self, client, owner):
        assert "Nothing has been recorded yet" in html(client, owner)

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            (State.REPORTED, "Waiting for the provider"),
            (State.FETCHING, "Fetching and checking"),
            (State.STORED, "Checked, waiting to be transcribed"),
            (State.PROCESSING, "Transcribing"),
            (State.NO_AUDIO, "No audio"),
        ],
    )
    def test_where_one_stands_is_said_in_plain_words(self, client, owner, state, words):
        recording_of(owner, state=state)
        text = html(client, owner)
        assert words in text
        assert "Try again" not in text

    def test_a_transcript_that_is_ready_is_linked(self, client, owner):
        recording = recording_of(owner, state=State.PROCESSING)
        transcript = make_transcript(owner, recording=recording, title="Budget")
        text = html(client, owner)
        assert f'href="/transcripts/{transcript.pk}"><bdi>Budget</bdi></a>' in text
        assert "Ready" in text

    def test_why_one_failed_is_said_and_it_can_be_tried_again(self, client, owner):
        recording = recording_of(owner, state=State.FAILED, error="It took too long.", can_retry=True)
        text = html(client, owner)
        assert "Failed because: It took too long." in text
        assert f'formaction="/recordings/{recording.pk}/retry"' in text

    def test_where_trying_again_cannot_help_it_is_not_offered(self, client, owner):
        recording_of(owner, state=State.FAILED, error="It is no recording.", can_retry=False)
        text = html(client, owner)
        assert "It is no recording." in text
        assert "Try again" not in text

    def test_what_is_stored_can_be_tried_again(self, client, owner):
        recording = recording_of(owner, state=State.FAILED, can_retry=False, kind=Recording.Kind.TRACKS)
        Track.objects.create(recording=recording, medium="cam-audio", key="k", file="a.webm", state=Track.State.STORED)
        assert "Try again" in html(client, owner)

    def test_a_refusal_is_said(self, client, owner, colleague):
        recording = recording_of(owner, state=State.PROCESSING)
        make_transcript(owner, recording=recording)
        answer(recording.meeting, colleague, given=False)
        assert "The audio is being deleted: consent was refused" in html(client, owner)
        Recording.objects.filter(pk=recording.pk).update(state=State.DELETED, deleted_at=timezone.now())
        assert "Audio deleted: consent was refused" in html(client, owner)

    def test_what_its_owner_deleted_is_not_shown(self, client, owner):
        recording = recording_of(owner, state=State.PROCESSING)
        transcript = make_transcript(owner, recording=recording, title="Secret plans")
        deletion.trash(transcript)
        assert "Secret plans" not in html(client, owner)
        deletion.destroy(transcript)
        Recording.objects.filter(pk=recording.pk).update(state=State.DELETED)
        assert "Nothing has been recorded yet" in html(client, owner)

    def test_one_that_no_provider_has_reported_yet_is_awaited(self, client, owner):
        now = timezone.now()
        meeting = make_meeting(owner, recording_started_at=now - timedelta(minutes=5), recording_ended_at=now)
        text = html(client, owner)
        assert f'id="recording-of-{meeting.pk}"' in text
        assert "Waiting for the provider" in text
        Recording.objects.create(platform="mock", meeting=meeting, state=State.FETCHING)
        assert "Waiting for the provider" not in html(client, owner)

    def test_one_without_a_title_is_called_what_people_call_the_room(self, client, owner):
        now = timezone.now()
        meeting = make_meeting(owner, recording_started_at=now - timedelta(minutes=5), recording_ended_at=now)
        Room.objects.update(title="Budget, 2. Runde")
        recordings = '<li class="row spread" id="recording-'
        assert "<bdi>Budget, 2. Runde</bdi>" in html(client, owner).partition(recordings)[2]
        Recording.objects.create(platform="mock", meeting=meeting, state=State.FETCHING)
        assert "<bdi>Budget, 2. Runde</bdi>" in html(client, owner).partition(recordings)[2]

    def test_one_that_failed_at_the_provider_is_not_waited_for(self, client, owner):
        now = timezone.now()
        meeting = make_meeting(owner, recording_started_at=now - timedelta(minutes=5), recording_failed_at=now)
        text = html(client, owner)
        assert f'id="recording-of-{meeting.pk}"' in text
        assert "Failed because: Mock could not record the meeting." in text
        assert "Waiting for the provider" not in text
        meeting.recording_starts.create(instance_id="6b2f2d5e-8f6c-4f0e-9a53-000000000001", error="The disk is full")
        assert "Mock could not record the meeting. The disk is full." in html(client, owner)

    def test_a_failure_says_nothing_of_the_recording_that_was_started_after_it(self, client, owner):
        now = timezone.now()
        times = {"recording_started_at": now, "recording_failed_at": now - timedelta(minutes=5)}
        meeting = make_meeting(owner, state=Meeting.State.LIVE, room_url="https://rooms.example/a", **times)
        assert f"recording-of-{meeting.pk}" not in html(client, owner)
        Meeting.objects.filter(pk=meeting.pk).update(state=Meeting.State.ENDED)
        assert "Waiting for the provider" in html(client, owner)

    def test_strangers_see_nothing_of_it(self, client, owner, colleague):
        recording_of(owner, state=State.FAILED, error="It took too long.", can_retry=True)
        assert "Nothing has been recorded yet" in html(client, colleague)

    def test_staff_see_all_recordings_as_by_the_api_but_no_link_to_what_they_may_not_read(self, client, owner, staff):
        transcript = make_transcript(owner, recording=recording_of(owner, state=State.PROCESSING), title="Secret plans")
        text = html(client, staff)
        assert "Ready" in text
        assert str(transcript.pk) not in text
        assert "Secret plans" not in text

    def test_markup_in_titles_and_errors_is_text(self, client, owner):
        evil = "<script>alert(1)</script>"
        make_transcript(owner, recording=recording_of(owner, state=State.PROCESSING), title=evil)
        recording_of(owner, state=State.FAILED, error=evil)
        text = html(client, owner)
        assert evil not in text
        assert text.count("&lt;script&gt;alert(1)") == 2


class TestRetry:
    def retry(self, client, recording, user=None, **data):
        if user:
            client.force_login(user)
        return client.post(f"/recordings/{recording.pk}/retry", data)

    @pytest.fixture
    def failed(self, owner):
        return recording_of(owner, state=State.FAILED, error="It took too long.", can_retry=True)

    def test_the_owner_has_it_fetched_again_and_comes_back(self, client, owner, failed):
        response = self.retry(client, failed, owner, next="/?page=2")
        assert (response.status_code, response["Location"]) == (302, "/?page=2")
        failed.refresh_from_db()
        assert failed.state == State.REPORTED
        assert Ingest.objects.filter(recording=failed).exists()
        assert "It is being tried again." in html(client)

    def test_what_is_stored_is_handed_off_again(self, client, owner, failed):
        Recording.objects.filter(pk=failed.pk).update(file="a.mp4", can_retry=False)
        self.retry(client, failed, owner)
        assert Submission.objects.filter(recording=failed).exists()

    def test_one_that_trying_again_does_not_help_is_left_alone(self, client, owner, failed):
        Recording.objects.filter(pk=failed.pk).update(can_retry=False)
        self.retry(client, failed, owner)
        failed.refresh_from_db()
        assert failed.state == State.FAILED
        assert "does not help" in html(client)

    def test_a_script_that_looks_again_uses_up_no_message(self, client, owner, failed):
        self.retry(client, failed, owner)
        assert "It is being tried again." not in client.get("/", headers={"X-Quiet": "1"}).content.decode()
        assert "It is being tried again." in html(client)

    @pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com", "javascript:alert(1)"])
    def test_nobody_is_sent_elsewhere(self, client, owner, failed, elsewhere):
        assert self.retry(client, failed, owner, next=elsewhere)["Location"] == "/"

    def test_staff_may_who_may_change_recordings(self, client, staff, failed):
        assert self.retry(client, failed, staff).status_code == 302
        failed.refresh_from_db()
        assert failed.state == State.REPORTED

    def test_other_staff_may_not(self, client, staff, failed):
        type(staff).objects.filter(pk=staff.pk).update(is_superuser=False)
        assert self.retry(client, failed, staff).status_code == 404
        staff.user_permissions.add(Permission.objects.get(codename="view_recording"))
        assert self.retry(client, failed, staff).status_code == 403
        failed.refresh_from_db()
        assert failed.state == State.FAILED

    def test_to_a_stranger_there_is_no_such_recording(self, client, colleague, failed):
        assert self.retry(client, failed, colleague).status_code == 404

    def test_guests_log_in_first(self, client, failed):
        assert self.retry(client, failed)["Location"].startswith("/login?next=")

    def test_looking_changes_nothing(self, client, owner, failed):
        client.force_login(owner)
        assert client.get(f"/recordings/{failed.pk}/retry").status_code == 405


class TestChoice:
    @pytest.fixture
    def many(self, owner):
        titles = ["Älteste", "beta talk", "Alpha", *(f"room {number}" for number in range(7))]
        return [Room.objects.create(name=f"r-{n}", title=title, owner=owner) for n, title in enumerate(titles)]

    def shown(self, client, user, query=""):
        return re.findall(r'class="room-name"><a [^>]+><bdi>([^<]+)<', html(client, user, path=f"/{query}"))

    def test_few_rooms_need_no_search(self, client, owner, room):
        assert "Find a room" not in html(client, owner)

    def test_from_ten_rooms_on_they_are_found_and_put_in_order(self, client, owner, many):
        assert "Find a room" in html(client, owner)
        assert self.shown(client, owner)[0] == "room 6"
        assert self.shown(client, owner, "?order=name")[:3] == ["Alpha", "beta talk", "room 0"]
        assert self.shown(client, owner, "?find=TALK+r-1") == ["beta talk"]
        assert "No room has “<bdi>&lt;x&gt;</bdi>” in its name" in html(client, owner, path="/?find=<x>")

    def test_a_choice_stays_on_the_next_page(self, client, owner):
        Room.objects.bulk_create(Room(name=f"r-{n}", owner=owner) for n in range(25))
        assert 'href="?find=r&amp;order=name&amp;page=2"' in html(client, owner, path="/?find=r&order=name")

    def test_nonsense_is_no_choice(self, client, owner, many):
        assert self.shown(client, owner, "?find=%00&order=nonsense&page=x")[0] == "room 6"


class TestCards:
    def test_a_link_can_be_copied_and_the_owner_finds_the_rest(self, client, owner, colleague, room, settings):
        Room.objects.update(is_shared=True)
        text = html(client, owner)
        assert f'data-copy-text="{settings.PUBLIC_URL}/standup"' in text
        assert 'href="/rooms/standup#settings"' in text
        client.logout()
        text = html(client, colleague)
        assert f'data-copy-text="{settings.PUBLIC_URL}/standup"' in text
        assert "/rooms/standup" not in text

    def test_an_empty_meeting_is_not_called_one_with_people(self, client, owner, room):
        live_meeting(owner, room, num_clients=0)
        assert "Nobody is in it" in html(client, owner)

    def test_the_main_pages_are_named_on_every_page(self, client, owner, staff):
        text = html(client, owner)
        assert '<a href="/" aria-current="page">Rooms</a>' in text
        assert '<a href="/search">Transcripts</a>' in text
        assert "/admin/" not in text
        client.logout()
        assert '<a href="/admin/">Admin</a>' in html(client, staff)
