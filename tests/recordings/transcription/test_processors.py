import io
import json
import logging
from typing import Any

import pytest
from django.core.checks import run_checks

from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.signing import matches_stamped
from recordings.media.audio import Reading
from recordings.transcription.processors import AudioPart, Processor, TranscriptionRequest, create_processor
from recordings.transcription.processors.base import PERCENT
from recordings.transcription.processors.chunks import cut
from recordings.transcription.processors.http import HttpProcessor
from recordings.transcription.processors.languages import language_code
from recordings.transcription.processors.null import NullProcessor
from recordings.transcription.processors.openai import OpenAIProcessor
from tests.support.media import Sound, heard, loudness, media, silence, silent, speech, stretches, track
from tests.support.speech_service import KEY, PATH, SpeechService
from tests.support.stub_provider import Answer, StubProvider

MODEL = "whisper-large"


def part(content, speaker="", offset=0.0, duration=0.0):
    return AudioPart(
        open=lambda: io.BytesIO(content),
        link=lambda: f"https://rooms.example.com/{speaker or 'file'}",
        speaker=speaker,
        offset=offset,
        duration=duration,
        content_type="audio/webm",
    )


def make_request(*parts, **fields):
    return TranscriptionRequest(id="8a6f", parts=parts, **fields)


@pytest.fixture
def stub():
    with StubProvider() as stub:
        yield stub


@pytest.fixture
def service(stub):
    return SpeechService(stub)


def openai(service, **options):
    known: dict[str, Any] = {"api_key": KEY, "timeout": 10}
    return OpenAIProcessor(service.url, MODEL, **known | options)


def chunks(content, longest):
    return list(cut(Reading(lambda: io.BytesIO(content)), longest))


# From the setting to a processor


def test_a_processor_is_made_once(settings):
    settings.RECORDING_PROCESSORS = {"mine": {"BACKEND": "recordings.transcription.processors.null.NullProcessor"}}
    settings.RECORDING_PROCESSOR = "mine"
    assert isinstance(create_processor(), NullProcessor)
    assert create_processor() is create_processor("mine")


def test_an_unknown_alias_names_the_setting_and_what_it_has(settings):
    settings.RECORDING_PROCESSORS = {"null": {}, "http": {}}
    with pytest.raises(PlatformNotConfigured, match=r"RECORDING_PROCESSORS setting .* 'cloud'; it has: null, http"):
        create_processor("cloud")


def test_a_bad_backend_names_setting_alias_and_path(settings):
    settings.RECORDING_PROCESSORS = {"mine": {"BACKEND": "nowhere.Processor"}}
    with pytest.raises(PlatformNotConfigured, match=r"RECORDING_PROCESSORS\['mine'\]: BACKEND 'nowhere.Processor'"):
        create_processor("mine")


def test_options_that_do_not_fit_name_setting_alias_and_option(settings):
    settings.RECORDING_PROCESSORS = {
        "mine": {"BACKEND": "recordings.transcription.processors.openai.OpenAIProcessor", "OPTIONS": {"colour": "red"}}
    }
    with pytest.raises(PlatformNotConfigured, match=r"RECORDING_PROCESSORS\['mine'\]: OPTIONS do not fit .*colour"):
        create_processor("mine")


def problems():
    return {(m.id, m.msg) for m in run_checks() if (m.id or "").startswith("recordings.")}


def test_checks_find_a_bad_backend_and_an_unknown_choice(settings):
    settings.RECORDING_PROCESSORS = {"mine": {"BACKEND": "nowhere.Processor"}}
    settings.RECORDING_PROCESSOR = "other"
    assert {check for check, _ in problems()} == {"recordings.E001", "recordings.E002"}


@pytest.mark.parametrize(
    ("alias", "variables"),
    [
        ("http", ["RECORDING_PROCESSOR_SECRET", "RECORDING_PROCESSOR_URL"]),
        ("openai", ["TRANSCRIPTION_API_KEY"]),
        ("null", []),
    ],
)
def test_checks_name_what_the_chosen_processor_lacks(settings, alias, variables):
    settings.RECORDING_PROCESSOR = alias
    found = sorted(message for check, message in problems() if check == "recordings.W001")
    assert len(found) == len(variables)
    assert all(name in message for name, message in zip(variables, found, strict=True))


