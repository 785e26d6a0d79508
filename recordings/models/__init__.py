from recordings.models.recording import Consent, HandOff, Ingest, Recording, RecordingWork, Track
from recordings.models.transcript import Segment, Transcript, TranscriptParticipant

__all__ = [
    "Consent",
    "HandOff",
    "Ingest",
    "Recording",
    "RecordingWork",
    "Segment",
    "Track",
    "Transcript",
    "TranscriptParticipant",
]
