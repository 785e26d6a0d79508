"""All of it, in the order in which one thing refers to another."""

from collections.abc import Callable
from typing import Any

from recordings.management.reflector.meetings import Meetings
from recordings.management.reflector.people import People
from recordings.management.reflector.recordings import Recordings
from recordings.management.reflector.rooms import Rooms
from recordings.management.reflector.source import USERS, Source
from recordings.management.reflector.tally import Tally
from recordings.management.reflector.transcripts import Transcripts


def bring(source: Source, fallback: Any | None, is_dry_run: bool, step: Callable[[], None]) -> list[Tally]:
    """What came of each table. `fallback` gets what is of people who are not there any more. Raises SourceError."""
    source.require(Rooms.table, Meetings.table, Recordings.table, Transcripts.table)
    if source.has(USERS.name):
        source.require(USERS)
    people = People(fallback, is_dry_run)
    rooms = Rooms(source, is_dry_run, people)
    meetings = Meetings(source, is_dry_run, people, [rooms])
    recordings = Recordings(source, is_dry_run, [meetings])
    transcripts = Transcripts(source, is_dry_run, people, [rooms, recordings])
    steps = [rooms, meetings, recordings, transcripts]
    for each in steps:
        each.run(step)
    of_rooms, of_meetings = rooms.parts.values(), [meetings.answers]
    return [people.tally, rooms.tally, *of_rooms, meetings.tally, *of_meetings, recordings.tally, transcripts.tally]