def test_null_says_that_it_transcribes_nothing():
    result = NullProcessor().process(make_request(part(silent())))
    assert (list(result.segments), result.note) == ([], "Not transcribed: RECORDING_PROCESSOR is null.")


# Cutting


def test_short_audio_is_one_chunk():
    (chunk,) = chunks(media("mp4", [Sound(0, 8)]), longest=10)
    assert (chunk.start, chunk.duration) == (0.0, pytest.approx(8.0, abs=0.15))
    assert stretches(heard(chunk.mp3)) == [(0.0, pytest.approx(8.0, abs=0.15))]


def test_long_audio_is_cut_where_nobody_speaks():
    content = track(*speech(0, 5, 10, 15, 20, seconds=4.0))
    found = chunks(content, longest=12)
    assert len(found) == 3
    assert all(chunk.duration <= 12 for chunk in found)
    for chunk in found:
        begins, ends = chunk.start, chunk.start + chunk.duration
        # No chunk begins or ends while something is said, which is in the first four of every five seconds.
        assert begins == 0 or not 0.05 < begins % 5 < 3.95
        assert not 0.2 < ends % 5 < 3.95
    assert sum(len(stretches(heard(chunk.mp3))) for chunk in found) == 5


def test_the_quietest_moment_is_chosen_where_nobody_pauses():
    sounds = [Sound(0, 7), Sound(7, 1, amplitude=1500), Sound(8, 12)]
    first, *_ = chunks(media("webm", sounds), longest=10)
    assert 7.0 < first.start + first.duration < 8.0


def test_audio_without_any_pause_is_cut_all_the_same_and_none_of_it_is_lost():
    found = chunks(media("webm", [Sound(0, 25)]), longest=10)
    ends = [chunk.start + chunk.duration for chunk in found]
    assert [chunk.start for chunk in found] == pytest.approx([0.0, *ends[:-1]])
    assert ends[-1] == pytest.approx(25.0, abs=0.2)
    assert all(loudness(heard(chunk.mp3), 0.2, chunk.duration - 0.2) > 5000 for chunk in found)


def test_long_silence_is_left_out():
    found = chunks(track(Sound(0, 2), Sound(100, 3)), longest=600)
    assert [chunk.start for chunk in found] == pytest.approx([0.0, 99.5], abs=0.11)
    assert [chunk.duration for chunk in found] == pytest.approx([2.5, 3.5], abs=0.25)


def test_a_short_pause_does_not_make_two_chunks():
    assert len(chunks(track(Sound(0, 2), Sound(20, 2)), longest=600)) == 1


def test_silence_alone_makes_no_chunk():
    assert chunks(silent(5.0), longest=10) == []


# OpenAI's interface


def test_it_is_asked_as_its_documentation_says(service):
    openai(service).process(make_request(part(track(Sound(0, 2))), language="de"))
    (request,) = service.stub.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert service.sent[0].fields == {
        "model": MODEL,
        "response_format": "verbose_json",
        "language": "de",
        "timestamp_granularities[]": ["word", "segment"],
    }


def test_no_language_is_claimed_and_no_key_sent_where_there_is_none(service):
    openai(service, api_key="").process(make_request(part(track(Sound(0, 2)))))
    assert "language" not in service.sent[0].fields
    assert "authorization" not in service.stub.requests[0].headers


def test_it_hears_all_that_is_said_at_its_own_time(service):
    content = track(*speech(1, 6, 11, 16, 21))
    result = openai(service, chunk_seconds=9).process(make_request(part(content, duration=23.0)))
    assert len(service.sent) > 1
    assert all(sent.duration <= 9.2 for sent in service.sent)
    assert [segment.start for segment in result.segments] == pytest.approx([1, 6, 11, 16, 21], abs=0.2)
    assert [segment.end for segment in result.segments] == pytest.approx([3, 8, 13, 18, 23], abs=0.2)
    assert {segment.speaker for segment in result.segments} == {""}
    assert result.segments[0].text.startswith("Something at")
    assert (result.language, result.duration) == ("en", 23.0)


