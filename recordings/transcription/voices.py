"""Which number each voice of a result has in a transcript, so that a name stays with the person whose it is.

Processors tell voices apart by labels. One that names a person means the same person in every result; one such as
"A", "SPEAKER_01" or none at all means something in one result alone, and is known again by when it spoke.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from recordings.models import Transcript, TranscriptParticipant
from recordings.transcription.processors.base import Segment as Said
from recordings.transcription.processors.labels import is_anonymous

Times = Sequence[tuple[float, float]]  # stretches in which a voice spoke, in seconds

# Of the time in which a voice speaks and somebody was heard before: so much must have been one voice's.
SURE = 0.9
# Of the time in which the former voice spoke: so much must be the new voice's, as two may have been taken for one.
MOST = 0.5


def number_voices(transcript: Transcript, said: Sequence[Said], persons: Mapping[str, str]) -> dict[str, int]:
    """The number of each label of a result that takes the place of the segments that are there.

    `persons` has the labels that are known to be one person's each, with what that person was called before.
    """
    known, times = labels_of(transcript), _times_of(said)
    numbers = {label: number for label, number in known.items() if label in times and _is_person(label, persons)}
    for label in times.keys() & persons.keys() - numbers.keys():
        former = persons[label]
        if former in known and former not in times:
            numbers[label] = known[former]
    before = _times_before(transcript)
    for label in (label for label in times if not _is_person(label, persons)):
        number = _heard_before(times[label], before)
        if number is not None and number not in numbers.values():
            numbers[label] = number
    free = _free_numbers(transcript)
    return {label: numbers[label] if label in numbers else next(free) for label in times}


def name_voices(transcript: Transcript, numbers: Mapping[str, int], persons: Mapping[str, str]) -> None:
    """Names that people gave stay with their numbers; those that a result gave follow the new one."""
    known = labels_of(transcript)
    named = {p.speaker: p for p in transcript.participants.all() if p.speaker is not None}
    for number, participant in named.items():
        if number not in numbers.values() and transcript.voices and _is_by_result(participant, known):
            participant.delete()
    for label, number in numbers.items():
        named_already = named.get(number)
        if named_already is None and label:
            named[number] = TranscriptParticipant.objects.create(transcript=transcript, speaker=number, name=label)
        elif named_already and numbers.get(named_already.name) != number and _is_by_result(named_already, known):
            _rename(named_already, label)
    lasting = {label: number for label, number in known.items() if _is_person(label, persons)}
    transcript.voices = lasting | dict(numbers)


def merge_voices(transcript: Transcript, old: int, new: int) -> None:
    transcript.voices = {label: new if n == old else n for label, n in labels_of(transcript).items()}


def forget_voices(transcript: Transcript) -> None:
    """Of another file nothing is known of who speaks: names that people gave are kept, but are no voice's."""
    transcript.segments.all().delete()
    transcript.participants.update(speaker=None)
    transcript.voices = {}


def next_number(transcript: Transcript) -> int:
    return next(_free_numbers(transcript))


def labels_of(transcript: Transcript) -> dict[str, int]:
    """Of a transcript from before labels were kept, the names are what is known of them."""
    if transcript.voices:
        return dict(transcript.voices)
    return {p.name: p.speaker for p in transcript.participants.all() if p.speaker is not None}


def _is_person(label: str, persons: Mapping[str, str]) -> bool:
    return label in persons or label in persons.values() or not is_anonymous(label)


def _free_numbers(transcript: Transcript) -> Iterator[int]:
    """Those that nobody has, or had: who comes back is to find theirs free."""
    used = {
        *transcript.voices.values(),
        *transcript.segments.order_by().values_list("speaker", flat=True).distinct(),
        *transcript.participants.values_list("speaker", flat=True),
    }
    return (number for number in count() if number not in used)


def _times_of(said: Sequence[Said]) -> dict[str, list[tuple[float, float]]]:
    """Of each label, in the order in which they are first heard."""
    times: dict[str, list[tuple[float, float]]] = {}
    for segment in said:
        times.setdefault(segment.speaker, []).append((segment.start, segment.end))
    return times


def _times_before(transcript: Transcript) -> dict[int, list[tuple[float, float]]]:
    before: dict[int, list[tuple[float, float]]] = {}
    for speaker, start, end in transcript.segments.order_by("start").values_list("speaker", "start", "end"):
        before.setdefault(speaker, []).append((start, end))
    return before


def _heard_before(times: Times, before: Mapping[int, Times]) -> int | None:
    """The voice that spoke when this one does; None where that cannot be told."""
    shared = {number: _overlap(times, others) for number, others in before.items()}
    number = max(shared, key=lambda number: shared[number], default=None)
    if number is None or not shared[number] or shared[number] < SURE * sum(shared.values()):
        return None
    return number if shared[number] > MOST * _length(before[number]) else None


def _overlap(one: Times, other: Times) -> float:
    """Seconds in which both speak; each is in order."""
    total, at = 0.0, 0
    for start, end in one:
        while at < len(other) and other[at][1] <= start:
            at += 1
        for begun, ended in other[at:]:
            if begun >= end:
                break
            total += max(0.0, min(end, ended) - max(start, begun))
    return total


def _length(times: Times) -> float:
    return sum(end - start for start, end in times)


def _is_by_result(participant: TranscriptParticipant, known: Mapping[str, int]) -> bool:
    """Whether the name is what a result called the voice, and nobody said more of the person."""
    is_as_called = known.get(participant.name) == participant.speaker
    return is_as_called and participant.user_id is None and not participant.email


def _rename(participant: TranscriptParticipant, label: str) -> None:
    if not is_anonymous(label) or is_anonymous(participant.name):
        participant.name = label or participant.name
        participant.save(update_fields=["name"])
