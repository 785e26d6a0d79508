"""The page of a transcript, and its downloads."""

import gzip
import re
import uuid
from datetime import datetime

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recordings.models import Recording, Transcript
from recordings.privacy import deletion
from recordings.privacy.consent import answer
from rooms.models import Room
from tests.conftest import make_user
from tests.support.transcripts import make_meeting, make_transcript, said

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
        for piece in ("/parts/0", "/find"):
            assert get(client, transcript, rest=piece).status_code == api.status_code

    def test_one_that_is_not_there_is_not_found(self, client, owner):
        assert get(client, uuid.uuid4(), owner).status_code == 404
        for rest in ("/download/txt", "/parts/0", "/find"):
            assert get(client, uuid.uuid4(), rest=rest).status_code == 404
        assert client.get("/transcripts/nonsense").status_code == 404

    def test_a_refusal_is_a_page(self, client, transcript, colleague):
        response = get(client, transcript, colleague)
        assert response.status_code == 403
        assert "Not for you" in response.content.decode()

    def test_only_looking_is_answered(self, client, transcript, owner):
        client.force_login(owner)
        for method in ("post", "put", "delete", "patch"):
            assert getattr(client, method)(path(transcript)).status_code == 405
            for rest in ("/download/txt", "/parts/0", "/find"):
                assert getattr(client, method)(path(transcript, rest)).status_code == 405
        assert client.head(path(transcript)).status_code == 200


class TestWhatIsShown:
    def test_what_was_said_by_whom_and_for_how_long(self, client, transcript, owner):
        text = html(client, transcript, owner)
        assert '<h1 id="title" dir="auto">Budget</h1>' in text
        assert re.findall(r'class="speaker voice-(.)" dir="auto">([^<]+)<', text) == [("0", "Ada"), ("1", "Grace")]
        assert "The budget is &lt;fine&gt; &amp; dandy." in text
        assert re.findall(r'class="line".*?data-start="([^"]+)"', text) == ["0.0", "2.0", "6.0"]
        assert re.search(r"Ada</bdi> <span class=\"muted\">6 s<", text)
        assert re.search(r"Grace</bdi> <span class=\"muted\">3 s<", text)

    def test_voices_count_from_one_and_only_the_owner_may_say_who_they_are(self, client, owner, colleague, room):
        meeting = make_meeting(owner, room)
        for number, name in enumerate(["Zoë", "Ada", "Zoë", ""]):
            meeting.sessions.create(session_id=str(number), user_name=name, joined_at=timezone.now())
        recording = Recording.objects.create(platform="mock", meeting=meeting)
        transcript = make_transcript(owner, talk=[(0, 2, "Ada", "Hi."), (2, 9, "", "Ho.")], recording=recording)
        Transcript.objects.update(share_mode="public")
        text = html(client, transcript, owner)
        assert re.findall(r'data-name="(.*?)" data-sample="(.*?)"', text) == [("", "2.0"), ("Ada", "0.0")]
        assert "<bdi>Speaker 2</bdi>" in text
        assert re.findall(r'<option value="(.*?)"', text) == ["Zoë", "Ada"]
        for other in (colleague, None):
            client.logout()
            text = html(client, transcript, other)
            assert "<bdi>Speaker 2</bdi>" in text
            assert not re.search("data-speaker|<option|share-dialog|Zoë", text)

    def test_lines_are_counted_and_shown_in_the_order_of_time(self, client, owner):
        talk = [(5.0, 6.0, "Ada", "Later."), (1.0, 2.0, "Ada", "Sooner.")]
        text = html(client, make_transcript(owner, talk=talk), owner)
        assert re.findall(r'id="line-(\d)"', text) == ["0", "1"]

    def test_a_hit_leads_to_its_line_after_lines_were_cut(self, client, transcript, owner):
        body = {"speaker": 7, "timestamp_from": 0.5, "timestamp_to": 1}
        client.force_login(owner)
        client.patch(f"/v1/transcripts/{transcript.pk}/speaker/assign", body, content_type="application/json")
        text = client.get("/search", {"q": "dandy"}).content.decode()
        line = re.search("#(line-[0-9]+)", text)[1]
        assert re.search(f'id="{line}".*?dandy', html(client, transcript, owner))

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

    def test_one_that_is_not_coming_is_not_called_not_ready_and_says_why_to_all(self, client, owner, colleague):
        transcript = self.waiting(owner, State.NO_AUDIO, Status.ERROR)
        Transcript.objects.filter(pk=transcript.pk).update(note="There is no audio in it.")
        for person in (owner, colleague):
            text = html(client, transcript, person)
            assert "There is no audio in it." in text
            assert "Not ready yet" not in text

    def test_its_recording_says_where_it_stands(self, client, owner):
        assert "Checked, waiting to be transcribed" in html(client, self.waiting(owner, State.STORED), owner)


