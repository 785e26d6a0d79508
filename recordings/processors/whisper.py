"""Transcription on this machine with faster-whisper, which is not installed with the rest: pip install faster-whisper.

https://github.com/SYSTRAN/faster-whisper
"""

import importlib
import importlib.util
import io
import threading
from collections.abc import Iterable
from typing import Any

from platforms.exceptions import PlatformNotConfigured
from recordings.processors.base import Job, Result, Segment
from recordings.processors.chunks import Chunk, ChunkedProcessor, Heard

PACKAGE = "faster_whisper"
MISSING = "faster-whisper is not installed: pip install faster-whisper."


class WhisperProcessor(ChunkedProcessor):
    """`model` is a name that faster-whisper knows, or a folder; `device` is auto, cpu or cuda."""

    def __init__(self, model: str, device: str = "auto", compute_type: str = "default") -> None:
        self.model = model
        self.device = device
        self.compute_type = compute_type
        self._lock = threading.Lock()
        self._loaded: Any = None

    def problems(self) -> list[str]:
        return [] if importlib.util.find_spec(PACKAGE) else [MISSING]

    def process(self, job: Job) -> Result:
        if problems := self.problems():
            raise PlatformNotConfigured(problems[0])
        return super().process(job)

    def transcribe(self, chunk: Chunk, language: str) -> Heard:
        segments, info = self._load().transcribe(io.BytesIO(chunk.mp3), language=language or None, vad_filter=True)
        return Heard(info.language, segments_of(segments))

    def _load(self) -> Any:
        """The model is large: it is loaded when it is first used, once in a process."""
        with self._lock:
            if self._loaded is None:
                whisper = importlib.import_module(PACKAGE)
                self._loaded = whisper.WhisperModel(self.model, device=self.device, compute_type=self.compute_type)
            return self._loaded


def segments_of(segments: Iterable[Any]) -> list[Segment]:
    """Those of faster-whisper, which are made while they are iterated over."""
    return [Segment(float(segment.start), float(segment.end), "", segment.text) for segment in segments]
