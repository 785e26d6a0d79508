"""A transcript as a file, and names of files by which people find them again."""

import json
import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from platforms.visible import visible
from recordings.models import Transcript
from recordings.transcripts import formats
from recordings.transcripts.formats import as_json, as_markdown, as_srt, as_text, as_webvtt, speaker_names

LONGEST_NAME = 120  # characters, without the ending
# What some file system takes for its own.
UNFIT = re.compile(r'[<>:"/\\|?*]')


@dataclass(frozen=True)
class Kind:
    label: str | Promise
    content_type: str


@dataclass(frozen=True)
class File:
    name: str
    content_type: str
    content: str


ENDINGS = {
    "txt": Kind(gettext_lazy("Text"), "text/plain; charset=utf-8"),
    "md": Kind("Markdown", "text/markdown; charset=utf-8"),
    "vtt": Kind(gettext_lazy("Subtitles (WebVTT)"), "text/vtt; charset=utf-8"),
    "srt": Kind(gettext_lazy("Subtitles (SRT)"), "application/x-subrip; charset=utf-8"),
    "json": Kind("JSON", "application/json"),
}


def file_of(transcript: Transcript, ending: str) -> File:
    """`ending` is a key of ENDINGS."""
    return File(f"{name_of(transcript)}.{ending}", ENDINGS[ending].content_type, content_of(transcript, ending))


def name_of(transcript: Transcript) -> str:
    """Without an ending."""
    return fit(f"{transcript.recorded_at:%Y-%m-%d} {transcript}")


def fit(name: str) -> str:
    """As every file system takes it."""
    return " ".join(UNFIT.sub(" ", name).split())[:LONGEST_NAME].rstrip(" .")


def content_of(transcript: Transcript, ending: str) -> str:
    segments, names = list(transcript.segments.defer("words")), speaker_names(transcript)
    match ending:
        case "vtt":
            return as_webvtt(segments, names)
        case "srt":
            return as_srt(segments, names)
        case "json":
            return json.dumps(_about(transcript, names) | {"segments": as_json(segments, names)}, ensure_ascii=False)
        case "md":
            return f"# {_title(transcript)}\n\n{_when_and_who(transcript)}\n\n{as_markdown(segments, names)}"
    return f"{_title(transcript)}\n{_when_and_who(transcript)}\n\n{as_text(segments, names, timestamps=True)}\n"


def _title(transcript: Transcript) -> str:
    return " ".join(str(transcript).split())


def _about(transcript: Transcript, names: dict[int, str]) -> dict[str, object]:
    return {
        "title": _title(transcript),
        "room": transcript.room.name if transcript.room else None,
        "created_at": transcript.created_at.isoformat(),
        "recorded_at": transcript.recorded_at.isoformat(),
        "speakers": _speakers(transcript, names),
    }


def _speakers(transcript: Transcript, names: dict[int, str]) -> list[str]:
    spoke = set(transcript.segments.values_list("speaker", flat=True).order_by())
    return [visible(formats.name_of(speaker, names)) for speaker in sorted(spoke | set(names))]


def _when_and_who(transcript: Transcript) -> str:
    people = ", ".join(_speakers(transcript, speaker_names(transcript)))
    return f"{transcript.recorded_at:%Y-%m-%d %H:%M} UTC" + (f" · {people}" if people else "")
