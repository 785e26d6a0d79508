"""What `manage.py demo` fills an installation with: people who meet, what they said, and a rollout half-way.

Keys are made of names, so that what is there already is found again, also when somebody has renamed it.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from meetings.models import Meeting, ParticipantSession
from recordings.media.audio import Reading
from recordings.media.mixing import mp3_name, store_mp3
from recordings.models import Consent, Recording, Segment, Summary, TopicHeading, Track, Transcript, TranscriptEvent
from recordings.transcription.parts import parts_of
from recordings.transcription.processors.base import Result, Word
from recordings.transcription.processors.base import Segment as Said
from recordings.transcription.results import save_result
from recordings.transcripts import search
from recordings.transcripts.topics import topics_of, words_of
from rooms.models import Rollout, Room
from rooms.rollout import plan
from rooms.rollout.decide import decide
from rooms.selection import current_policy, select_platform

NAMESPACE = uuid.UUID("6f1d3bb2-9f0d-5a52-8a3e-0d6f3f2f7a11")
SPEECH = Path("platforms/sandbox/static/speech")  # spoken by two people, a file each
CHARACTERS_PER_SECOND = 12.0
TURN_SECONDS, TOPIC_SECONDS = 0.7, 4.0  # of silence before a line, and before another topic

Facts = dict[str, Any]


class NameTaken(Exception):
    """A room of somebody's has the name of one of these."""


@dataclass(frozen=True)
class Filled:
    rooms: list[Room]
    transcripts: list[Transcript]
    is_new: bool
    rollout: str  # why it was not begun, a sentence; empty where it was


@transaction.atomic
def fill(owner: Any) -> Filled:
    """Make what is not there yet. Raises NameTaken."""
    wanted: Facts = json.loads(Path(__file__).with_suffix(".json").read_text())
    rollout = _begin_rollout(owner, **wanted["rollout"])
    rooms = {facts["name"]: _room(owner, facts) for facts in wanted["rooms"]}
    made = [_meeting(rooms[facts["room"]], facts) for facts in wanted["meetings"]]
    keys = [_key("recording", facts["id"]) for facts in wanted["meetings"]]
    transcripts = Transcript.objects.filter(recording__in=keys, deleted_at=None)
    return Filled(list(rooms.values()), list(transcripts), any(made), rollout)


def _begin_rollout(owner: Any, percentage: int, stages: list[int]) -> str:
    if Rollout.objects.filter(decided_at__isnull=False).exists():
        return "The rollout stays as it was decided."
    least = {"minimum_hours": plan.HOURS, "minimum_meetings": plan.MEETINGS}
    edits = {
        "switched_on": True,
        "percentage": percentage,
        "stages": [{"percentage": stage, **least} for stage in stages],
    }
    try:
        decide(edits, by=owner, note="Half of the rooms, to look at", via="manage.py demo")
    except ValidationError as error:
        return f"The rollout was not begun. {' '.join(error.messages)}"
    return ""


def _room(owner: Any, facts: Facts) -> Room:
    if room := Room.objects.filter(pk=facts["id"]).first():
        return room
    if Room.objects.named(facts["name"]).exists():
        raise NameTaken(f"There is a room called {facts['name']} already, which is somebody's own: rename it first.")
    return Room.objects.create(
        id=facts["id"],
        name=facts["name"],
        title=facts["title"],
        owner=owner,
        is_shared=True,
        recording_trigger=Room.RecordingTrigger.AUTOMATIC,
    )


def _meeting(room: Room, facts: Facts) -> bool:
    """Whether it was not there yet."""
    key = _key("meeting", facts["id"])
    if Meeting.objects.filter(pk=key).exists():
        return False
    spoken = _spoken(facts)
    lasted = timedelta(seconds=spoken[-1].end + 20) if spoken else timedelta(minutes=facts["minutes"])
    began = timezone.now() - timedelta(hours=facts["hours_ago"])
    policy = replace(current_policy(), percentage=0) if facts.get("before_rollout") else current_policy()
    chosen = select_platform(str(room.pk), room.platform, policy, room.owner_id)
    meeting = Meeting.objects.create(
        id=key,
        room=room,
        room_label=room.name,
        state=Meeting.State.ENDED,
        slot=key.hex,
        platform=chosen.platform,
        platform_reason=chosen.reason,
        wanted_platform=chosen.wanted,
        provider_meeting_id=f"demo-{key}",
        room_name=f"/demo-{key}",
        start_date=began,
        end_date=began + lasted,
        ended_at=began + lasted,
        first_joined_at=began,
        recording_trigger=Room.RecordingTrigger.AUTOMATIC if spoken else Room.RecordingTrigger.NONE,
        recording_started_at=began if spoken else None,
        recording_ended_at=began + lasted if spoken else None,
    )
    people = list(_people(meeting, facts["people"], bool(spoken)))
    if spoken:
        _transcribe(_record(meeting, people, facts), spoken, facts)
    return True


