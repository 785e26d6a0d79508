"""The process that holds a speech model. It imports nothing of the product, so that all its memory is the model's.

It first says whether it is ready, then answers each question of its standard input, until that ends or is idle:

    -> {"language": "en", "bytes": 48000} and a line end, then as many bytes of sound
    <- {"language": "en", "segments": [[0.0, 1.5, " Good morning.", [[0.0, 0.6, " Good"], ...]]]} and a line end
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


def serve(model: Any, questions: IO[bytes], answers: IO[bytes], idle_seconds: float) -> None:
    while select.select([questions], [], [], idle_seconds)[0]:
        line = questions.readline()
        if not line:
            return
        question = json.loads(line)
        sound = io.BytesIO(_exactly(questions, question["bytes"]))
        language = question["language"] if model.model.is_multilingual else "en"
        segments, info = model.transcribe(sound, language=language or None, vad_filter=True, word_timestamps=True)
        said = [[float(s.start), float(s.end), s.text, _words(s)] for s in segments]
        _tell(answers, {"language": info.language, "segments": said})


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


def _load(model: str, device: str, compute_type: str) -> Any:
    if Path(model).is_dir():
        os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is looked for elsewhere
    whisper = importlib.import_module("faster_whisper")
    threads = min(THREADS, os.cpu_count() or 1)
    return whisper.WhisperModel(model, device=device, compute_type=compute_type, cpu_threads=threads)


def main(model: str, device: str, compute_type: str, idle_seconds: str) -> None:
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    questions = os.fdopen(sys.stdin.fileno(), "rb", buffering=0)
    try:
        loaded = _load(model, device, compute_type)
    except Exception as error:  # noqa: BLE001  (told to the worker, which raises)
        _tell(answers, {"error": f"{type(error).__name__}: {error}"})
        return
    _tell(answers, {"multilingual": loaded.model.is_multilingual})
    serve(loaded, questions, answers, float(idle_seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
