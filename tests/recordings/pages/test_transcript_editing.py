"""Setting a transcript right, on its page: the words of a line, whose it is, and what it was before."""

from difflib import SequenceMatcher

import pytest
from django.test import Client

from recordings.models import Correction, Segment, Transcript
from recordings.privacy import deletion
from recordings.transcripts import editing
from recordings.transcripts.editing import retimed
from tests.support.transcripts import make_transcript

pytestmark = pytest.mark.django_db

TALK = [
    (0.0, 2.0, "Ada", "Good morning."),
    (2.0, 4.0, "Ada", "The badger is fine."),
    (3.0, 5.0, "Grace", "Mhm."),
    (5.0, 6.0, "Ada", "Bye."),
]
CHANGING = ("correct", "speaker")


@pytest.fixture
def transcript(owner):
    return make_transcript(owner, talk=TALK, title="Budget")


def lines(transcript):
    return list(transcript.segments.order_by("start"))


def post(client, transcript, action, user=None, **values):
    if user:
        client.force_login(user)
    return client.post(f"/transcripts/{transcript.pk}/{action}", values)


class TestWho:
    @pytest.mark.parametrize("mode", Transcript.ShareMode.values)
    @pytest.mark.parametrize("who", ["colleague", "staff", "guest"])
    def test_nobody_but_the_owner(self, client, transcript, colleague, staff, who, mode):
        Transcript.objects.update(share_mode=mode)
        user = {"colleague": colleague, "staff": staff, "guest": None}[who]
        line = lines(transcript)[0]
        for action in CHANGING:
            answer = post(
                client, transcript, action, user, line=line.pk, before=line.text, text="X", speaker=1, until=9
            )
            assert answer.status_code == 403
        page = client.get(f"/transcripts/{transcript.pk}/corrections")
        assert page.status_code == (302 if who == "guest" else 403)
        assert [segment.text for segment in lines(transcript)] == [text for *_, text in TALK]
        assert [segment.speaker for segment in lines(transcript)] == [0, 0, 1, 0]

    def test_one_in_the_trash_is_not_found(self, client, transcript, owner):
        deletion.trash(transcript)
        for action in CHANGING:
            assert post(client, transcript, action, owner, line=1).status_code == 404
        assert client.get(f"/transcripts/{transcript.pk}/corrections").status_code == 404

    def test_only_sending_changes(self, client, transcript, owner):
        client.force_login(owner)
        for action in CHANGING:
            assert client.get(f"/transcripts/{transcript.pk}/{action}").status_code == 405
        assert client.post(f"/transcripts/{transcript.pk}/corrections").status_code == 405

    def test_a_form_of_another_site_changes_nothing(self, transcript, owner):
        client = Client(enforce_csrf_checks=True)
        assert post(client, transcript, "correct", owner, line=lines(transcript)[0].pk, text="X").status_code == 403


class TestCorrecting:
    def test_a_line_says_something_else_is_found_by_it_and_keeps_what_it_said(self, client, transcript, owner):
        line = lines(transcript)[1]
        seq = transcript.change_seq
        answer = post(
            client, transcript, "correct", owner, line=line.pk, before=line.text, text=" The  budget is fine. "
        )
        assert answer.json() == {"text": "The budget is fine."}
        assert "<mark>budget</mark>" in client.get("/search", {"q": "budget is fine"}).content.decode()
        assert "Nothing found" in client.get("/search", {"q": "badger"}).content.decode()
        [kept] = Correction.objects.all()
        assert (kept.user, kept.start, kept.before, kept.after) == (
            owner,
            2.0,
            "The badger is fine.",
            "The budget is fine.",
        )
        transcript.refresh_from_db()
        assert transcript.change_seq > seq
        page = client.get(f"/transcripts/{transcript.pk}/corrections").content.decode()
        for words in ("At 0:02", ">owner<", ">The badger is fine.</del>", ">The budget is fine.</ins>"):
            assert words in page

    def test_what_was_changed_meanwhile_is_not_written_over(self, client, transcript, owner):
        line = lines(transcript)[1]
        Segment.objects.filter(pk=line.pk).update(text="Something else.")
        for wanted in (line.pk, 10**12):
            answer = post(client, transcript, "correct", owner, line=wanted, before=line.text, text="X")
            assert (answer.status_code, answer.json()["detail"][:21]) == (409, "This line was changed")
        assert lines(transcript)[1].text == "Something else."

    def test_a_line_of_another_transcript_is_none_of_this(self, client, transcript, owner):
        other = lines(make_transcript(owner))[0]
        answer = post(client, transcript, "correct", owner, line=other.pk, before=other.text, text="X")
        assert answer.status_code == 409

    @pytest.mark.parametrize("text", ["", "   ", "x" * 10_001, "a\0b"])
    def test_bad_words_are_refused(self, client, transcript, owner, text):
        line = lines(transcript)[1]
        answer = post(client, transcript, "correct", owner, line=line.pk, before=line.text, text=text)
        assert answer.status_code == 422
        assert answer.json()["detail"]
        assert not Correction.objects.exists()

    def test_the_same_words_are_no_correction(self, client, transcript, owner):
        line = lines(transcript)[1]
        assert (
            post(client, transcript, "correct", owner, line=line.pk, before=line.text, text=line.text).status_code
            == 200
        )
        assert not Correction.objects.exists()

    def test_what_was_said_before_goes_with_the_transcript(self, client, transcript, owner):
        line = lines(transcript)[1]
        post(client, transcript, "correct", owner, line=line.pk, before=line.text, text="X")
        deletion.trash(transcript)
        deletion.destroy(transcript)
        assert not Correction.objects.exists()


