"""Transcription on this machine with faster-whisper, which has a lock file of its own: make speech.

The model lives in a process of its own (`whisper_process`): one for each worker, from its first recording until it has
been idle for a while. So a worker that transcribes nothing is small, and a file that kills the model kills no worker.

https://github.com/SYSTRAN/faster-whisper
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

from platforms.exceptions import PlatformUnavailable
from recordings.transcription.processors.base import ModelMissing, Result, Segment, TranscriptionRequest, Word
from recordings.transcription.processors.chunks import Chunk, ChunkedProcessor, Heard
from recordings.transcription.processors.languages import LANGUAGES, as_whisper_knows_it, language_code, language_name
from recordings.transcription.processors.word_times import words_of

PACKAGE = "faster_whisper"
MISSING = "faster-whisper is not installed: make speech, or pip install faster-whisper."
NO_MODEL = "WHISPER_MODEL names a folder that holds no model: {}"
ENGLISH_ONLY = (
    "The speech model understands English only, so what was said in another language is not written down rightly."
)
OTHER_LANGUAGE = (
    "The language seems to be {heard}, but it was written down as {language}, so most of it is not what was said."
)
UNCERTAIN = "Many words could not be told for certain: they may be in another language, or hard to hear."
UNCERTAIN_ENGLISH = (
    "Many words could not be told for certain: they may be hard to hear, or in another language than English, "
    "which is the only one that the speech model understands."
)
UNHEARD = "Somebody spoke, but no words could be told: they may be in another language, or hard to hear."
UNHEARD_ENGLISH = (
    "Somebody spoke, but no words could be told: they may be hard to hear, or in another language than English, "
    "which is the only one that the speech model understands."
)
CERTAIN = 0.7  # below this certainty it is said; English has 0.87 and more also with noise, others 0.66 and less
FEWEST_SECONDS = 5.0  # of speech, which tell something about all
UNKNOWN_LANGUAGE = "The speech model does not know the language that was chosen, and wrote down what it made of it."
ENGLISH_NAME = re.compile(r"\.en([-_.]|$)")  # tiny.en, distil-whisper/distil-small.en
SMALLEST_VOCABULARY = 51865  # words of a model for more than English, by which faster-whisper tells it, too
IDLE_SECONDS = 300.0  # after which the model's memory is given back
PROGRAM = Path(__file__).with_name("whisper_process.py")


class ModelProcess:
    """A running `whisper_process`. What reads of it raises PlatformUnavailable where it has ended."""

    def __init__(self, arguments: list[str]) -> None:
        self._model = arguments[0]
        # -P: its folder is no place for imports.
        command = [sys.executable, "-P", str(PROGRAM), *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self._questions = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)

    @property
    def is_there(self) -> bool:
        return self._process.poll() is None

    def wait_until_loaded(self) -> bool:
        """Whether the model knows more than English. Raises ModelMissing where it cannot be loaded."""
        ready = self._read()
        if "error" in ready:
            raise ModelMissing(f"The speech model {self._model!r} cannot be loaded: {ready['error']}")
        return bool(ready["multilingual"])

    def ask(self, question: dict[str, Any], sound: bytes) -> dict[str, Any]:
        """Raises BrokenPipeError where it had ended before."""
        self._questions.write(json.dumps(question).encode() + b"\n" + sound)
        self._questions.flush()
        return self._read()

    def end(self) -> None:
        self._process.kill()
        with suppress(BrokenPipeError):
            self._questions.close()
        self._answers.close()
        self._process.wait()

    def _read(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            status = self._process.wait()
            raise PlatformUnavailable(f"The speech model's process ended by itself (exit status {status}).")
        answer: dict[str, Any] = json.loads(line)
        return answer


class WhisperProcessor(ChunkedProcessor):
    """`model` is a name that faster-whisper knows, or a folder; `device` is auto, cpu or cuda."""

    def __init__(
        self, model: str, device: str = "auto", compute_type: str = "auto", idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self.model = model
        self._arguments = [model, device, compute_type, str(idle_seconds)]
        self._lock = threading.Lock()
        self._running: ModelProcess | None = None
        self._is_multilingual = True

    def problems(self) -> list[str]:
        if not importlib.util.find_spec(PACKAGE):
            return [MISSING]
        is_folder = os.sep in self.model and (self.model.startswith((os.sep, ".")) or Path(self.model).exists())
        return [NO_MODEL.format(self.model)] if is_folder and not Path(self.model, "model.bin").is_file() else []

    def languages(self) -> Sequence[str]:
        return ("en",) if understands_english_only(self.model) else tuple(LANGUAGES)

    def process(self, request: TranscriptionRequest) -> Result:
        if problems := self.problems():
            raise ModelMissing(problems[0])
        known = request.language if as_whisper_knows_it(request.language) else ""
        result = super().process(replace(request, language=known))
        return replace(result, note=self._note(request.language, result))

    def _note(self, named: str, result: Result) -> str:
        """`named` is the language that somebody says it is in."""
        is_uncertain = result.spoken >= FEWEST_SECONDS and result.certainty < CERTAIN
        knows_english_only = not self._is_multilingual or understands_english_only(self.model)
        if not result.segments:
            return (UNHEARD_ENGLISH if knows_english_only else UNHEARD) if is_uncertain else result.note
        if knows_english_only and named not in ("", "en"):
            return ENGLISH_ONLY
        if named and not as_whisper_knows_it(named):
            return UNKNOWN_LANGUAGE
        if named and result.heard != named:
            return OTHER_LANGUAGE.format(heard=language_name(result.heard), language=language_name(named))
        return (UNCERTAIN_ENGLISH if knows_english_only else UNCERTAIN) if is_uncertain else ""

    def transcribe(self, chunk: Chunk, language: str) -> Heard:
        with self._lock:
            answer = self._ask({"language": as_whisper_knows_it(language), "bytes": len(chunk.mp3)}, chunk.mp3)
        segments = [
            Segment(start, end, "", text, words_of(map(Word._make, words)))
            for start, end, text, words in answer["segments"]
        ]
        return Heard(language_code(answer["language"]), segments, answer["spoken"], answer["certainty"])

    def close(self) -> None:
        """End the model's process now; a later recording starts another."""
        with self._lock:
            self._forget()

    def _ask(self, question: dict[str, Any], sound: bytes) -> dict[str, Any]:
        process = self._running if self._running and self._running.is_there else self._start()
        try:
            return process.ask(question, sound)
        except BrokenPipeError:  # its idle time was over just now
            return self._start().ask(question, sound)

    def _start(self) -> ModelProcess:
        self._forget()
        self._running = process = ModelProcess(self._arguments)
        try:
            self._is_multilingual = process.wait_until_loaded()
        except (ModelMissing, PlatformUnavailable):
            self._forget()
            raise
        return process

    def _forget(self) -> None:
        if self._running:
            self._running.end()
        self._running = None


@cache
def understands_english_only(model: str) -> bool:
    """As far as can be told without loading it."""
    folder = Path(model)
    if (words := folder / "vocabulary.json").is_file():
        return len(json.loads(words.read_text())) < SMALLEST_VOCABULARY
    if (words := folder / "vocabulary.txt").is_file():
        return words.read_bytes().rstrip().count(b"\n") + 1 < SMALLEST_VOCABULARY
    return ENGLISH_NAME.search(model) is not None