def test_every_track_is_heard_by_itself_under_its_speakers_name(service):
    ada = part(track(Sound(0, 2), Sound(8, 2)), "Ada", 0.0, 10.0)
    bo = part(track(Sound(1, 2)), "Bo", 3.5, 3.0)
    result = openai(service).process(make_request(ada, bo))
    found = [(round(segment.start), segment.speaker) for segment in result.segments]
    assert found == [(0, "Ada"), (4, "Bo"), (8, "Ada")]
    assert result.duration == 10.0


def test_silence_is_not_sent(service):
    result = openai(service).process(make_request(part(silent(4.0))))
    assert service.stub.requests == []
    assert (list(result.segments), result.note) == ([], "Nothing was heard in it.")


def test_what_it_says_beyond_the_end_or_without_words_is_cut(stub, service):
    segments = [
        {"start": -1, "end": 1, "text": "Hello."},
        {"start": 1.5, "end": 900, "text": " world "},
        {"start": "x", "end": None, "text": "again"},
        {"start": 1, "end": 2, "text": "   "},
        None,
    ]
    stub.on("POST", PATH, Answer(json={"text": "Hello. world", "segments": segments}))
    result = openai(service).process(make_request(part(media("webm", [Sound(0, 2)]), offset=10.0)))
    assert [(s.start, s.end, s.text) for s in result.segments] == [
        (10.0, 11.0, "Hello."),
        (10.0, pytest.approx(12.0, abs=0.15), "again"),
        (11.5, pytest.approx(12.0, abs=0.15), "world"),
    ]


def test_an_answer_of_text_alone_is_one_segment(stub, service):
    stub.on("POST", PATH, Answer(json={"text": "All of it."}))
    result = openai(service).process(make_request(part(media("webm", [Sound(0, 2)]))))
    assert [(s.start, s.text) for s in result.segments] == [(0.0, "All of it.")]


def test_speakers_that_the_service_tells_apart_are_kept(stub, service):
    answer = {"text": "Hi.", "segments": [{"start": 0, "end": 1, "speaker": "A", "text": "Hi."}]}
    stub.on("POST", PATH, Answer(json=answer))
    result = openai(service).process(make_request(part(media("webm", [Sound(0, 2)]))))
    assert [s.speaker for s in result.segments] == ["A"]


def test_the_times_of_words_are_kept_on_the_recordings_timeline(stub, service):
    words = [{"word": "Good", "start": 0.1, "end": 0.4}, {"word": "morning", "start": 0.5, "end": 0.9}]
    answer = {"text": "Good morning.", "segments": [{"start": 0, "end": 1, "text": " Good morning."}], "words": words}
    stub.on("POST", PATH, Answer(json=answer))
    segment = openai(service).process(make_request(part(track(Sound(0, 2)), "Ada", offset=10.0))).segments[0]
    assert segment.words == [(10.1, 10.4, "Good "), (10.5, 10.9, "morning.")]


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(400, json={"error": {"message": "timestamp_granularities are not supported"}}),
        Answer(400, json={"error": {"message": "response_format 'verbose_json' is not compatible with model"}}),
        Answer(400, json={"error": {"message": "verbose_json is not supported"}}),
        Answer(422, json={"detail": [{"loc": ["body", "response_format"], "msg": "unexpected value"}]}),
    ],
)
def test_a_model_without_segments_is_asked_for_text(stub, service, refusal):
    stub.on("POST", PATH, refusal, Answer(json={"text": "Plain."}))
    result = openai(service).process(make_request(part(media("webm", [Sound(0, 2)]))))
    assert [s.text for s in result.segments] == ["Plain."]
    assert b'name="response_format"\r\n\r\njson\r\n' in stub.requests[1].body


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("cantonese", "yue"),
        ("mandarin", "zh"),
        ("tagalog", "tl"),
        ("nynorsk", "nn"),
        ("haitian creole", "ht"),
        ("javanese", "jv"),
        ("lao", "lo"),
        ("zh-Hans", "zh"),
        ("pt_BR", "pt"),
        ("und", ""),
        ("", ""),
        ("something else", ""),
    ],
)
def test_names_and_tags_of_languages_have_one_code(language, code):
    assert language_code(language) == code


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("english", "en"),
        ("German", "de"),
        ("fr", "fr"),
        ("chinese", "zh"),
        ("en-US", "en"),
        ("klingonese", ""),
        (None, ""),
    ],
)
def test_languages_become_codes(stub, service, language, code):
    stub.on("POST", PATH, Answer(json={"text": "x", "language": language}))
    assert openai(service).process(make_request(part(media("webm", [Sound(0, 1)])))).language == code


