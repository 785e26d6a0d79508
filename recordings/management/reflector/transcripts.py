"""Transcripts: what was said, who is who, what was made of it, and who may read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model
from django.utils import timezone

from recordings.management.reflector.people import People
from recordings.management.reflector.source import Row, Source, Table
from recordings.management.reflector.steps import LeftOut, Step, is_other
from recordings.management.reflector.talk import action_items_of, headings_of, segments_of
from recordings.management.reflector.values import (
    RECORDING,
    ROOM,
    TRANSCRIPT,
    choice,
    key_of,
    moment,
    number,
    objects,
    seconds,
    text,
)
from recordings.models import Segment, Summary, TopicHeading, Transcript, TranscriptEvent, TranscriptParticipant
from recordings.transcripts import search

Status, ShareMode, SourceKind = Transcript.Status, Transcript.ShareMode, Transcript.SourceKind
EMPTY = "nothing was recorded or uploaded for it"
UNDER_WAY = "Reflector is at work on it: bring it once that is over"
IN_TRASH = "it was deleted there"
UNFINISHED = "Reflector had not finished it when it was brought here."
GIVEN_UP = timedelta(days=1)  # after which what is not finished stays so
BATCH = 1000  # lines written at a time


@dataclass(frozen=True)
class Plan:
    transcript: Transcript
    segments: list[Segment]
    row: Row


class Transcripts(Step):
    kind = TRANSCRIPT
    model: ClassVar[type[Model]] = Transcript
    table = Table(
        "transcript",
        "id name status created_at duration title short_summary long_summary topics user_id",
        "locked participants source_language target_language share_mode reviewed recording_id source_kind "
        "audio_deleted room_id action_items deleted_at",
    )
    order = ("created_at", "id")
    size = 20  # each may hold hours of words

    def __init__(self, source: Source, is_dry_run: bool, people: People, before: Sequence[Step]) -> None:
        super().__init__(source, is_dry_run, before)
        self._people = people
        self._emails: dict[str, str] = {}
        self._taken: set[UUID] = set()

    def also_read(self) -> list[str]:
        return [
            self.source.owner_email(),
            "(SELECT r.id FROM room r WHERE r.id = t.room_id) AS room",
            "(SELECT r.id FROM recording r WHERE r.id = t.recording_id) AS recording",
        ]

    def label(self, row: Row) -> str:
        return text(row["title"]) or text(row["name"]) or text(row["id"])

    def look(self, rows: Sequence[Row]) -> None:
        self.refer(ROOM, rows, "room")
        self.refer(RECORDING, rows, "recording")
        found = (text(one.get("user_id")) for row in rows for one in objects(row.get("participants")))
        self._emails = self.source.emails(sorted({user for user in found if user}))
        # A recording has one transcript.
        taken = Transcript.objects.filter(recording__in=[pk for pk in self._found[RECORDING].values() if pk])
        self._taken = set(taken.values_list("recording", flat=True))

    def plan(self, row: Row) -> Plan:
        if row.get("deleted_at"):
            raise LeftOut(IN_TRASH)
        status, note = _fate(row)
        is_everybodys = not row["user_id"]
        email = "" if is_everybodys else self._people.owner_of(row)
        room, recording = self.referred(ROOM, row["room"]), self.referred(RECORDING, row["recording"])
        segments = segments_of(row["topics"])
        if not segments and row["status"] == Status.IDLE and not row["recording"]:
            raise LeftOut(EMPTY)
        if recording in self._taken:
            recording = None
        elif recording:
            self._taken.add(recording)
        transcript = Transcript(
            user_id=None if is_everybodys else self._people.account(email),
            is_everybodys=is_everybodys,
            room_id=room,
            recording_id=recording,
            status=status,
            note=note,
            source_kind=choice(row.get("source_kind"), SourceKind, SourceKind.ROOM if room else SourceKind.FILE),
            audio_deleted=bool(row.get("audio_deleted")),
            created_at=moment(row["created_at"]) or timezone.now(),
            **_edited(row),
        )
        return Plan(transcript, segments, row)

    def write(self, pk: UUID, plan: Plan) -> None:
        transcript, segments, row = plan.transcript, plan.segments, plan.row
        transcript.pk = pk
        transcript.touch(TranscriptEvent.Kind.TOPICS)
        for segment in segments:
            segment.transcript = transcript
        Segment.objects.bulk_create(segments, batch_size=BATCH)
        TranscriptParticipant.objects.bulk_create(self._participants(transcript, row))
        TopicHeading.objects.bulk_create(headings_of(transcript, segments, row["topics"]))
        if items := action_items_of(row.get("action_items")):
            finished = {"state": Summary.State.DONE, "finished_at": transcript.created_at}
            Summary.objects.create(transcript=transcript, action_items=items, **finished)
        search.index(transcript, search.body_of(segment.text for segment in segments))

    def differs(self, stored: Any, row: Row) -> bool:
        return is_other(stored, _edited(row))

    def _participants(self, transcript: Transcript, row: Row) -> list[TranscriptParticipant]:
        """A voice has one name: of several the first."""
        voices: set[int] = set()
        found: dict[UUID, TranscriptParticipant] = {}
        for one in objects(row.get("participants")):
            speaker, name = number(one.get("speaker")), text(one.get("name"), 255).strip()
            if not name:
                continue
            if speaker in voices:
                speaker = None
            elif speaker is not None:
                voices.add(speaker)
            pk = key_of("participant", f"{transcript.pk} {one.get('id')} {len(found)}")
            email = self._emails.get(text(one.get("user_id")), "")
            found[pk] = TranscriptParticipant(
                id=pk, transcript=transcript, speaker=speaker, name=name, user_id=self._people.known(email)
            )
        return list(found.values())


def _edited(row: Row) -> dict[str, Any]:
    """What people change in a transcript."""
    return {
        "name": text(row["name"], 255),
        "title": text(row["title"]),
        "short_summary": text(row["short_summary"]),
        "long_summary": text(row["long_summary"]),
        "locked": bool(row.get("locked")),
        "reviewed": bool(row.get("reviewed")),
        "share_mode": choice(row.get("share_mode"), ShareMode, ShareMode.PRIVATE),
        "source_language": text(row.get("source_language"), 16),
        "target_language": text(row.get("target_language"), 16),
        "duration": seconds(row["duration"]),
    }


def _fate(row: Row) -> tuple[str, str]:
    """Its status here, and what people should know. Nothing goes on here with what was not finished there."""
    if row["status"] in (Status.ENDED, Status.ERROR):
        return row["status"], "" if row["status"] == Status.ENDED else "It could not be transcribed in Reflector."
    if row["status"] == Status.IDLE:
        return Status.ERROR, UNFINISHED
    created_at = moment(row["created_at"])
    if created_at and created_at > timezone.now() - GIVEN_UP:
        raise LeftOut(UNDER_WAY)
    return Status.ERROR, UNFINISHED
