"""The times of words, from what speech models and services say."""

import pytest

from recordings.transcription.processors.base import Word
from recordings.transcription.processors.word_times import aligned, words_of


def spoken(*texts):
    return [Word(float(n), n + 0.5, text) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([" Good", " morning."], ["Good ", "morning."]),
        ([" 你", "好", "。"], ["你", "好", "。"]),
        ([" Yes", " ", " no"], ["Yes ", "no"]),
        ([], []),
    ],
)
def test_a_models_words_joined_are_its_text(tokens, expected):
    assert [word.text for word in words_of(spoken(*tokens))] == expected


def test_words_without_punctuation_are_given_to_the_texts_that_they_are_of():
    words = spoken("Hello", "world", "its", "me")
    assert list(aligned(["Hello, world!", "It's me."], words)) == [
        [Word(0.0, 0.5, "Hello, "), Word(1.0, 1.5, "world!")],
        [Word(2.0, 2.5, "It's "), Word(3.0, 3.5, "me.")],
    ]


def test_a_text_of_other_words_has_none_nor_what_follows_it():
    assert [len(words) for words in aligned(["Hello world", "20 percent", "me"], spoken("hello", "world", "me"))] == [
        2,
        0,
        0,
    ]
    assert list(aligned(["Hello"], [])) == [[]]
