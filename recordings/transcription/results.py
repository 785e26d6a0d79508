"""From a processor's result to a transcript."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from recordings.models import Recording, Segment, Transcript, TranscriptEvent
from recordings.transcription.parts import persons_of
from recordings.transcription.processors.base import Result
from recordings.transcription.processors.base import Segment as Said
from recordings.transcription.voices import name_voices, number_voices
from recordings.transcripts import search
from recordings.transcripts.beginning import first_values

BATCH = 1000  # rows written at a time


def save_result(recording: Recording, result: Result) -> Transcript:
    """The recording's transcript with what was said; the same result twice gives the same transcript.

    What people changed by hand in one that was there before (name, title, sharing, whose a voice is) stays.
    """
    with transaction.atomic():
        transcript, _ = Transcript.objects.select_for_update().get_or_create(
            recording=recording, defaults=first_values(recording)
        )
        transcript.status = Transcript.Status.ENDED
        transcript.duration = result.duration or recording.duration or 0
        transcript.source_language = result.language or transcript.source_language
        transcript.note = result.note
        segments = sorted(result.segments, key=lambda segment: segment.start)
        _replace_segments(transcript, segments, persons_of(recording))
        search.index(transcript, search.body_of(segment.text for segment in segments))
        transcript.touch(TranscriptEvent.Kind.TOPICS)
    return transcript


def _replace_segments(transcript: Transcript, said: Sequence[Said], persons: Mapping[str, str]) -> None:
    numbers = number_voices(transcript, said, persons)
    transcript.segments.all().delete()
    transcript.headings.all().delete()
    Segment.objects.bulk_create(
        [
            Segment(
                transcript=transcript,
                start=segment.start,
                end=segment.end,
                speaker=numbers[segment.speaker],
                text=segment.text,
                words=list(segment.words) or None,
            )
            for segment in said
        ],
        batch_size=BATCH,
    )
    name_voices(transcript, numbers, persons)