def _people(meeting: Meeting, answers: dict[str, bool], is_asked: bool) -> Iterator[ParticipantSession]:
    for number, (name, agrees) in enumerate(answers.items()):
        came = meeting.start_date + timedelta(seconds=4 * number)
        if is_asked:
            Consent.objects.create(meeting=meeting, given=agrees)
        yield ParticipantSession.objects.create(
            meeting=meeting,
            session_id=f"demo-{name}",
            user_name=name,
            named_at=came,
            joined_at=came,
            last_joined_at=came,
            left_at=meeting.ended_at,
        )


def _record(meeting: Meeting, people: list[ParticipantSession], facts: Facts) -> Recording:
    """With a track for each person where there is speech; else it is one that was deleted as somebody refused it."""
    recording = Recording(
        id=_key("recording", facts["id"]),
        platform=meeting.platform,
        meeting=meeting,
        kind=Recording.Kind.TRACKS,
        provider_recording_id=f"demo-{facts['id']}",
        room_name=meeting.room_name,
        recorded_at=meeting.start_date,
        created_at=meeting.end_date,
        state=Recording.State.DONE,
    )
    if not facts.get("speech"):
        recording.state, recording.deleted_at = Recording.State.DELETED, meeting.end_date
        recording.save()
        return recording
    recording.duration = _canned()["seconds"]
    recording.save()
    for person in people:
        _keep_track(recording, person, SPEECH / f"{person.user_name.lower()}.opus")
    recording.size = sum(track.size or 0 for track in recording.tracks.all())
    recording.save()
    return recording


def _keep_track(recording: Recording, person: ParticipantSession, source: Path) -> None:
    with (settings.BASE_DIR / source).open("rb") as file:
        stored = storages["recordings"].save(f"{recording.pk}/{source.name}", File(file))
        size = file.tell()
    Track.objects.create(
        recording=recording,
        participant=person,
        session_id=person.session_id,
        medium="cam-audio",
        key=f"demo/{source.name}",
        state=Track.State.STORED,
        file=stored,
        size=size,
        duration=recording.duration,
        content_type="audio/ogg",
    )


def _spoken(facts: Facts) -> list[Said]:
    """In time; lines that nobody spoke are given as long as somebody would have taken."""
    if facts.get("speech"):
        return [_said(line["start"], line["end"], line["speaker"], line["text"]) for line in _canned()["lines"]]
    found, at = list[Said](), 0.0
    for topic in facts.get("topics", ()):
        at += TOPIC_SECONDS
        for speaker, text in topic["lines"]:
            start = at + TURN_SECONDS
            at = round(start + len(text) / CHARACTERS_PER_SECOND, 2)
            found.append(_said(start, at, speaker, text))
    return found


def _said(start: float, end: float, speaker: str, text: str) -> Said:
    words = words_of(Segment(start=start, end=end, text=text))
    return Said(start, end, speaker, text, [Word(word.start, word.end, word.text) for word in words])


def _canned() -> Facts:
    facts: Facts = json.loads((settings.BASE_DIR / SPEECH / "lines.json").read_text())
    return facts


def _transcribe(recording: Recording, spoken: list[Said], facts: Facts) -> None:
    transcript = save_result(recording, Result("en", recording.duration or spoken[-1].end, spoken))
    transcript.created_at = recording.created_at
    for name in ("title", "short_summary", "long_summary"):
        setattr(transcript, name, facts[name])
    if recording.tracks.exists():
        readings = [Reading(part.open, part.offset, part.longest) for part in parts_of(recording)]
        transcript.waveform = store_mp3(recording, readings)
        transcript.audio_file = mp3_name(recording)
    else:
        transcript.audio_deleted = True
    headings = zip(topics_of(transcript, transcript.segments.all()), facts["topics"], strict=True)
    TopicHeading.objects.bulk_create(
        TopicHeading(transcript=transcript, topic=topic.id, title=its["title"], summary=its["summary"])
        for topic, its in headings
    )
    Summary.objects.create(
        transcript=transcript,
        state=Summary.State.DONE,
        finished_at=recording.created_at,
        action_items={name: facts[name] for name in ("decisions", "next_steps")},
    )
    search.index(transcript)
    transcript.touch(TranscriptEvent.Kind.TOPICS, TranscriptEvent.Kind.ACTION_ITEMS)


def _key(kind: str, name: str) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, f"{kind} {name}")
