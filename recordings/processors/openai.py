"""Transcription by any service that has OpenAI's /audio/transcriptions.

https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.conf.locale import LANG_INFO

from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.http import Limits, ProviderAPI
from platforms.reading import mapping, number, text
from recordings.processors.base import Job, Result, Segment
from recordings.processors.chunks import LONGEST, Chunk, ChunkedProcessor, Heard

CONNECT_TIMEOUT = 10.0  # seconds
LONGEST_WAIT = 60.0  # seconds that are waited when the service asks for it; for more the whole job is put off
TEXT_LIMIT = 20_000  # characters of a segment
PATH = "/audio/transcriptions"


class OpenAIProcessor(ChunkedProcessor):
    """`timeout` is in seconds, for one chunk of `chunk_seconds`; not every service needs an `api_key`."""

    def __init__(
        self, api_url: str, model: str, api_key: str = "", timeout: float = 600, chunk_seconds: float = LONGEST
    ) -> None:
        self.api_url = api_url
        self.model = model
        self.timeout = timeout
        self.chunk_seconds = chunk_seconds
        # Some models give only the text: then a chunk is one segment.
        self._format = "verbose_json"
        self._api = ProviderAPI("", "The transcription service", api_url, api_key, limits=self._limits)

    def problems(self) -> list[str]:
        missing = {"TRANSCRIPTION_API_URL": self.api_url, "TRANSCRIPTION_MODEL": self.model}
        return [f"Recordings cannot be transcribed: set {name}." for name, value in missing.items() if not value]

    def process(self, job: Job) -> Result:
        if problems := self.problems():
            raise PlatformNotConfigured(problems[0])
        return super().process(job)

    def transcribe(self, chunk: Chunk, language: str) -> Heard:
        try:
            answer = self._ask(chunk, language)
        except PlatformRejected as error:
            if error.status != 400 or self._format == "json" or "response_format" not in str(error):
                raise
            self._format = "json"
            answer = self._ask(chunk, language)
        if not isinstance(answer, dict) or ("text" not in answer and "segments" not in answer):
            raise PlatformUnavailable("The transcription service answered without a text.")
        return Heard(_language_code(text(answer, "language")) or language, list(_segments(answer, chunk)))

    def _ask(self, chunk: Chunk, language: str) -> Any:
        fields = {"model": self.model, "response_format": self._format}
        if language:
            fields["language"] = language
        files = {"file": ("audio.mp3", chunk.mp3, "audio/mpeg")}
        return self._api.request("POST", PATH, repeatable=True, data=fields, files=files)

    def _limits(self) -> Limits:
        return Limits(CONNECT_TIMEOUT, self.timeout, self.timeout * 2, LONGEST_WAIT)


def _segments(answer: Mapping[str, Any], chunk: Chunk) -> Iterator[Segment]:
    segments = answer.get("segments")
    if not isinstance(segments, list) or not segments:
        yield Segment(0.0, chunk.duration, "", text(answer, "text", limit=TEXT_LIMIT))
        return
    for segment in map(mapping, segments):
        start, end = number(segment.get("start")), number(segment.get("end"))
        start = 0.0 if start is None else start
        said = text(segment, "text", limit=TEXT_LIMIT)
        yield Segment(start, chunk.duration if end is None else end, text(segment, "speaker"), said)


def _language_code(language: str) -> str:
    """The service says "english" where a code is wanted; some services say "en"."""
    return _codes().get(language.lower(), language.lower() if len(language) <= 3 else "")


@cache
def _codes() -> dict[str, str]:
    return {info["name"].lower(): code for code, info in LANG_INFO.items() if "name" in info}