class TestTimes:
    def words(self, before, after):
        segment = Segment(start=10.0, end=14.0, text="".join(word for *_, word in before), words=before)
        found = retimed(segment, after)
        assert "".join(word for *_, word in found) == after
        times = [time for start, end, _ in found for time in (start, end)]
        assert times == sorted(times)
        assert 10.0 <= times[0] <= times[-1] <= 14.0
        return [(word.strip(), start, end) for start, end, word in found]

    BEFORE = ((10.0, 11.0, "The "), (11.0, 12.0, "badger "), (12.5, 13.0, "is "), (13.0, 14.0, "fine."))

    def test_words_that_stay_keep_theirs(self):
        found = self.words(self.BEFORE, "The budget is fine.")
        assert found == [("The", 10.0, 11.0), ("budget", 11.0, 12.0), ("is", 12.5, 13.0), ("fine.", 13.0, 14.0)]

    def test_several_share_the_time_of_those_they_replace(self):
        found = self.words(self.BEFORE, "The bad ger is fine.")
        assert found[1:3] == [("bad", 11.0, 11.5), ("ger", 11.5, 12.0)]

    def test_added_ones_come_between(self):
        assert self.words(self.BEFORE, "The badger there is fine.")[2] == ("there", 12.0, 12.5)
        assert self.words(self.BEFORE, "Well the badger is fine.")[0][1:] == (10.0, pytest.approx(10.556))
        assert self.words(self.BEFORE, "The badger is fine. Yes.")[-1] == ("Yes.", 14.0, 14.0)

    def test_left_out_ones_leave_a_pause(self):
        assert self.words(self.BEFORE, "The fine.") == [("The", 10.0, 11.0), ("fine.", 13.0, 14.0)]

    def test_scripts_without_spaces_are_taken_by_characters(self):
        before = ((10.0, 11.0, "我"), (11.0, 12.0, "们"), (12.0, 13.0, "的"), (13.0, 14.0, "鱼。"))
        assert self.words(before, "我们的预算。")[:3] == [("我", 10.0, 11.0), ("们", 11.0, 12.0), ("的", 12.0, 13.0)]

    def test_a_long_line_that_repeats_itself_takes_no_longer_than_others(self, monkeypatch):
        compared = []

        def matcher(_, left, right, autojunk):
            compared.append(len(left) * len(right))
            return SequenceMatcher(None, left, right, autojunk)

        monkeypatch.setattr(editing, "SequenceMatcher", matcher)
        before = [(10 + n / 1000, 10 + (n + 1) / 1000, "ab"[n % 2] + " ") for n in range(4000)]
        found = self.words(before, "a b " * 500 + "a a b b " * 800 + "b a b")
        assert (len(found), found[0], found[-1]) == (4203, ("a", 10.0, 10.001), ("b", 13.999, 14.0))
        assert all(pairs <= editing.MOST_PAIRS for pairs in compared)

    def test_where_none_are_known_none_are_made_up(self):
        assert retimed(Segment(start=0, end=1, text="a"), "b") is None


class TestAssigning:
    def speakers(self, transcript):
        return [segment.speaker for segment in lines(transcript)]

    def test_one_line(self, client, transcript, owner):
        answer = post(client, transcript, "speaker", owner, line=lines(transcript)[1].pk, until=2.999, speaker=1)
        assert answer.json() == {"speaker": 1}
        assert self.speakers(transcript) == [0, 1, 1, 0]

    def test_a_stretch_leaves_others_who_spoke_meanwhile(self, client, transcript, owner):
        answer = post(client, transcript, "speaker", owner, line=lines(transcript)[1].pk, until=5, name="Zoë")
        assert answer.json() == {"speaker": 2}
        assert self.speakers(transcript) == [0, 2, 1, 2]
        assert transcript.participants.get(speaker=2).name == "Zoë"
        assert "Budget" in client.get("/search", {"q": "Zoë"}).content.decode()

    def test_a_time_before_the_line_takes_the_line_alone(self, client, transcript, owner):
        for until in ("", "nan", "-1", "0"):
            post(client, transcript, "speaker", owner, line=lines(transcript)[1].pk, until=until, speaker=1)
            assert self.speakers(transcript) == [0, 1, 1, 0]

    @pytest.mark.parametrize(
        "values",
        [
            {},
            {"speaker": -1},
            {"speaker": "x"},
            {"speaker": 2**31},
            {"name": "x" * 256},
            {"speaker": 1, "until": "x"},
            {"line": 2**63, "speaker": 1},
        ],
    )
    def test_bad_input_is_refused(self, client, transcript, owner, values):
        answer = post(client, transcript, "speaker", owner, **{"line": lines(transcript)[0].pk} | values)
        assert answer.status_code == 422
        assert answer.json()["detail"]
        assert self.speakers(transcript) == [0, 0, 1, 0]

    def test_a_line_that_is_gone_is_said(self, client, transcript, owner):
        assert post(client, transcript, "speaker", owner, line=10**12, speaker=1).status_code == 409
