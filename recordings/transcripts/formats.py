"""A transcript as text, as WebVTT, as SubRip, as Markdown and as JSON."""

import html
import re
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from platforms.visible import visible
from recordings.models import Segment, Transcript

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~]")


def speaker_names(transcript: Transcript) -> dict[int, str]:
    return {p.speaker: p.name for p in transcript.participants.all() if p.speaker is not None}


def as_text(segments: Iterable[Segment], names: dict[int, str], timestamps: bool = False) -> str:
    """One line a turn: consecutive segments of one voice are one turn."""
    lines = []
    for turn in turns(segments):
        said = " ".join(segment.text.strip() for segment in turn)
        line = f"{name_of(turn[0].speaker, names)}: {said}"
        lines.append(f"[{clock(turn[0].start)}] {line}" if timestamps else line)
    return "\n".join(lines)


def as_webvtt(segments: Iterable[Segment], names: dict[int, str]) -> str:
    """https://www.w3.org/TR/webvtt1/: a cue for each segment, with its voice."""
    cues = ["WEBVTT"]
    for segment in segments:
        times = f"{_vtt_time(segment.start)} --> {_vtt_time(max(segment.end, segment.start + 0.001))}"
        # Escaped is > as well: a line with --> would be the times of a next cue.
        said = html.escape(" ".join(segment.text.split()), quote=False)
        voice = " ".join(name_of(segment.speaker, names).split()).replace(">", "").replace("&", "&amp;")
        cues.append(f"{times}\n<v {voice}>{said}")
    return "\n\n".join(cues) + "\n"


def as_srt(segments: Iterable[Segment], names: dict[int, str]) -> str:
    """SubRip: as WebVTT, with numbers, a comma before the milliseconds, and names as text."""
    cues = []
    for number, segment in enumerate(segments, start=1):
        start, end = (
            _vtt_time(time).replace(".", ",") for time in (segment.start, max(segment.end, segment.start + 0.001))
        )
        said = " ".join(segment.text.split()).replace("-->", "->")
        cues.append(f"{number}\n{start} --> {end}\n{name_of(segment.speaker, names)}: {said}\n")
    return "\n".join(cues)


def as_markdown(segments: Iterable[Segment], names: dict[int, str]) -> str:
    """A paragraph a turn, with its time and its speaker's name. What Markdown would take for its own is escaped."""
    paragraphs = []
    for turn in turns(segments):
        said = " ".join(segment.text.strip() for segment in turn)
        paragraphs.append(f"**{_plain(name_of(turn[0].speaker, names))}** ({clock(turn[0].start)}): {_plain(said)}")
    return "\n\n".join(paragraphs) + "\n"


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def as_json(segments: Iterable[Segment], names: dict[int, str]) -> list[dict[str, object]]:
    return [
        {
            "speaker": segment.speaker,
            "speaker_name": name_of(segment.speaker, names),
            "text": segment.text,
            "start": segment.start,
            "end": segment.end,
        }
        for segment in segments
    ]


def turns(segments: Iterable[Segment]) -> Sequence[list[Segment]]:
    found: list[list[Segment]] = []
    for segment in segments:
        if found and found[-1][0].speaker == segment.speaker:
            found[-1].append(segment)
        else:
            found.append([segment])
    return found


def name_of(speaker: int, names: dict[int, str]) -> str:
    """People count from one, the voices' numbers from zero."""
    return visible(names.get(speaker, "")) or _("Speaker {speaker}").format(speaker=speaker + 1)


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def _vtt_time(seconds: float) -> str:
    milliseconds = round(max(0.0, seconds) * 1000)
    rest, milliseconds = divmod(milliseconds, 1000)
    minutes, rest = divmod(rest, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}.{milliseconds:03}"