WHEN = "2027-01-02T03:04:05Z"
DOWNLOADS = {
    "txt": ("text/plain", "Budget\n2027-01-02 03:04 UTC · Ada, Grace\n\n[00:00] Ada: Good", "<fine> & d"),
    "md": ("text/markdown", "# Budget\n\n2027-01-02 03:04 UTC · Ada, Grace\n\n**Ada** (00:00): Good", "\\<fine\\>"),
    "vtt": ("text/vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n<v Ada>", "&lt;fine&gt;"),
    "srt": ("application/x-subrip", "1\n00:00:00,000 --> 00:00:02,000\nAda: Good", "<fine> & d"),
}


class TestDownloads:
    @pytest.mark.parametrize("ending", DOWNLOADS)
    def test_each_says_who_said_what_and_when(self, client, transcript, owner, ending):
        content_type, begins, holds = DOWNLOADS[ending]
        Transcript.objects.update(created_at=WHEN)
        response = get(client, transcript, owner, f"/download/{ending}")
        text = response.content.decode()
        assert text.startswith(begins)
        assert holds in text
        assert response["Content-Type"] == f"{content_type}; charset=utf-8"
        assert response["Content-Disposition"] == f'attachment; filename="2027-01-02 Budget.{ending}"'
        assert response["X-Content-Type-Options"] == "nosniff"

    def test_json_has_what_the_api_says_and_what_it_is_of(self, client, transcript, owner):
        found = get(client, transcript, owner, "/download/json").json()
        api = client.get(f"/v1/transcripts/{transcript.pk}", {"transcript_format": "json"}).json()
        assert found["segments"] == api["transcript"]
        assert (found["title"], found["room"], found["speakers"]) == ("Budget", None, ["Ada", "Grace"])

    @pytest.mark.parametrize(
        ("title", "name"),
        [
            ("Q3: plans / costs?", 'filename="2027-01-02 Q3 plans costs.srt"'),
            ("Größe", "filename*=utf-8''2027-01-02%20Gr%C3%B6%C3%9Fe.srt"),
            ('a"\r\nX: y', 'filename="2027-01-02 a X y.srt"'),
            ("x" * 500, f'filename="2027-01-02 {"x" * 109}.srt"'),
        ],
    )
    def test_a_file_is_called_by_date_and_title(self, client, owner, title, name):
        transcript = make_transcript(owner, title=title)
        Transcript.objects.update(created_at=WHEN)
        assert get(client, transcript, owner, "/download/srt")["Content-Disposition"] == f"attachment; {name}"

    def test_when_it_was_recorded_is_the_same_wherever_it_is_said(self, client, owner):
        def recorded():
            recording = Recording.objects.create(
                platform="mock",
                state=State.PROCESSING,
                meeting=make_meeting(owner),
                recorded_at=datetime.fromisoformat(WHEN),
            )
            return make_transcript(owner, recording=recording, created_at="2027-01-03T09:30:00Z")

        transcript = recorded()
        client.force_login(owner)
        for page in ("/", "/search", "/search?q=budget", path(transcript)):
            text = client.get(page).content.decode()
            assert "2 Jan 2027, 03:04 UTC" in text, page
            assert "2027-01-03" not in text, page
        assert "2027-01-02 03:04 UTC" in client.get(path(transcript, "/download/txt")).content.decode()
        for api in (f"/v1/transcripts/{transcript.pk}", "/v1/transcripts", "/v1/transcripts/search?q=budget"):
            assert "standup, 2027-01-02" in client.get(api).content.decode(), api
        with CaptureQueriesContext(connection) as queries:
            client.get("/search?q=budget")
        recorded()
        with CaptureQueriesContext(connection) as more:
            client.get("/search?q=budget")
        assert len(more) == len(queries)

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


def lines_of(text):
    return [int(number) for number in re.findall(r'class="line" id="line-([0-9]+)"', text)]


