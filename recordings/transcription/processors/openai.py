"""Transcription by any service that has OpenAI's /audio/transcriptions.

https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.http.client import Limits, ProviderAPI
from platforms.payloads import number, text
from recordings.transcription.processors.base import Result, Segment, TranscriptionRequest, Word
from recordings.transcription.processors.chunks import LONGEST_SECONDS, Chunk, ChunkedProcessor, Heard
from recordings.transcription.processors.languages import LANGUAGES, language_code
from recordings.transcription.processors.word_times import aligned

CONNECT_TIMEOUT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 60.0  # that are waited when the service asks for it; for more the whole job is put off
TEXT_LIMIT = 20_000  # characters of a segment
PATH = "/audio/transcriptions"
FORMAT_WORDS = ("response_format", "verbose_json", "timestamp_granularities")  # in the refusal of a format


def is_openai(api_url: str) -> bool:
    """Whether it is OpenAI's own service, which takes nothing without a key."""
    return urlsplit(api_url).hostname == "api.openai.com"


class OpenAIProcessor(ChunkedProcessor):
    """`timeout` is in seconds, for one chunk of `chunk_seconds`; not every service needs an `api_key`.

    `languages` are the codes of those that the model can be told of.
    """

    def __init__(
        self,
        api_url: str,
        model: str,
        api_key: str = "",
        timeout: float = 600,
        chunk_seconds: float = LONGEST_SECONDS,
        languages: Sequence[str] = tuple(LANGUAGES),
    ) -> None:
        self.api_url = api_url
        self.address = api_url and f"{api_url}/models"
        self.has_key = bool(api_key)
        self.model = model
        self.timeout = timeout
        self.chunk_seconds = chunk_seconds
        self._languages = languages
        # Some models give only the text: then a chunk is one segment.
        self._format = "verbose_json"
        self._api = ProviderAPI("", "The transcription service", api_url, api_key, limits=self._limits)

    def problems(self) -> list[str]:
        missing = {
            "TRANSCRIPTION_API_URL": self.api_url,
            "TRANSCRIPTION_MODEL": self.model,
            "TRANSCRIPTION_API_KEY": self.has_key or not is_openai(self.api_url),
        }
        return [f"Recordings cannot be transcribed: set {name}." for name, value in missing.items() if not value]

    def languages(self) -> Sequence[str]:
        return self._languages

    def process(self, request: TranscriptionRequest) -> Result:
        if problems := self.problems():
            raise PlatformNotConfigured(problems[0])
        return super().process(request)

    def transcribe(self, chunk: Chunk, language: str) -> Heard:
        try:
            answer = self._ask(chunk, language)
        except PlatformRejected as error:
            if self._format == "json" or not _is_about_format(error):
                raise
            self._format = "json"
            answer = self._ask(chunk, language)
        if not isinstance(answer, dict) or not _has_text(answer):
            raise PlatformUnavailable("The transcription service answered without a text.")
        return Heard(language_code(text(answer, "language")) or language, list(_segments(answer, chunk)))

    def _ask(self, chunk: Chunk, language: str) -> Any:
        fields: dict[str, Any] = {"model": self.model, "response_format": self._format}
        if self._format == "verbose_json":
            fields["timestamp_granularities[]"] = ["word", "segment"]
        if language:
            fields["language"] = language
        files = {"file": ("audio.mp3", chunk.mp3, "audio/mpeg")}
        return self._api.request("POST", PATH, repeatable=True, data=fields, files=files)

    def _limits(self) -> Limits:
        return Limits(CONNECT_TIMEOUT_SECONDS, self.timeout, self.timeout * 2, LONGEST_WAIT_SECONDS)


def _is_about_format(error: PlatformRejected) -> bool:
    """Services refuse a format that their model lacks with 400, or with 422 where a framework checks the form."""
    return error.status in {400, 415, 422} and any(word in str(error) for word in FORMAT_WORDS)


def _has_text(answer: Mapping[str, Any]) -> bool:
    """Whether it is an answer, be it that nothing was said."""
    return isinstance(answer.get("text"), str) or answer.get("segments") == [] or bool(_dicts(answer))


def _dicts(answer: Mapping[str, Any], name: str = "segments") -> list[dict[str, Any]]:
    items = answer.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _segments(answer: Mapping[str, Any], chunk: Chunk) -> Iterator[Segment]:
    segments = _dicts(answer)
    if not segments:
        yield Segment(0.0, chunk.duration, "", text(answer, "text", limit=TEXT_LIMIT))
    said = [text(segment, "text", limit=TEXT_LIMIT) for segment in segments]
    for segment, words in zip(segments, aligned(said, _words(answer)), strict=True):
        start, end = number(segment.get("start")), number(segment.get("end"))
        start = 0.0 if start is None else start
        end = chunk.duration if end is None else end
        yield Segment(start, end, text(segment, "speaker"), text(segment, "text", limit=TEXT_LIMIT), words)


def _words(answer: Mapping[str, Any]) -> list[Word]:
    """Those of all segments; none where the service gives no times for them."""
    found = [(number(w.get("start")), number(w.get("end")), text(w, "word")) for w in _dicts(answer, "words")]
    return [Word(start, end, said) for start, end, said in found if start is not None and end is not None]