class Told(dict[str, Any]):
    """A checkpoint that remembers each share that it was told."""

    def __init__(self):
        super().__init__()
        self.shares = []

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        if key == PERCENT:
            self.shares.append(value)


def test_how_far_it_is_is_told_after_each_part(stub, service):
    stub.on("POST", PATH, service.answer)
    told, content = Told(), track(*speech(0, 5))
    two = [part(content, duration=10.0), part(content, duration=10.0)]
    openai(service, chunk_seconds=9).process(make_request(*two, checkpoint=told))
    assert len(told.shares) == len(told) - 1 > 1
    assert told.shares == sorted(told.shares)
    assert 0 < told.shares[0] <= 50 < told.shares[-1] <= 100


def test_of_a_length_that_is_not_known_no_share_is_told(stub, service):
    stub.on("POST", PATH, service.answer)
    told = Told()
    openai(service, chunk_seconds=9).process(make_request(part(track(*speech(0, 5))), checkpoint=told))
    assert set(told.shares) == {0}


def test_what_was_transcribed_before_a_crash_is_not_asked_for_again(stub, service):
    content = track(*speech(0, 5, 10, 15))
    kept: dict[str, Any] = {}
    stub.on("POST", PATH, service.answer, Answer(401, json={"error": "no"}))
    with pytest.raises(PlatformRejected):
        openai(service, chunk_seconds=9).process(make_request(part(content), checkpoint=kept))
    kept = json.loads(json.dumps(kept))  # as a database keeps it
    stub.on("POST", PATH, service.answer)
    result = openai(service, chunk_seconds=9).process(make_request(part(content), checkpoint=kept))
    assert [segment.start for segment in result.segments] == pytest.approx([0, 5, 10, 15], abs=0.2)
    assert len(service.sent) == len(kept.keys() - {PERCENT})


def test_it_waits_as_it_is_asked_to_and_goes_on(stub, service):
    stub.on("POST", PATH, Answer(429, headers={"Retry-After": "0.2"}), Answer(503), service.answer)
    result = openai(service).process(make_request(part(track(Sound(0, 1)))))
    assert len(result.segments) == 1
    assert len(stub.requests) == 3


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(500), id="500"),
        pytest.param(Answer(200, body=b"<html>"), id="not JSON"),
        pytest.param(Answer(200, json=["x"]), id="a list"),
        pytest.param(Answer(200, json={}), id="nothing"),
    ],
)
def test_what_may_pass_is_to_be_tried_again(stub, service, answer):
    stub.on("POST", PATH, answer)
    with pytest.raises(PlatformUnavailable):
        openai(service).process(make_request(part(track(Sound(0, 1)))))


def test_a_long_wait_is_left_to_the_work(stub, service):
    stub.on("POST", PATH, Answer(429, headers={"Retry-After": "900"}))
    with pytest.raises(PlatformUnavailable) as caught:
        openai(service).process(make_request(part(track(Sound(0, 1)))))
    assert caught.value.retry_after == 900
    assert len(stub.requests) == 1


def test_a_service_that_hangs_is_left_in_time(stub, service):
    stub.on("POST", PATH, Answer(json={"text": "late"}, delay=2))
    with pytest.raises(PlatformUnavailable, match="did not answer in time"):
        openai(service, timeout=0.2).process(make_request(part(track(Sound(0, 1)))))


