"""Links that let their holder fetch one stored file for a limited time, and no longer than it is there."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from recordings.models import Recording, Track

LIFETIME = timedelta(days=1)
SALT = "recordings.links"


def link_to(
    recording: Recording, track: Track | None = None, lifetime: timedelta = LIFETIME, to_play: bool = False
) -> str:
    """The file of a recording, or of one of its tracks: for those who transcribe it, or `to_play` for people."""
    ends_at = int((timezone.now() + lifetime).timestamp())
    token = signing.dumps([recording.pk.hex, track.pk if track else None, ends_at, to_play], salt=SALT)
    return f"{settings.PUBLIC_URL}{reverse('recording-file', args=[token])}"


def linked(token: str) -> Recording | Track | None:
    """What a link leads to. None when the link is not from here or too old, or when nothing is stored any more."""
    try:
        recording_id, track_id, ends_at, *to_play = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    if ends_at < timezone.now().timestamp():
        return None
    recording = Recording.objects.exclude(state=Recording.State.DELETED).filter(pk=uuid.UUID(recording_id)).first()
    if recording is None or recording.is_being_deleted() or (any(to_play) and not recording.may_be_played()):
        return None
    stored = recording if track_id is None else recording.tracks.filter(pk=track_id, state=Track.State.STORED).first()
    return stored if stored and stored.file else None
