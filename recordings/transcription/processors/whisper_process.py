"""The process that holds a speech model. It imports nothing of the product, so that all its memory is the model's.

It first says whether it is ready, then answers each question of its standard input, until that ends or is idle:

    -> {"language": "en", "bytes": 48000} and a line end, then as many bytes of sound
    <- {"language": "en", "spoken": 1.5, "certainty": 0.93,
        "segments": [[0.0, 1.5, " Good morning.", [[0.0, 0.6, " Good"], ...]]]} on one line, and its end

The language is the one that it hears; that of the question, where it cannot tell. So many seconds are spoken, and the
certainty is of the words for them, from 0 to 1.
"""

import importlib
import io
import json
import os
import select
import sys
from pathlib import Path
from typing import IO, Any

THREADS = 4  # more hardly help a model of any size
RATE = 16000  # samples per second, which every model wants
DETECTED_PARTS = 4  # half minutes at most by which a language is told
DETECTED_SURELY = 0.85  # of 1; people are told right with 0.88 and more, what is told wrong has less


def serve(whisper: Any, model: Any, questions: IO[bytes], answers: IO[bytes], idle_seconds: float) -> None:
    while select.select([questions], [], [], idle_seconds)[0]:
        line = questions.readline()
        if not line:
            return
        question = json.loads(line)
        sound = whisper.decode_audio(io.BytesIO(_exactly(questions, question["bytes"])), sampling_rate=RATE)
        language = question["language"] if model.model.is_multilingual else "en"
        found, info = model.transcribe(sound, language=language or None, vad_filter=True, word_timestamps=True)
        segments = list(found)
        said = [[float(s.start), float(s.end), s.text, _words(s)] for s in segments]
        heard = info.language
        if segments and language and model.model.is_multilingual:
            heard = _language_of(model, sound[int(segments[0].start * RATE) :]) or language
        figures = {"spoken": float(info.duration_after_vad), "certainty": _certainty(segments)}
        _tell(answers, {"language": heard, **figures, "segments": said})


def _language_of(model: Any, sound: Any) -> str:
    """Empty where the model cannot tell."""
    language, probability, _ = model.detect_language(sound, language_detection_segments=DETECTED_PARTS)
    return str(language) if probability >= DETECTED_SURELY else ""


def _certainty(segments: list[Any]) -> float:
    words = [float(word.probability) for segment in segments for word in segment.words or []]
    return sum(words) / len(words) if words else 0.0


def _words(segment: Any) -> list[list[Any]]:
    return [[float(word.start), float(word.end), word.word] for word in segment.words or []]


def _exactly(file: IO[bytes], count: int) -> bytes:
    """All of them, also where they come in pieces."""
    content = bytearray()
    while len(content) < count:
        piece = file.read(count - len(content))
        if not piece:
            raise EOFError
        content += piece
    return bytes(content)


def _tell(answers: IO[bytes], what: dict[str, Any]) -> None:
    answers.write(json.dumps(what).encode() + b"\n")
    answers.flush()


def _load(model: str, device: str, compute_type: str) -> tuple[Any, Any]:
    """The package, and a model of it."""
    if Path(model).is_dir():
        os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is looked for elsewhere
    whisper = importlib.import_module("faster_whisper")
    threads = min(THREADS, os.cpu_count() or 1)
    return whisper, whisper.WhisperModel(model, device=device, compute_type=compute_type, cpu_threads=threads)


def main(model: str, device: str, compute_type: str, idle_seconds: str) -> None:
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    questions = os.fdopen(sys.stdin.fileno(), "rb", buffering=0)
    try:
        whisper, loaded = _load(model, device, compute_type)
    except Exception as error:  # noqa: BLE001  (told to the worker, which raises)
        _tell(answers, {"error": f"{type(error).__name__}: {error}"})
        return
    _tell(answers, {"multilingual": loaded.model.is_multilingual})
    serve(whisper, loaded, questions, answers, float(idle_seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
