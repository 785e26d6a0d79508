"""What pages show that changes by itself, read for all pages at once.

Some statements are enough for any number of pages, and none of them becomes slower with the tables: they read what is
under way, and of the rest what changed last. What they do not find, as that a moment has come, is seen by the look that
pages take once a minute anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import close_old_connections
from django.db.models import IntegerField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from meetings.models import Meeting
from platforms import revision
from recordings.models import Consent, Recording, Submission, Transcript
from recordings.transcription.processors.base import PERCENT
from rooms.models import Room

NEWEST = 100  # rows of a table that are read; more than change between two looks
OF_MEETINGS = (
    *("num_clients", "end_date", "last_active_at", "last_owner_id", "room__owner_id"),
    *("recording_started_at", "recording_ended_at", "recording_failed_at"),
)
WHOSE = (  # a recording is
    *("meeting__room_id", "meeting__room__owner_id", "meeting__last_owner_id"),
    *("transcript__user_id", "transcript__pk"),
)

Subject = tuple[str, Any]
Pair = tuple[Subject, tuple[Any, ...]]  # with a fact about it

PLATFORMS: Subject = ("platforms", None)  # where meetings open
ALL_RECORDINGS: Subject = ("recordings", None)


def room_of(room_id: Any) -> Subject:
    """What everybody sees of it who may list it."""
    return "room", room_id


def past_of(room_id: Any) -> Subject:
    """What its owner sees besides: who came, what they answered, what was recorded."""
    return "past", room_id


def recordings_of(user_id: Any) -> Subject:
    return "recordings", user_id


def transcript_of(transcript_id: Any) -> Subject:
    """How far it is."""
    return "transcript", transcript_id


def call_of(meeting_id: Any) -> Subject:
    """Whether it goes on."""
    return "call", meeting_id


def refusals_of(meeting_id: Any) -> Subject:
    return "refusals", meeting_id


@dataclass(frozen=True)
class Facts:
    standing: frozenset[Pair]  # all there are
    newest: frozenset[Pair]  # some, of which one that is missed is only older now

    def changed_since(self, before: "Facts") -> set[Subject]:
        pairs = (self.standing ^ before.standing) | (self.newest - before.newest)
        return {subject for subject, _ in pairs}


def read_facts() -> Facts:
    close_old_connections()
    standing = chain(_meetings(timezone.now()), _answers(), _transcribing(), [(PLATFORMS, (revision.current(),))])
    return Facts(frozenset(standing), frozenset(chain(_rooms(), _recordings(), _transcripts())))


def _meetings(now: datetime) -> Iterator[Pair]:
    for meeting in Meeting.objects.live().order_by().select_related("room").only(*OF_MEETINGS):
        yield call_of(meeting.pk), ()
        if not meeting.is_over(now):
            yield room_of(meeting.room_id), (meeting.pk, meeting.num_clients, meeting.is_recording)
        yield past_of(meeting.room_id), (meeting.pk, meeting.num_clients, meeting.last_active_at)
        yield recordings_of(meeting.owner_id), (meeting.pk, meeting.is_recording)


def _answers() -> Iterator[Pair]:
    answers = Consent.objects.filter(meeting__state=Meeting.State.LIVE)
    for pk, given, meeting_id, room_id in answers.values_list("pk", "given", "meeting_id", "meeting__room_id"):
        yield past_of(room_id), (pk, given)
        if not given:
            yield refusals_of(meeting_id), (pk,)


def _transcribing() -> Iterator[Pair]:
    under_way = Submission.objects.filter(state=Submission.State.RUNNING)
    percent = Cast(KeyTextTransform(PERCENT, "checkpoint"), IntegerField())
    for pk, percent_now, *whose in under_way.annotate(percent=percent).values_list(
        "recording_id", "percent", *(f"recording__{name}" for name in WHOSE)
    ):
        yield from _of_recording(whose, (pk, percent_now))


def _rooms() -> Iterator[Pair]:
    """By the history of rooms, which grows with every change of one."""
    history = Room.history.model.objects.order_by("-pk")
    for pk, room_id, owner_id in history.values_list("pk", "id", "owner_id")[:NEWEST]:
        for subject in (room_of(room_id), past_of(room_id), recordings_of(owner_id)):
            yield subject, ("room", pk)


def _recordings() -> Iterator[Pair]:
    newest = Recording.objects.order_by("-updated_at")
    for pk, updated_at, *whose in newest.values_list("pk", "updated_at", *WHOSE)[:NEWEST]:
        yield from _of_recording(whose, (pk, updated_at))


def _of_recording(whose: list[Any], fact: tuple[Any, ...]) -> Iterator[Pair]:
    room_id, owner_id, last_owner_id, uploader_id, transcript_id = whose
    if transcript_id:
        yield transcript_of(transcript_id), fact
    yield ALL_RECORDINGS, fact
    yield past_of(room_id), fact
    yield recordings_of(owner_id or last_owner_id or uploader_id), fact


def _transcripts() -> Iterator[Pair]:
    newest = Transcript.objects.order_by("-change_seq")
    for pk, change_seq, user_id, room_id, owner_id in newest.values_list(
        "pk", "change_seq", "user_id", "room_id", "room__owner_id"
    )[:NEWEST]:
        for subject in (transcript_of(pk), ALL_RECORDINGS, past_of(room_id), recordings_of(owner_id or user_id)):
            yield subject, ("transcript", change_seq)
