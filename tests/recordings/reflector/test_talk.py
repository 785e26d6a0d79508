"""Lines that people read, from words as the transcribers of a Reflector left them."""

import pytest

from recordings.management.reflector.talk import action_items_of, segments_of
from recordings.management.reflector.values import key_of, moment, number, seconds, text


def topic(*words, **fields):
    return {
        "timestamp": 0,
        "words": [dict(zip(("text", "start", "end", "speaker"), word, strict=True)) for word in words],
    } | fields


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([" One", " two", " three."], "One two three."),
        (["One ", "two ", "three. "], "One two three."),
        (["One", "two", "three."], "One two three."),
        ([" well", "-known", " fact"], "well-known fact"),
        (["会议", "讨论"], "会议讨论"),
    ],
    ids=["space before", "space behind", "no spaces", "parts of a word", "a language without spaces"],
)
def test_words_are_joined_as_they_were_spoken(texts, said):
    (segment,) = segments_of([topic(*((word, at, at + 1, 0) for at, word in enumerate(texts)))])
    assert segment.text == said
    assert "".join(word for _, _, word in segment.words) == said


def test_a_line_ends_with_its_speaker_a_pause_or_a_long_sentence():
    long = "a" * 60
    segments = segments_of(
        [topic((" Yes.", 0, 1, 0), (" No.", 1, 2, 1), (f" {long}.", 5, 6, 1), (" Then.", 6, 7, 1), (" So.", 7, 8, 1))]
    )
    assert [(line.speaker, line.text) for line in segments] == [
        (0, "Yes."),
        (1, "No."),
        (1, f"{long}."),
        (1, "Then. So."),
    ]


def test_a_line_without_an_end_is_cut():
    segments = segments_of([topic(*((" word", at, at + 1, 0) for at in range(200)))])
    assert max(len(line.text) for line in segments) <= 310
    assert " ".join(line.text for line in segments) == " ".join(["word"] * 200)


def test_lines_are_in_order_of_time_whatever_the_order_of_topics():
    segments = segments_of([topic((" b", 9, 10, 0), timestamp=9), topic((" a", 1, 2, 0))])
    assert [line.text for line in segments] == ["a", "b"]


@pytest.mark.parametrize(
    "topics",
    [
        None,
        {},
        "text",
        [None, 7, "x"],
        [{"words": None}],
        [{"words": [{}, 3, {"text": None}]}],
        [topic((" ", 0, 1, 0))],
    ],
)
def test_what_is_no_talk_gives_no_lines(topics):
    assert segments_of(topics) == []


def test_times_that_are_missing_or_run_backwards_are_mended():
    (segment,) = segments_of([topic((" One", None, None, 0), (" two", 5, 1, 0), (" three", "x", 6, 0), timestamp=4)])
    assert [word[:2] for word in segment.words] == [[4.0, 4.0], [5.0, 5.0], [5.0, 6.0]]


@pytest.mark.parametrize("value", [None, [], {}, {"decisions": None}, {"decisions": ["x"], "next_steps": 3}])
def test_no_decisions_are_nothing(value):
    assert action_items_of(value) == {}


def test_values_are_those_that_can_be_stored():
    assert text("a\x00b\ud800") == "ab?"
    assert (text(None), text(7), text("long", 2)) == ("", "", "lo")
    assert [seconds(value) for value in (1, 2.5, -1, float("nan"), True, "3", None)] == [1.0, 2.5, 0, 0, 0, 0, 0]
    assert [number(value) for value in (0, 7, -1, 2**31, True, 1.5, None)] == [0, 7, None, None, None, None, None]
    assert moment("2025-01-01") is None


def test_an_id_is_kept_where_it_is_a_uuid_and_else_always_the_same():
    assert str(key_of("room", "10000000-0000-4000-8000-000000000001")) == "10000000-0000-4000-8000-000000000001"
    assert key_of("meeting", "71234567") == key_of("meeting", "71234567") != key_of("room", "71234567")
