from recordings.models.consent import Consent
from recordings.models.erasure import Erasure
from recordings.models.event import TranscriptEvent
from recordings.models.imported import ImportedRow
from recordings.models.recording import (
    Ingest,
    Recording,
    RecordingJob,
    RecordingQuerySet,
    Submission,
    Track,
    UploadSubmission,
    is_erased,
    tracks,
)
from recordings.models.search import SearchDocument
from recordings.models.sending import TranscriptMail, ZulipPost
from recordings.models.summary import Summary, TopicHeading
from recordings.models.transcript import Correction, Segment, Transcript, TranscriptParticipant, shown_title
from recordings.models.upload import Upload, UploadPart

__all__ = [
    "Consent",
    "Correction",
    "Erasure",
    "ImportedRow",
    "Ingest",
    "Recording",
    "RecordingJob",
    "RecordingQuerySet",
    "SearchDocument",
    "Segment",
    "Submission",
    "Summary",
    "TopicHeading",
    "Track",
    "Transcript",
    "TranscriptEvent",
    "TranscriptMail",
    "TranscriptParticipant",
    "Upload",
    "UploadPart",
    "UploadSubmission",
    "ZulipPost",
    "is_erased",
    "shown_title",
    "tracks",
]
