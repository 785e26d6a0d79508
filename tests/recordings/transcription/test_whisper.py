"""Speech that is written down on this machine, by a model in a process of its own."""

import json
import os
import re
import signal
from pathlib import Path

import pytest
from django.conf import settings as product

from platforms.exceptions import PlatformNotConfigured, PlatformUnavailable
from recordings.transcription.processors.chunks import NO_SPEECH, SILENCE
from recordings.transcription.processors.whisper import (
    ENGLISH_ONLY,
    MISSING,
    UNCERTAIN,
    UNCERTAIN_ENGLISH,
    UNHEARD,
    UNHEARD_ENGLISH,
    UNKNOWN_LANGUAGE,
    WhisperProcessor,
)
from tests.recordings.transcription.test_processors import make_request, part
from tests.support.live import wait_until
from tests.support.media import Sound, silent, track

SPEECH = Path("platforms/sandbox/static/speech")
SOUND = track(Sound(0, 2))


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """The processes that loaded a model, and what they loaded, as lines of a file."""
    package = str(Path(__file__).parent.parent / "speech_model")
    monkeypatch.syspath_prepend(package)
    monkeypatch.setenv("PYTHONPATH", package)
    monkeypatch.setenv("LOADED", str(tmp_path / "loaded"))
    return lambda: [line.split() for line in (tmp_path / "loaded").read_text().splitlines()]


@pytest.fixture
def whisper():
    made = []

    def make(model, **options):
        made.append(WhisperProcessor(model, "cpu", **options))
        return made[-1]

    yield make
    for processor in made:
        processor.close()


def test_the_model_is_loaded_when_it_is_first_used_and_only_then(whisper, loaded):
    processor = whisper("tiny")
    for _ in range(2):
        result = processor.process(make_request(part(track(Sound(0, 2), Sound(60, 2)), "Ada")))
    assert [what for _, *what in loaded()] == [["tiny", "cpu"]]
    assert [segment.start for segment in result.segments] == pytest.approx([0, 1, 59.5, 60.5], abs=0.2)
    assert (result.language, result.segments[0].speaker, result.segments[0].text) == ("sv", "Ada", "Hm.")
    assert [word.start for segment in result.segments for word in segment.words] == pytest.approx(
        [0.1, 1.1, 59.6, 60.6], abs=0.2
    )
    assert {word.text for segment in result.segments for word in segment.words} == {"Hm."}


def test_one_that_is_idle_gives_its_memory_back_and_is_loaded_again(whisper, loaded):
    processor = whisper("tiny", idle_seconds=0.2)
    for _ in range(2):
        assert processor.process(make_request(part(SOUND))).segments
        wait_until(lambda: not processor._running.is_there)
    assert len({process for process, *_ in loaded()}) == 2


def test_one_that_is_killed_between_two_recordings_is_loaded_again(whisper, loaded):
    processor = whisper("tiny")
    processor.process(make_request(part(SOUND)))
    os.kill(int(loaded()[0][0]), signal.SIGKILL)
    assert processor.process(make_request(part(SOUND))).segments
    assert len(loaded()) == 2


def test_one_that_ends_amid_a_recording_is_tried_again_later(whisper, loaded):
    processor = whisper("deadly")
    with pytest.raises(PlatformUnavailable, match=r"process ended by itself \(exit status 9\)"):
        processor.process(make_request(part(SOUND)))


def test_a_model_that_cannot_be_loaded_is_named_with_its_reason(whisper, loaded):
    with pytest.raises(PlatformNotConfigured, match="'lost' cannot be loaded: RuntimeError: Unable to open file"):
        whisper("lost").process(make_request(part(SOUND)))


def test_a_folder_without_a_model_is_named(whisper, loaded, tmp_path):
    with pytest.raises(PlatformNotConfigured, match=f"WHISPER_MODEL names a folder that holds no model: {tmp_path}"):
        whisper(str(tmp_path)).process(make_request(part(SOUND)))
    assert whisper("/nowhere/at-all").problems() == [
        "WHISPER_MODEL names a folder that holds no model: /nowhere/at-all"
    ]
    assert whisper("distil-whisper/distil-small.en").problems() == []  # a name on the hub


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert WhisperProcessor("small").problems() == [MISSING]
    with pytest.raises(PlatformNotConfigured, match="make speech"):
        WhisperProcessor("small").process(make_request(part(silent())))


@pytest.mark.parametrize(("language", "note"), [("de", ENGLISH_ONLY), ("en", ""), ("", "")])
def test_a_model_of_one_language_says_so_of_another(whisper, loaded, language, note):
    result = whisper("english").process(make_request(part(SOUND), language=language))
    assert result.segments
    assert result.note == note


@pytest.mark.parametrize(
    ("model", "language", "note"),
    [
        ("english-unsure-long", "", UNCERTAIN_ENGLISH),
        ("english-unsure-long", "en", UNCERTAIN_ENGLISH),
        ("english-unsure-long", "de", ENGLISH_ONLY),
        ("english-unsure", "", ""),  # a word or two
        ("english-long", "", ""),
        ("unsure-long", "", UNCERTAIN),
        ("unsure-long", "de", UNCERTAIN),
        ("long", "", ""),
    ],
)
def test_words_that_are_mostly_guessed_are_said_to_be(whisper, loaded, model, language, note):
    result = whisper(model).process(make_request(part(SOUND), language=language))
    assert result.segments
    assert result.note == note


