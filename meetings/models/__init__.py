from meetings.models.calls import ProviderCall, RecordingStart
from meetings.models.meeting import SETTINGS_FIELDS, Meeting, MeetingQuerySet, room_key, room_key_of
from meetings.models.moments import earliest, latest
from meetings.models.people import ParticipantSession, people_in
from meetings.models.recipients import EmailRecipient

__all__ = [
    "SETTINGS_FIELDS",
    "EmailRecipient",
    "Meeting",
    "MeetingQuerySet",
    "ParticipantSession",
    "ProviderCall",
    "RecordingStart",
    "earliest",
    "latest",
    "people_in",
    "room_key",
    "room_key_of",
]
