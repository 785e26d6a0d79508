"""What is known of recordings. Their files stay where they are: what was transcribed there is not fetched again."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model
from django.utils import timezone

from recordings.management.reflector.source import Row, Table
from recordings.management.reflector.steps import Step
from recordings.management.reflector.values import MEETING, RECORDING, moment, text
from recordings.models import Recording, Track

NOT_TRANSCRIBED = (
    "Reflector had not transcribed it when it was brought here. If its files are still there, it can be fetched again."
)
SILENT = "Nobody was heard."
# What the key of a track says: whose it is, of what, and when it began.
TRACK = re.compile(r"-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-((?:cam|screen)-(?:audio|video))-\d+")
Kind, State = Recording.Kind, Recording.State


class Recordings(Step):
    kind = RECORDING
    model: ClassVar[type[Model]] = Recording
    table = Table("recording", "id bucket_name object_key recorded_at status meeting_id", "track_keys deleted_at")
    order = ("recorded_at", "id")
    also = (
        "(SELECT m.id FROM meeting m WHERE m.id = t.meeting_id) AS meeting",
        "EXISTS (SELECT FROM transcript s WHERE s.recording_id = t.id AND s.status = 'ended') AS is_transcribed",
        "EXISTS (SELECT FROM transcript s WHERE s.recording_id = t.id AND s.audio_deleted) AS is_erased",
    )

    def look(self, rows: Sequence[Row]) -> None:
        self.refer(MEETING, rows, "meeting")

    def label(self, row: Row) -> str:
        return text(row["object_key"]) or text(row["id"])

    def find_here(self, row: Row) -> UUID | None:
        if _is_tracks(row):
            same = Recording.objects.filter(provider_recording_id=row["id"])
        else:
            same = Recording.objects.filter(bucket=text(row["bucket_name"]), key=text(row["object_key"])).exclude(
                key=""
            )
        return same.values_list("pk", flat=True).first()

    def plan(self, row: Row) -> Row:
        return row | {"found": self.referred(MEETING, row["meeting"])}

    def write(self, pk: UUID, plan: Row) -> None:
        row, now = plan, timezone.now()
        recording = Recording(
            pk=pk, kind=Kind.TRACKS if _is_tracks(row) else Kind.FILE, bucket=text(row["bucket_name"])
        )
        recording.meeting_id = row["found"]
        if meeting := recording.meeting:
            recording.platform, recording.room_name = meeting.platform, meeting.room_name
        if recording.kind == Kind.TRACKS:
            recording.provider_recording_id = row["id"]  # of tracks it is the provider's own
        else:
            recording.key = text(row["object_key"])
        recording.recorded_at = moment(row["recorded_at"])
        recording.created_at = recording.recorded_at or now
        recording.restored_at = now  # so that it is kept for its time from now on
        for name, value in _fate(row).items():
            setattr(recording, name, value)
        recording.save(force_insert=True)
        Track.objects.bulk_create(_tracks(recording, row))


def _is_tracks(row: Row) -> bool:
    return isinstance(row.get("track_keys"), list)


def _fate(row: Row) -> dict[str, Any]:
    """What was deleted there stays so here, also when it is reported again."""
    if row.get("deleted_at") or row["is_erased"]:
        return {"state": State.DELETED, "deleted_at": moment(row.get("deleted_at")) or timezone.now()}
    if row["is_transcribed"] or row["status"] == "completed":
        return {"state": State.DONE}
    if row.get("track_keys") == []:
        return {"state": State.NO_AUDIO, "error": SILENT}
    return {"state": State.FAILED, "error": NOT_TRANSCRIBED, "can_retry": True}


def _tracks(recording: Recording, row: Row) -> list[Track]:
    keys = dict.fromkeys(text(key) for key in row.get("track_keys") or () if text(key))
    state = Track.State.DELETED if recording.state == State.DELETED else Track.State.REPORTED
    found = []
    for key in keys:
        name = TRACK.search(key)
        session_id, medium = name.groups() if name else ("", "cam-audio")
        found.append(Track(recording=recording, key=key, session_id=session_id, medium=medium, state=state))
    return found
