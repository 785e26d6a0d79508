"""The page of a transcript, and its downloads."""

import re
import uuid

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recordings import deletion
from recordings.consent import answer
from recordings.models import Recording, Transcript
from rooms.models import Room
from tests.conftest import make_user
from tests.recordings.transcripts import make_meeting, make_transcript, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]

State = Recording.State
Status = Transcript.Status
EVIL = "<script>alert(1)</script>"


def path(transcript, rest=""):
    return f"/transcripts/{getattr(transcript, 'pk', transcript)}{rest}"


def get(client, transcript, user=None, rest="", **query):
    if user:
        client.force_login(user)
    return client.get(path(transcript, rest), query)


def html(client, transcript, user=None, **query):
    response = get(client, transcript, user, **query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def transcript(owner):
    return make_transcript(owner, title="Budget")


@pytest.fixture
def heard(owner):
    name = storages["recordings"].save("1/audio.mp3", ContentFile(b"x" * 100))
    return make_transcript(owner, title="Budget", audio_file=name)


class TestWhoMayRead:
    @pytest.mark.parametrize("mode", Transcript.ShareMode.values)
    @pytest.mark.parametrize("owned", [True, False])
    @pytest.mark.parametrize("who", ["owner", "colleague", "staff", "guest"])
    def test_the_rule_is_the_apis(self, client, owner, colleague, staff, who, owned, mode):
        transcript = make_transcript(owner if owned else None, share_mode=mode)
        user = {"owner": owner, "colleague": colleague, "staff": staff, "guest": None}[who]
        page = get(client, transcript, user)
        api = client.get(f"/v1/transcripts/{transcript.pk}")
        if api.status_code == 403 and who == "guest":
            assert page.status_code == 302
            assert page["Location"] == f"/login?next=/transcripts/{transcript.pk}"
        else:
            assert page.status_code == api.status_code
        download = get(client, transcript, rest="/download/txt")
        assert download.status_code == page.status_code

    def test_one_that_is_not_there_is_not_found(self, client, owner):
        assert get(client, uuid.uuid4(), owner).status_code == 404
        assert get(client, uuid.uuid4(), rest="/download/txt").status_code == 404
        assert client.get("/transcripts/nonsense").status_code == 404

    def test_a_refusal_is_a_page(self, client, transcript, colleague):
        response = get(client, transcript, colleague)
        assert response.status_code == 403
        assert "Not for you" in response.content.decode()

    def test_only_looking_is_answered(self, client, transcript, owner):
        client.force_login(owner)
        for method in ("post", "put", "delete", "patch"):
            assert getattr(client, method)(path(transcript)).status_code == 405
            assert getattr(client, method)(path(transcript, "/download/txt")).status_code == 405
        assert client.head(path(transcript)).status_code == 200


class TestWhatIsShown:
    def test_what_was_said_by_whom_and_for_how_long(self, client, transcript, owner):
        text = html(client, transcript, owner)
        assert '<h1 id="title">Budget</h1>' in text
        assert re.findall(r'class="speaker">([^<]+)<', text) == ["Ada", "Grace"]
        assert "The budget is &lt;fine&gt; &amp; dandy." in text
        assert re.findall(r'data-start="([^"]+)"', text) == ["0.0", "2.0", "6.0"]
        assert re.search(r"Ada <span class=\"muted\">6 s<", text)
        assert re.search(r"Grace <span class=\"muted\">3 s<", text)

    def test_lines_are_counted_as_they_were_written_and_shown_by_time(self, client, owner):
        talk = [(5.0, 6.0, "Ada", "Later."), (1.0, 2.0, "Ada", "Sooner.")]
        text = html(client, make_transcript(owner, talk=talk), owner)
        assert re.findall(r'id="line-(\d)"', text) == ["1", "0"]

    def test_markup_in_titles_names_and_segments_is_text(self, client, owner):
        meeting = make_meeting(owner)
        Room.objects.filter(pk=meeting.room_id).update(is_shared=True)
        talk = [(0.0, 1.0, f"Ada {EVIL}", f"I say {EVIL}")]
        transcript = make_transcript(owner, talk=talk, title=f"On {EVIL}", note=f"Note {EVIL}", room=meeting.room)
        text = html(client, transcript, owner, q="script")
        assert EVIL not in text
        assert "I say" in text
        assert "<mark>script</mark>" in text

    def test_the_words_that_were_looked_for_are_marked(self, client, transcript, owner):
        text = html(client, transcript, owner, q="budget")
        assert text.count("<mark>budget</mark>") == 2

    def test_with_audio_there_is_a_player_and_times_are_buttons(self, client, heard, owner):
        text = html(client, heard, owner)
        assert f'src="/v1/transcripts/{heard.pk}/audio/mp3"' in text
        assert text.count('<button class="time"') == 3

    def test_without_audio_there_is_neither(self, client, transcript, owner):
        text = html(client, transcript, owner)
        assert "<audio" not in text
        assert '<button class="time"' not in text
        assert "There is no audio to play." in text

    def test_after_a_refusal_the_page_says_what_became_of_the_audio(self, client, owner, colleague):
        recording = Recording.objects.create(
            platform="mock", state=State.PROCESSING, meeting=make_meeting(owner), duration=10
        )
        name = storages["recordings"].save("1/audio.mp3", ContentFile(b"x"))
        transcript = make_transcript(owner, recording=recording, audio_file=name, share_mode="semi-private")
        answer(recording.meeting, colleague, given=False)
        text = html(client, transcript, owner)
        assert "The audio is being deleted, because somebody in the meeting refused" in text
        assert "<audio" not in text
        Transcript.objects.filter(pk=transcript.pk).update(audio_deleted=True)
        assert "The audio was deleted, because somebody in the meeting refused" in html(client, transcript, owner)
        text = html(client, transcript, colleague)
        assert "The audio was deleted. What was said stays" in text

    def test_the_owner_alone_has_what_changes_it(self, client, owner, colleague):
        transcript = make_transcript(owner, share_mode="semi-private")
        for control in ('id="rename"', 'id="delete"', 'id="delete-dialog"'):
            assert control in html(client, transcript, owner)
            assert control not in html(client, transcript, colleague)

    def test_a_room_that_somebody_may_not_list_is_not_named(self, client, owner, colleague, room):
        transcript = make_transcript(owner, share_mode="semi-private", room=room, title="Budget")
        assert 'href="/standup"' in html(client, transcript, owner)
        assert "standup" not in html(client, transcript, colleague)

    def test_nothing_private_is_in_the_page(self, client, owner, room):
        recording = Recording.objects.create(
            platform="mock",
            state=State.PROCESSING,
            source_url="https://signed.example.com/?sig=1",
            bucket="its-bucket",
            key="its-key",
        )
        Room.objects.filter(pk=room.pk).update(webhook_secret="its-secret", is_shared=True)
        transcript = make_transcript(owner, recording=recording, room=room, share_mode="public")
        transcript.participants.update(email="ada@example.com")
        for user in (owner, None):
            text = html(client, transcript, user)
            for secret in ("signed.example", "its-bucket", "its-key", "its-secret", "ada@example.com"):
                assert secret not in text

    def test_a_long_one_takes_as_many_queries_as_a_short_one(self, client, owner):
        counts = []
        for length in (2, 400):
            talk = [(n, n + 1, f"Speaker {n % 7}", "Yes.") for n in range(length)]
            transcript = make_transcript(owner, talk=talk)
            html(client, transcript, owner)
            with CaptureQueriesContext(connection) as found:
                html(client, transcript)
            counts.append(len(found))
        assert counts[0] == counts[1] < 15


class TestNotReady:
    def waiting(self, owner, state=State.PROCESSING, status=Status.PROCESSING, **fields):
        recording = Recording.objects.create(platform="mock", state=State.PROCESSING, meeting=make_meeting(owner))
        transcript = make_transcript(owner, recording=recording, talk=[], status=status, share_mode="semi-private")
        Recording.objects.filter(pk=recording.pk).update(state=state, **fields)
        return transcript

    @pytest.mark.parametrize("status", [Status.IDLE, Status.UPLOADED, Status.RECORDING, Status.PROCESSING])
    def test_progress_is_said(self, client, owner, status):
        transcript = Transcript.objects.create(user=owner, name="x", status=status)
        text = html(client, transcript, owner)
        assert "Not ready yet" in text
        assert "shows the transcript by itself" in text
        assert "Download" not in text

    def test_a_failure_and_trying_again_are_for_those_who_see_the_recording(self, client, owner, colleague):
        transcript = self.waiting(owner, State.FAILED, Status.ERROR, error="It took too long.", can_retry=True)
        text = html(client, transcript, owner)
        assert "It took too long." in text
        assert f'action="/recordings/{transcript.recording_id}/retry"' in text
        text = html(client, transcript, colleague)
        assert "The transcript could not be made." in text
        assert "It took too long." not in text
        assert "retry" not in text

    def test_its_recording_says_where_it_stands(self, client, owner):
        assert "Checked, waiting to be transcribed" in html(client, self.waiting(owner, State.STORED), owner)


class TestDownloads:
    @pytest.mark.parametrize(
        ("ending", "name", "content_type"),
        [
            ("txt", "text-timestamped", "text/plain; charset=utf-8"),
            ("vtt", "webvtt-named", "text/vtt; charset=utf-8"),
            ("json", "json", "application/json"),
        ],
    )
    def test_each_is_as_by_the_api(self, client, transcript, owner, ending, name, content_type):
        response = get(client, transcript, owner, f"/download/{ending}")
        api = client.get(f"/v1/transcripts/{transcript.pk}", {"transcript_format": name}).json()["transcript"]
        assert (response.json() if ending == "json" else response.content.decode()) == api
        assert response["Content-Type"] == content_type
        assert response["Content-Disposition"] == f'attachment; filename="transcript-{transcript.pk}.{ending}"'
        assert response["X-Content-Type-Options"] == "nosniff"

    def test_another_ending_is_not_found(self, client, transcript, owner):
        assert get(client, transcript, owner, "/download/exe").status_code == 404


class TestTrash:
    def test_its_owner_can_take_it_out(self, client, transcript, owner):
        deletion.trash(transcript)
        text = html(client, transcript, owner)
        assert "In the trash" in text
        assert 'id="restore"' in text
        assert "Good morning" not in text
        assert get(client, transcript, rest="/download/txt").status_code == 404

    def test_to_all_others_it_is_not_there(self, client, owner, staff):
        transcript = make_transcript(owner, share_mode="public")
        deletion.trash(transcript)
        assert get(client, transcript).status_code == 404
        for user in (make_user("stranger"), staff):
            assert get(client, transcript, user).status_code == 404


def test_talk_without_end_is_fine(client, owner):
    text = html(client, make_transcript(owner, talk=said(*["Hm."] * 3000)), owner)
    assert text.count('class="line"') == 3000