@pytest.mark.parametrize("answer", [{"text": None, "segments": None}, {"text": None, "segments": ["Hi."]}, {}, ["Hi."]])
def test_an_answer_without_a_text_is_no_silence(stub, service, answer):
    stub.on("POST", PATH, Answer(json=answer))
    with pytest.raises(PlatformUnavailable, match="answered without a text"):
        openai(service).process(make_request(part(track(Sound(0, 1)))))


def test_segments_that_are_none_leave_the_text(stub, service):
    stub.on("POST", PATH, Answer(json={"text": "Hello. You.", "segments": ["Hello.", "You."]}))
    result = openai(service).process(make_request(part(track(Sound(0, 1)))))
    assert [s.text for s in result.segments] == ["Hello. You."]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_a_refusal_is_final_and_never_quotes_the_key(stub, service, caplog, status):
    stub.on("POST", PATH, Answer(status, json={"error": {"message": f"Incorrect API key provided: {KEY}"}}))
    with caplog.at_level(logging.DEBUG), pytest.raises(PlatformRejected) as caught:
        openai(service).process(make_request(part(track(Sound(0, 1)))))
    assert caught.value.status == status
    assert "[secret]" in str(caught.value)
    assert KEY not in str(caught.value) + caplog.text
    assert len(stub.requests) == 1


# A service of one's own


def test_a_job_is_signed_and_says_where_everything_is(stub):
    stub.on("POST", "/jobs", Answer(202))
    parts = [part(b"", "Ada", 0.0, 61.5), part(b"", "Bo", 3.25, 10.0)]
    processor = HttpProcessor(f"{stub.url}/jobs", ["new", "old"])
    processor.process(make_request(*parts, language="en", callback_url="https://rooms.example.com/cb"))
    (request,) = stub.requests
    assert request.json == {
        "event": "recording.process",
        "job_id": "8a6f",
        "language": "en",
        "callback_url": "https://rooms.example.com/cb",
        "audio": [
            {
                "url": "https://rooms.example.com/Ada",
                "speaker": "Ada",
                "offset": 0.0,
                "duration": 61.5,
                "content_type": "audio/webm",
            },
            {
                "url": "https://rooms.example.com/Bo",
                "speaker": "Bo",
                "offset": 3.25,
                "duration": 10.0,
                "content_type": "audio/webm",
            },
        ],
    }
    assert request.headers["idempotency-key"] == "8a6f"
    assert request.headers["x-webhook-event"] == "recording.process"
    assert matches_stamped(["new"], request.body, request.headers["x-webhook-signature"])
    assert not matches_stamped(["old"], request.body, request.headers["x-webhook-signature"])


def test_a_job_is_sent_again_when_the_service_stumbles(stub):
    stub.on("POST", "/jobs", Answer(503), Answer(200, json={"ok": True}))
    HttpProcessor(f"{stub.url}/jobs", ["s"]).process(make_request(part(b"")))
    assert len({request.json["job_id"] for request in stub.requests}) == 1


@pytest.mark.parametrize(("status", "error"), [(500, PlatformUnavailable), (422, PlatformRejected)])
def test_a_job_that_is_not_accepted_is_an_error(stub, status, error):
    stub.on("POST", "/jobs", Answer(status))
    with pytest.raises(error):
        HttpProcessor(f"{stub.url}/jobs", ["s"]).process(make_request(part(b"")))


def test_a_job_is_never_sent_unsigned(stub):
    with pytest.raises(PlatformNotConfigured, match="RECORDING_PROCESSOR_SECRET"):
        HttpProcessor(f"{stub.url}/jobs", []).process(make_request(part(b"")))
    assert stub.requests == []


# On this machine


def test_a_processor_of_ones_own_must_say_what_it_does():
    with pytest.raises(NotImplementedError):
        Processor().process(make_request())


def test_a_pause_at_the_end_is_left_out():
    (chunk,) = chunks(media("webm", [Sound(0, 2), silence(2, 6)]), longest=60)
    assert chunk.duration == pytest.approx(2.5, abs=0.2)
