"""Who speaks in a transcript, for how long, and when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from platforms.visible import visible
from recordings.media.waveform import POINTS
from recordings.models import Transcript
from recordings.pages.clock import as_words
from recordings.pages.transcript.lines import COLOURS
from recordings.transcripts.formats import name_of

Stretch = tuple[float, float, int]  # first and last second, and who speaks


@dataclass(frozen=True)
class Voice:
    """Somebody who speaks; `sample` is where, in seconds, there is most of them to hear at once."""

    number: int
    name: str
    is_named: bool
    colour: int
    time: str
    sample: float


def voices_of(stretches: Iterable[Stretch], names: dict[int, str]) -> list[Voice]:
    """Everybody who is named or speaks, with how long; who speaks most comes first."""
    by_speaker: dict[int, list[Stretch]] = {speaker: [] for speaker in names}
    for stretch in stretches:
        by_speaker.setdefault(stretch[2], []).append(stretch)
    times = {speaker: sum(map(_length, own)) for speaker, own in by_speaker.items()}
    return [
        Voice(
            number=speaker,
            name=name_of(speaker, names),
            is_named=speaker in names,
            colour=speaker % COLOURS,
            time=as_words(times[speaker]),
            sample=max(by_speaker[speaker], key=_length)[0] if by_speaker[speaker] else 0.0,
        )
        for speaker in sorted(by_speaker, key=lambda speaker: -times[speaker])
    ]


def people_of(transcript: Transcript, names: dict[int, str]) -> list[str]:
    """Who was in the meeting, as names that a voice may get; those which one has already come last."""
    recording = transcript.recording
    if recording is None or recording.meeting is None:
        return []
    sessions = recording.meeting.sessions.filter(is_bot=False).values_list("user_name", flat=True)
    people = dict.fromkeys(name for name in map(visible, sessions) if name)
    return sorted(people, key=lambda name: name in names.values())


def colours_of(stretches: Sequence[Stretch], duration: float) -> str:
    """For each point of the waveform the colour of who speaks most then: a digit, or a dash where nobody does."""
    shares: list[dict[int, float]] = [{} for _ in range(POINTS)]
    width = duration / POINTS
    for start, end, speaker in stretches if width > 0 else ():
        for point in range(max(0, int(start / width)), min(POINTS, int(end / width) + 1)):
            share = min(end, (point + 1) * width) - max(start, point * width)
            shares[point][speaker % COLOURS] = shares[point].get(speaker % COLOURS, 0.0) + max(0.0, share)
    return "".join(str(max(share, key=lambda colour: share[colour])) if share else "-" for share in shares)


def _length(stretch: Stretch) -> float:
    return max(0.0, stretch[1] - stretch[0])
