import io
import re
import threading
from itertools import chain

import flask
import pytest
import requests
from werkzeug.serving import make_server

from platforms.sandbox.media import transcription
from recordings.transcription.processors.base import AudioPart, TranscriptionRequest
from recordings.transcription.processors.openai import OpenAIProcessor
from tests.support.media import Sound, media, silent, video_only


@pytest.fixture
def address():
    app = flask.Flask("test")
    app.register_blueprint(transcription.routes())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.port}/transcription/v1"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def transcribe(address):
    def send(content, key="sandbox", **fields):
        data = {"model": "sandbox", "response_format": "verbose_json", **fields}
        files = {} if content is None else {"file": ("audio.mp3", content, "audio/mpeg")}
        headers = {"Authorization": f"Bearer {key}"}
        return requests.post(f"{address}/audio/transcriptions", data=data, files=files, headers=headers, timeout=10)

    return send


def spoken(*sounds, container="mp3"):
    return media(container, sounds)


def pitch(segment):
    return float(re.search(r"near (\d+) hertz", segment["text"])[1])


def test_it_tells_when_there_was_sound_and_how_high(transcribe):
    answer = transcribe(
        spoken(Sound(0, 1.0, amplitude=0), Sound(1, 2.0, 440), Sound(3, 2.0, amplitude=0), Sound(5, 1.5, 880))
    ).json()
    first, second = answer["segments"]
    assert (first["start"], first["end"]) == (pytest.approx(1, abs=0.1), pytest.approx(3, abs=0.1))
    assert (second["start"], second["end"]) == (pytest.approx(5, abs=0.1), pytest.approx(6.5, abs=0.1))
    assert answer["duration"] == pytest.approx(6.5, abs=0.2)
    assert answer["text"] == f"{first['text']} {second['text']}"
    assert first["text"].startswith("Sandbox transcript: sound from 1.0 to 3.")
    for segment, frequency in ((first, 440), (second, 880)):
        assert pitch(segment) == pytest.approx(frequency, rel=0.05)


@pytest.mark.parametrize("container", ["mp3", "mp4", "webm", "wav", "ogg", "flac"])
def test_it_reads_what_the_real_one_reads(transcribe, container):
    [segment] = transcribe(spoken(Sound(0, 2.0, 400), container=container)).json()["segments"]
    assert segment["end"] == pytest.approx(2.0, abs=0.1)


def test_short_beeps_are_one_stretch(transcribe):
    """As of Chromium's fake microphone."""
    pairs = [(Sound(at, 0.06), Sound(at + 0.06, 0.44, amplitude=0)) for at in (0.0, 0.5, 1.0, 1.5)]
    [segment] = transcribe(spoken(*chain(*pairs), container="wav")).json()["segments"]
    assert (segment["start"], segment["end"]) == (pytest.approx(0, abs=0.05), pytest.approx(1.56, abs=0.05))
    assert pitch(segment) == pytest.approx(400, rel=0.05)


def test_long_sound_is_parted(transcribe):
    segments = transcribe(spoken(Sound(0, 65.0))).json()["segments"]
    assert [segment["start"] for segment in segments] == pytest.approx([0, 30, 60], abs=0.2)


def test_silence_gives_nothing(transcribe):
    answer = transcribe(silent()).json()
    assert (answer["text"], answer["segments"]) == ("", [])


def test_simple_formats(transcribe):
    said = transcribe(spoken(Sound(0, 1.0))).json()["text"]
    assert transcribe(spoken(Sound(0, 1.0)), response_format="json").json() == {"text": said}
    assert transcribe(spoken(Sound(0, 1.0)), response_format="text").text == f"{said}\n"


@pytest.mark.parametrize(
    ("content", "fields", "status", "said"),
    [
        (b"abc", {"key": "wrong"}, 401, "API key"),
        (None, {}, 400, "'file'"),
        (spoken(Sound(0, 1.0)), {"model": ""}, 400, "'model'"),
        (spoken(Sound(0, 1.0)), {"response_format": "srt"}, 400, "response_format"),
        (b"no media", {}, 400, "corrupted"),
        (b"", {}, 400, "corrupted"),
        (video_only(), {}, 400, "corrupted"),
    ],
)
def test_what_it_refuses(transcribe, content, fields, status, said):
    answer = transcribe(content, **fields)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_without_a_key_nothing_is_heard(address):
    assert requests.post(f"{address}/audio/transcriptions", timeout=10).status_code == 401


def test_the_products_own_processor_understands_it(address):
    content = spoken(Sound(0, 1.0, amplitude=0), Sound(1, 2.0, 440), container="webm")
    processor = OpenAIProcessor(address, "sandbox", "sandbox")
    part = AudioPart(lambda: io.BytesIO(content), lambda: "", "Ada", offset=10.0, duration=3.0)
    result = processor.process(TranscriptionRequest("one", [part]))
    [segment] = result.segments
    assert (segment.start, segment.end) == (pytest.approx(11, abs=0.1), pytest.approx(13, abs=0.1))
    assert segment.speaker == "Ada"
    assert "hertz" in segment.text