class TestParts:
    @pytest.fixture
    def long(self, owner):
        texts = [f"Number {n}." for n in range(250)]
        return make_transcript(owner, talk=said(*texts), title="Long")

    @pytest.mark.parametrize(("line", "shown"), [("", 0), ("0", 0), ("199", 1), ("249", 2), ("9" * 7, 2), ("x", 0)])
    def test_the_page_has_the_part_with_the_line_that_is_wanted(self, client, owner, long, line, shown):
        text = html(client, long, owner, line=line)
        assert lines_of(text) == list(range(shown * 100, min(shown * 100 + 100, 250)))
        others = re.findall(r'class="part-link" id="part-([0-9])"', text)
        assert [int(number) for number in others] == [number for number in range(3) if number != shown]

    def test_each_other_part_is_a_link_that_works_without_scripts(self, client, owner, long):
        address = re.search(r'id="part-2".*?href="(.*?)"', html(client, long, owner, q="number"))[1]
        assert address == "?q=number&amp;line=200#line-200"
        assert lines_of(html(client, long, owner, line=200))[0] == 200

    def test_a_part_is_that_piece_of_the_page(self, client, owner, long):
        whole = html(client, long, owner, line=100)
        part = get(client, long, owner, rest="/parts/1").content.decode()
        assert part.startswith("<ol")
        assert part.strip() in whole

    @pytest.mark.parametrize("number", ["3", "1000000", "9" * 30])
    def test_no_part_is_beyond_the_last_one(self, client, owner, long, number):
        assert get(client, long, owner, rest=f"/parts/{number}").status_code == 404

    def test_talk_without_end_is_as_light_as_a_short_one(self, client, owner):
        text = html(client, make_transcript(owner, talk=said(*["Hm."] * 3000)), owner)
        assert len(lines_of(text)) == 100
        assert text.count('class="part-link"') == 29


class TestFinding:
    def found(self, client, transcript, words):
        return get(client, transcript, rest="/find", q=words).json()["lines"]

    def test_it_tells_each_line_and_where_in_it(self, client, owner):
        texts = ["No.", "Büro, büro!", *["Hm."] * 200, "Ein Bürohaus 😀 Büro", "我们的预算"]
        transcript = make_transcript(owner, talk=said(*texts))
        client.force_login(owner)
        assert self.found(client, transcript, "buro") == [[1, [[0, 4], [6, 10]]], [202, [[4, 12], [15, 19]]]]
        assert self.found(client, transcript, "预算") == [[203, [[3, 5]]]]
        assert self.found(client, transcript, '"no hm"') == []

    @pytest.mark.parametrize("words", ["", " ", '"', "-no", "x" * 5000, "\0"])
    def test_what_finds_nothing_finds_nothing(self, client, owner, transcript, words):
        client.force_login(owner)
        assert self.found(client, transcript, words) == []


class TestWaveformColours:
    def test_each_point_has_the_colour_of_who_speaks_most(self, client, owner, heard):
        colours = re.search(r'data-colours="(.*?)"', html(client, heard, owner))[1]
        assert len(colours) == 255
        # Ada to 5.5 of 10 seconds, nobody, Grace from 6 to 9.25.
        assert (colours[0], colours[139], colours[146], colours[200], colours[-1]) == ("0", "0", "-", "1", "-")

    def test_without_a_duration_there_are_none(self, client, owner, heard):
        Transcript.objects.update(duration=0)
        assert re.search(r'data-colours="(.*?)"', html(client, heard, owner))[1] == "-" * 255


class TestCompression:
    def test_a_page_is_compressed_and_what_is_streamed_is_not(self, client, owner, heard):
        client.force_login(owner)
        asked = {"HTTP_ACCEPT_ENCODING": "gzip"}
        page = client.get(path(heard), **asked)
        assert page["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in page["Vary"]
        assert "Good morning" in gzip.decompress(page.content).decode()
        audio = client.get(f"/v1/transcripts/{heard.pk}/audio/mp3", HTTP_RANGE="bytes=0-9", **asked)
        assert (audio.status_code, audio["Content-Range"]) == (206, "bytes 0-9/100")
        assert b"".join(audio.streaming_content) == b"x" * 10
        archive = client.get(f"/v1/transcripts/{heard.pk}/download/zip", **asked)
        assert b"".join(archive.streaming_content).startswith(b"PK")
        for whole in (audio, archive):
            assert "Content-Encoding" not in whole
