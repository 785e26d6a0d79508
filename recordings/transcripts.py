"""From a processor's result to a transcript, and from a transcript to text."""

from collections.abc import Iterable, Sequence

from django.db import connection, transaction
from django.db.models import Max

from recordings import search
from recordings.models import Recording, Segment, Transcript, TranscriptParticipant
from recordings.processors.base import Result

BATCH = 1000  # rows written at a time


def save_result(recording: Recording, result: Result) -> Transcript:
    """The recording's transcript with what was said; the same result twice gives the same transcript.

    What people changed by hand in one that was there before (name, title, sharing) stays.
    """
    with transaction.atomic():
        transcript, _ = Transcript.objects.select_for_update().get_or_create(
            recording=recording, defaults=_defaults(recording)
        )
        transcript.status = Transcript.Status.ENDED
        transcript.duration = result.duration or recording.duration or 0
        transcript.source_language = result.language or transcript.source_language
        transcript.note = result.note
        _replace_segments(transcript, result)
        search.index(transcript, search.body_of(segment.text for segment in result.segments))
        touch(transcript)
    return transcript


def touch(transcript: Transcript) -> None:
    """Save a change, so that a client that asks what changed since its last look is told of it."""
    with transaction.atomic():
        _wait_for_other_changes()
        newest = Transcript.objects.aggregate(newest=Max("change_seq"))["newest"] or 0
        transcript.change_seq = newest + 1
        transcript.save()


def _wait_for_other_changes() -> None:
    """Changes get their numbers in the order in which they become visible, or a client would miss some.

    On SQLite the transaction itself keeps other writers out (see DATABASES).
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('recordings_transcript.change_seq'))")


def _defaults(recording: Recording) -> dict[str, object]:
    room = recording.meeting.room if recording.meeting else None
    upload = recording.kind == Recording.Kind.UPLOAD
    return {
        "user": room.owner if room else None,
        "room": room,
        "name": f"{room.name if room else recording}",
        "source_kind": Transcript.SourceKind.FILE if upload else Transcript.SourceKind.ROOM,
    }


def _replace_segments(transcript: Transcript, result: Result) -> None:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(s.speaker for s in result.segments))}
    transcript.segments.all().delete()
    Segment.objects.bulk_create(
        [
            Segment(
                transcript=transcript,
                start=segment.start,
                end=segment.end,
                speaker=numbers[segment.speaker],
                text=segment.text,
            )
            for segment in result.segments
        ],
        batch_size=BATCH,
    )
    named = {p.speaker for p in transcript.participants.all()}
    TranscriptParticipant.objects.bulk_create(
        TranscriptParticipant(transcript=transcript, speaker=number, name=name)
        for name, number in numbers.items()
        if name and number not in named
    )


def speaker_names(transcript: Transcript) -> dict[int, str]:
    return {p.speaker: p.name for p in transcript.participants.all() if p.speaker is not None}


def as_text(segments: Iterable[Segment], names: dict[int, str], timestamps: bool = False) -> str:
    """One line a turn: consecutive segments of one voice are one turn."""
    lines = []
    for turn in turns(segments):
        said = " ".join(segment.text.strip() for segment in turn)
        line = f"{name_of(turn[0].speaker, names)}: {said}"
        lines.append(f"[{_clock(turn[0].start)}] {line}" if timestamps else line)
    return "\n".join(lines)


def as_webvtt(segments: Iterable[Segment], names: dict[int, str]) -> str:
    """https://www.w3.org/TR/webvtt1/: a cue for each segment, with its voice."""
    cues = ["WEBVTT"]
    for segment in segments:
        times = f"{_vtt_time(segment.start)} --> {_vtt_time(max(segment.end, segment.start + 0.001))}"
        said = " ".join(segment.text.split()).replace("&", "&amp;").replace("<", "&lt;")
        voice = " ".join(name_of(segment.speaker, names).split()).replace(">", "").replace("&", "&amp;")
        cues.append(f"{times}\n<v {voice}>{said}")
    return "\n\n".join(cues) + "\n"


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
    return names.get(speaker, f"Speaker {speaker}")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def _vtt_time(seconds: float) -> str:
    milliseconds = round(max(0.0, seconds) * 1000)
    rest, milliseconds = divmod(milliseconds, 1000)
    minutes, rest = divmod(rest, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}.{milliseconds:03}"
