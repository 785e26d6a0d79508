"""Meetings that are over, with who was in them and what they answered about being recorded."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model
from django.utils import timezone

from meetings.models import Meeting, ParticipantSession, earliest, latest
from platforms.handler import get_available_platforms
from platforms.visible import visible
from recordings.management.reflector.people import People
from recordings.management.reflector.source import ANSWERS, Row, Source, Table
from recordings.management.reflector.steps import LeftOut, Step
from recordings.management.reflector.tally import Tally
from recordings.management.reflector.values import MEETING, ROOM, choice, key_of, moment, text
from recordings.models import Consent
from rooms.models import Room

PERSON_COLUMNS = "meeting_id session_id user_id user_name joined_at left_at"
STILL_ON = "it is going on: bring it once it is over"
NO_PLATFORM = "there is no platform “{}” here"


class Meetings(Step):
    kind = MEETING
    model: ClassVar[type[Model]] = Meeting
    table = Table(
        "meeting",
        "id room_name room_url start_date end_date room_id",
        "is_locked room_mode recording_type recording_trigger is_active platform calendar_metadata store_video",
    )
    order = ("start_date", "id")
    also = (
        "(SELECT r.id FROM room r WHERE r.id = t.room_id) AS room",
        "(SELECT r.name FROM room r WHERE r.id = t.room_id) AS called",
    )

    def __init__(self, source: Source, is_dry_run: bool, people: People, before: Sequence[Step]) -> None:
        super().__init__(source, is_dry_run, before)
        self._people = people
        self._platforms = get_available_platforms()
        # What one platform alone has bears its name.
        tables = [Table(f"{name}_participant_session", PERSON_COLUMNS) for name in self._platforms]
        self._visits = [table for table in tables if source.has(table.name)]
        source.require(*self._visits, *([ANSWERS] if source.has(ANSWERS.name) else []))
        self._rows_of: dict[str, dict[str, list[Row]]] = {}
        self._rooms: dict[UUID, Room] = {}
        self.answers = Tally("answers")

    def label(self, row: Row) -> str:
        return f"{text(row['called']) or text(row['room_name'])} {row['start_date'] or ''}"

    def look(self, rows: Sequence[Row]) -> None:
        self.refer(ROOM, rows, "room")
        ids = [row["id"] for row in rows]
        self._rows_of = {"answers": _by_meeting(self.source.of_meetings(ANSWERS, ids)), "visits": {}}
        for table in self._visits:
            self._rows_of["visits"] |= _by_meeting(self.source.of_meetings(table, ids))

    def find_here(self, row: Row) -> UUID | None:
        same = Meeting.objects.filter(platform=text(row.get("platform")), provider_meeting_id=row["id"])
        return same.values_list("pk", flat=True).first()

    def plan(self, row: Row) -> tuple[Meeting, list[Row], list[Row]]:
        platform = text(row.get("platform"))
        began, until = moment(row["start_date"]), moment(row["end_date"])
        began, until = began or until, until or began
        if platform not in self._platforms:
            raise LeftOut(NO_PLATFORM.format(platform[:32]))
        if began is None or until is None:
            raise LeftOut("it has no time")
        if row.get("is_active") and until > timezone.now():
            raise LeftOut(STILL_ON)
        meeting = Meeting(
            room_id=self.referred(ROOM, row["room"]),
            room_label=(text(row["called"]) or text(row["room_name"]))[:100],
            state=Meeting.State.ENDED,
            platform=platform,
            platform_reason="Brought from Reflector, where it took place.",
            provider_meeting_id=row["id"],
            room_name=text(row["room_name"], 255),
            room_url=text(row["room_url"]) if len(text(row["room_url"])) <= 2000 else "",
            start_date=began,
            end_date=until,
            is_locked=bool(row.get("is_locked")),
            room_mode=choice(row.get("room_mode"), Room.Mode, Room.Mode.NORMAL),
            recording_type=choice(row.get("recording_type"), Room.RecordingType, Room.RecordingType.CLOUD),
            recording_trigger=choice(
                row.get("recording_trigger"), Room.RecordingTrigger, Room.RecordingTrigger.AUTOMATIC_2ND_PARTICIPANT
            ),
            store_video=bool(row.get("store_video")),
            calendar_metadata=row.get("calendar_metadata") if isinstance(row.get("calendar_metadata"), dict) else None,
        )
        answers = self._rows_of["answers"].get(row["id"], [])
        self.answers.new += len(answers)
        return meeting, answers, self._rows_of["visits"].get(row["id"], [])

    def write(self, pk: UUID, plan: tuple[Meeting, list[Row], list[Row]]) -> None:
        meeting, answers, visits = plan
        meeting.pk, meeting.slot = pk, pk.hex
        people = list(self._people_in(meeting, visits))
        # When it ended is not told; where it is known who came, it was over when the last one had left.
        meeting.ended_at = latest(*(person.left_at for person in people))
        meeting.first_joined_at = earliest(*(person.joined_at for person in people))
        meeting.save(force_insert=True)
        ParticipantSession.objects.bulk_create(people)
        self._keep_answers(meeting, answers)

    def _people_in(self, meeting: Meeting, visits: list[Row]) -> list[ParticipantSession]:
        found: dict[str, ParticipantSession] = {}
        for visit in visits:
            name, came, left = text(visit["session_id"], 255), moment(visit["joined_at"]), moment(visit["left_at"])
            person = found.setdefault(name, ParticipantSession(meeting=meeting, session_id=name))
            account = self._people.known(visit["owner_email"])
            person.user_id = str(account) if account else text(visit["user_id"], 255)
            person.user_name, person.named_at = visible(text(visit["user_name"], 255)), came
            person.joined_at, person.last_joined_at = earliest(person.joined_at, came), latest(person.joined_at, came)
            person.left_at = latest(person.left_at, left or meeting.end_date)
        return list(found.values())

    def _keep_answers(self, meeting: Meeting, answers: list[Row]) -> None:
        """Of somebody who answered more than once the last one counts."""
        found: dict[Any, tuple[Consent, datetime]] = {}
        for answer in sorted(answers, key=lambda answer: (answer["consent_timestamp"], answer["id"])):
            account = self._people.known(answer["owner_email"])
            name = "" if account else text(answer["owner_email"], 100)
            consent = Consent(
                id=key_of("answer", answer["id"]),
                meeting=meeting,
                user_id=account,
                name=name,
                given=answer["consent_given"],
            )
            found[account or consent.pk] = consent, moment(answer["consent_timestamp"]) or meeting.start_date
        Consent.objects.bulk_create(consent for consent, _ in found.values())
        for consent, at in found.values():
            consent.answered_at = at  # which saving sets to now
        Consent.objects.bulk_update([consent for consent, _ in found.values()], ["answered_at"])


def _by_meeting(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["meeting_id"]].append(row)
    return found
