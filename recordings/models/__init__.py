from recordings.models.deletion import Destruction
from recordings.models.recording import Consent, HandOff, Ingest, Recording, RecordingWork, Track
from recordings.models.search import SearchDocument
from recordings.models.transcript import Segment, Transcript, TranscriptParticipant
from recordings.models.upload import Upload, UploadPart

__all__ = [
    "Consent",
    "Destruction",
    "HandOff",
    "Ingest",
    "Recording",
    "RecordingWork",
    "SearchDocument",
    "Segment",
    "Track",
    "Transcript",
    "TranscriptParticipant",
    "Upload",
    "UploadPart",
]
