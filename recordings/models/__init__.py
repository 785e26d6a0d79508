from recordings.models.recording import Consent, HandOff, Ingest, Recording, RecordingWork, Track

__all__ = ["Consent", "HandOff", "Ingest", "Recording", "RecordingWork", "Track"]