@pytest.mark.parametrize(
    ("model", "note"),
    [("dumb-long", UNHEARD), ("english-dumb-long", UNHEARD_ENGLISH), ("english-dumb", NO_SPEECH)],
)
def test_speech_for_which_there_are_no_words_is_no_music(whisper, loaded, model, note):
    result = whisper(model).process(make_request(part(SOUND)))
    assert (list(result.segments), result.note) == ([], note)


def test_what_one_person_said_for_certain_weighs_as_long_as_it_took(whisper, loaded):
    processor = whisper("english-unsure-long")
    request = make_request(part(SOUND), part(SOUND))
    assert processor.process(request).note == UNCERTAIN_ENGLISH
    (other,) = (key for key in request.checkpoint if key.startswith("1:"))
    request.checkpoint[other] = ["en", [[0, 1, "", "Good morning.", []]], 40.0, 0.9]
    assert processor.process(request).note == ""
    request.checkpoint[other] = ["en", [[0, 1, "", "Good morning.", []]]]  # of before certainties were kept
    assert processor.process(request).note == UNCERTAIN_ENGLISH


@pytest.mark.parametrize(
    ("model", "language", "note"),
    [
        ("swedish", "de", "The language seems to be Swedish, but it was written down as German"),
        ("swedish", "sv", ""),
        ("swedish", "", ""),
        ("swedish", "tlh", "does not know the language that was chosen"),
        ("not certain of it", "de", ""),
    ],
)
def test_another_language_than_the_one_that_was_chosen_is_named(whisper, loaded, model, language, note):
    result = whisper(model).process(make_request(part(SOUND), language=language))
    assert note in result.note
    assert bool(result.note) == bool(note)
    assert result.language == (language if language in ("de", "sv") else "sv")


@pytest.mark.parametrize(
    ("language", "found", "note"), [("jv", "jv", ""), ("de", "de", ""), ("tlh", "sv", UNKNOWN_LANGUAGE)]
)
def test_a_language_is_named_as_the_model_does_and_one_that_it_does_not_know_breaks_nothing(
    whisper, loaded, language, found, note
):
    result = whisper("tiny").process(make_request(part(SOUND), language=language))
    assert result.segments
    assert (result.language, result.note) == (found, note)


def test_sound_without_speech_is_told_from_silence(whisper, loaded):
    result = whisper("deaf").process(make_request(part(SOUND)))
    assert (list(result.segments), result.note) == ([], NO_SPEECH)
    result = whisper("deaf").process(make_request(part(silent())))
    assert (list(result.segments), result.note) == ([], SILENCE)


@pytest.mark.parametrize(
    ("model", "is_multilingual"),
    [("tiny", True), ("tiny.en", False), ("distil-whisper/distil-small.en", False), ("small.enormous", True)],
)
def test_which_languages_a_model_by_name_knows(whisper, model, is_multilingual):
    assert ("de" in whisper(model).languages()) == is_multilingual
    assert "en" in whisper(model).languages()


@pytest.mark.parametrize(("words", "is_multilingual"), [(51864, False), (51865, True)])
@pytest.mark.parametrize("ending", ["txt", "json"])
def test_which_languages_a_model_in_a_folder_knows(whisper, tmp_path, words, is_multilingual, ending):
    known = [f"word{number}" for number in range(words)]
    text = json.dumps(known) if ending == "json" else "\n".join(known)
    (tmp_path / f"vocabulary.{ending}").write_text(text)
    assert ("de" in whisper(str(tmp_path)).languages()) == is_multilingual


@pytest.mark.speech
def test_the_bundled_model_knows_english(whisper):
    assert whisper(product.SPEECH_MODEL).languages() == ("en",)


def words_of(text):
    return re.findall(r"[a-z]+", text.lower())


@pytest.mark.speech
def test_what_is_said_is_written_down(whisper):
    """The bundled model itself, on the sandbox's canned lines."""
    processor = whisper(product.SPEECH_MODEL)
    parts = [part((SPEECH / f"{name}.opus").read_bytes(), name.capitalize()) for name in ("ada", "ben")]
    result = processor.process(make_request(*parts, language="en"))
    lines = json.loads((SPEECH / "lines.json").read_text())["lines"]
    for speaker in ("Ada", "Ben"):
        said = words_of(" ".join(line["text"] for line in lines if line["speaker"] == speaker))
        heard = words_of(" ".join(segment.text for segment in result.segments if segment.speaker == speaker))
        assert len(set(said) & set(heard)) >= 0.9 * len(set(said)), (said, heard)
    assert [segment.speaker for segment in result.segments][:2] == ["Ada", "Ben"]
    assert result.note == ""


@pytest.mark.speech
@pytest.mark.parametrize("language", ["", "en"])
def test_of_speech_in_another_language_the_bundled_model_says_so(whisper, language):
    """Some sentences in German, spoken by espeak-ng."""
    german = (Path(__file__).parent / "german.opus").read_bytes()
    result = whisper(product.SPEECH_MODEL).process(make_request(part(german), language=language))
    assert (bool(result.segments), result.note) == (True, UNCERTAIN_ENGLISH)


@pytest.mark.speech
def test_silence_is_no_speech(whisper):
    result = whisper(product.SPEECH_MODEL).process(make_request(part(silent())))
    assert (list(result.segments), result.note) == ([], "Nothing was heard in it.")
