"""GET /v1/transcripts/{id}/topics, .../topics/with-words and .../topics/{topic_id}/words-per-speaker."""

import pytest

from recordings.transcription.processors.base import Word
from tests.conftest import api_for, error
from tests.support.transcripts import make_transcript

TOPIC = {"id", "title", "summary", "timestamp", "duration", "transcript", "segments"}


def path(transcript, rest=""):
    return f"/v1/transcripts/{transcript.pk}/topics{rest}"


def get(user, transcript, rest=""):
    answer = api_for(user).get(path(transcript, rest))
    assert answer.status_code == 200, answer.content
    return answer.json()


def spoken(*moments):
    """Five seconds of speech at each of these moments."""
    return [(float(at), at + 5.0, "Ada", f"This was said at {at}.") for at in moments]


def test_a_topic_has_the_contracts_fields(owner):
    found = get(owner, make_transcript(owner))
    assert len(found) == 1
    assert found[0].keys() == TOPIC
    assert (found[0]["timestamp"], found[0]["duration"], found[0]["summary"]) == (0.0, 9.25, "")
    assert found[0]["title"] == "Good morning, everybody. Let us talk about the budget for…"
    assert found[0]["transcript"].endswith("The budget is <fine> & dandy.")
    assert found[0]["segments"][2] == {"text": "The budget is <fine> & dandy.", "start": 6.0, "speaker": 1}


def test_a_topic_ends_at_a_pause_after_a_minute_or_else_after_five(owner):
    after_a_pause = make_transcript(owner, talk=spoken(0, 30, 58, 70, 75))
    assert [topic["timestamp"] for topic in get(owner, after_a_pause)] == [0.0, 70.0]
    without_pauses = make_transcript(owner, talk=spoken(*range(0, 620, 5)))
    assert [topic["timestamp"] for topic in get(owner, without_pauses)] == [0.0, 300.0, 600.0]


def test_the_ids_are_the_same_each_time(owner):
    transcript = make_transcript(owner, talk=spoken(0, 70, 140))
    first, second = get(owner, transcript), get(owner, transcript)
    assert [topic["id"] for topic in first] == [topic["id"] for topic in second]
    assert len({topic["id"] for topic in first}) == 3


def test_there_is_a_topic_as_soon_as_something_was_said_and_none_before(owner):
    assert len(get(owner, make_transcript(owner, talk=[(0.0, 0.0, "", "Yes.")]))) == 1
    assert get(owner, make_transcript(owner, talk=[])) == []


def test_words_are_joined_with_nothing_between_and_fill_their_segments(owner):
    topic = get(owner, make_transcript(owner), "/with-words")[0]
    words = topic["words"]
    assert topic.keys() == TOPIC | {"words"}
    assert "".join(word["text"] for word in words).strip() == topic["transcript"]
    assert all(word["start"] < word["end"] for word in words)
    starts = [word["start"] for word in words]
    assert starts == sorted(starts)
    assert [word for word in words if word["speaker"] == 1][-1]["end"] == 9.25


def test_words_per_speaker_has_an_entry_a_turn(owner):
    talk = [
        (0.0, 1.0, "Ada", "One two"),
        (1.0, 2.0, "Grace", "three"),
        (2.0, 3.0, "Ada", "four"),
        (3, 4, "Ada", "five"),
    ]
    transcript = make_transcript(owner, talk=talk)
    topic = get(owner, transcript)[0]
    found = get(owner, transcript, f"/{topic['id']}/words-per-speaker")
    assert found.keys() == TOPIC | {"words_per_speaker"}
    turns = found["words_per_speaker"]
    assert [turn["speaker"] for turn in turns] == [0, 1, 0]
    assert [[word["text"] for word in turn["words"]] for turn in turns] == [
        ["One ", "two "],
        ["three "],
        ["four ", "five "],
    ]


def test_times_that_the_transcriber_gave_are_kept_also_where_a_segment_is_cut(owner):
    words = [Word(0.0, 0.5, "One "), Word(4.0, 4.5, "two "), Word(4.5, 9.0, "three.")]
    transcript = make_transcript(owner, talk=[(0.0, 9.0, "Ada", "One two three.", words)])
    assign = {"speaker": 3, "timestamp_from": 4.0, "timestamp_to": 4.5}
    for expected in ([0, 0, 0], [0, 3, 0]):
        found = get(owner, transcript, "/with-words")[0]["words"]
        assert [(word["start"], word["end"], word["text"].strip()) for word in found] == [
            (word.start, word.end, word.text.strip()) for word in words
        ]
        assert [word["speaker"] for word in found] == expected
        api_for(owner).patch(f"/v1/transcripts/{transcript.pk}/speaker/assign", assign)


def test_a_topic_that_is_not_there_is_404(owner):
    transcript = make_transcript(owner)
    answer = api_for(owner).get(path(transcript, f"/{transcript.pk}/words-per-speaker"))
    assert (answer.status_code, answer.json()) == (404, error("Topic not found"))


@pytest.mark.parametrize("rest", ["", "/with-words", "/x/words-per-speaker"])
def test_who_may_not_read_the_transcript_is_told_nothing_of_it(owner, colleague, rest):
    transcript = make_transcript(owner)
    for user in (None, colleague):
        answer = api_for(user).get(path(transcript, rest))
        assert (answer.status_code, answer.json()) == (403, error("Transcript access denied"))
    api_for(owner).delete(f"/v1/transcripts/{transcript.pk}")
    assert api_for(owner).get(path(transcript, rest)).status_code == 404


def test_what_anybody_may_read_is_given_to_somebody_who_is_not_signed_in(owner):
    assert len(get(None, make_transcript(owner, share_mode="public"))) == 1


def test_the_number_of_statements_does_not_depend_on_what_was_said(owner, django_assert_max_num_queries):
    transcript = make_transcript(owner, talk=spoken(*range(0, 3000, 10)))
    api = api_for(owner)
    api.get(path(transcript, "/with-words"))  # which makes the entry of the audit trail
    with django_assert_max_num_queries(5):
        api.get(path(transcript, "/with-words"))
