"""A transcription service that understands no word, and says so: it tells when there was sound, and how high.

As OpenAI's: https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

import hmac
import math
import operator
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import IO, Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from platforms.sandbox.media.sound import NoSound, blocks, samples

KEY = "sandbox"
FORMATS = ("json", "verbose_json", "text")
RATE = 16000  # samples per second
WINDOW_SECONDS = 0.02  # in which loudness is measured
AUDIBLE = 100.0  # of 32767, about -50 dB
PAUSE_SECONDS = 0.8  # of silence between two stretches
LONGEST_SECONDS = 30.0  # of a stretch, as people's sentences end too


@dataclass(frozen=True)
class Window:
    start: float  # seconds
    loudness: float
    crossings: int  # of zero


@dataclass(frozen=True)
class Stretch:
    """Sound from `start` to `end`, in seconds; `pitch` in hertz, as far as it can be told by counting."""

    start: float
    end: float
    pitch: float

    @property
    def text(self) -> str:
        return (
            f"Sandbox transcript: sound from {self.start:.1f} to {self.end:.1f} seconds, near {self.pitch:.0f} hertz."
        )


def routes() -> Blueprint:
    blueprint = Blueprint("transcription", __name__, url_prefix="/transcription/v1")
    blueprint.add_url_rule("/audio/transcriptions", view_func=transcribe, methods=["POST"])
    return blueprint


def transcribe() -> ResponseReturnValue:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not hmac.compare_digest(key.strip().encode(), KEY.encode()):
        return _error(401, "Incorrect API key provided.", "invalid_api_key")
    upload = request.files.get("file")
    if upload is None:
        return _error(400, "'file' is a required property")
    if not request.form.get("model"):
        return _error(400, "'model' is a required property")
    kind = request.form.get("response_format", "json")
    if kind not in FORMATS:
        return _error(400, f"'response_format' must be one of {', '.join(FORMATS)}")
    try:
        with closing(upload):
            duration, stretches = listen(upload.stream)
    except NoSound:
        return _error(400, "Audio file might be corrupted or unsupported")
    return _answer(kind, duration, stretches, request.form.get("language") or "english")


def listen(file: IO[bytes]) -> tuple[float, list[Stretch]]:
    """The length in seconds, and what is heard. Raises NoSound."""
    windows = list(_windows(samples(file, RATE)))
    return round(len(windows) * WINDOW_SECONDS, 2), [_measured(group) for group in _groups(windows)]


def _windows(pieces: Iterable[bytes]) -> Iterator[Window]:
    size = round(RATE * WINDOW_SECONDS)
    last = 0
    for number, block in enumerate(blocks(pieces, size)):
        values = array("h", block)
        loudness = math.sqrt(sum(map(operator.mul, values, values)) / len(values))
        yield Window(number * WINDOW_SECONDS, loudness, _crossings(last, values) if loudness > AUDIBLE else 0)
        last = values[-1]


def _crossings(last: int, values: Sequence[int]) -> int:
    return sum((before < 0) != (after < 0) for before, after in pairwise(chain((last,), values)))


def _groups(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """The audible ones, parted where there is a pause."""
    group: list[Window] = []
    for window in windows:
        if window.loudness <= AUDIBLE:
            continue
        if group and (
            window.start - group[-1].start > PAUSE_SECONDS or window.start - group[0].start > LONGEST_SECONDS
        ):
            yield group
            group = []
        group.append(window)
    if group:
        yield group


def _measured(group: list[Window]) -> Stretch:
    """Sound crosses zero twice in each of its waves; where it begins and ends, a window has only part of it."""
    loudest = max(window.loudness for window in group)
    full = [window.crossings for window in group if window.loudness >= loudest / 2]
    pitch = sum(full) / 2 / (len(full) * WINDOW_SECONDS)
    return Stretch(round(group[0].start, 2), round(group[-1].start + WINDOW_SECONDS, 2), pitch)


def _answer(kind: str, duration: float, stretches: list[Stretch], language: str) -> ResponseReturnValue:
    text = " ".join(stretch.text for stretch in stretches)
    if kind == "text":
        return Response(text + "\n", mimetype="text/plain")
    if kind == "json":
        return jsonify({"text": text})
    segments = [_segment(number, stretch) for number, stretch in enumerate(stretches)]
    return jsonify(
        {"task": "transcribe", "language": language, "duration": duration, "text": text, "segments": segments}
    )


def _segment(number: int, stretch: Stretch) -> dict[str, Any]:
    return {
        "id": number,
        "seek": 0,
        "start": stretch.start,
        "end": stretch.end,
        "text": stretch.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": 0.0,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    }


def _error(status: int, message: str, code: str | None = None) -> ResponseReturnValue:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return jsonify({"error": error}), status
