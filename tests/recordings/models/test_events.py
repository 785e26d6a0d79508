"""What is written to the log of events with a change, for clients that follow a transcript."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from recordings.intake import register
from recordings.live.messages import Channel, entry_of, start_entry
from recordings.models import Transcript, TranscriptEvent
from recordings.privacy import deletion
from recordings.tasks import prune_transcript_events
from recordings.transcription.processors.base import Result, Segment
from recordings.transcription.results import save_result
from tests.support.transcripts import TALK, make_meeting, make_transcript

pytestmark = pytest.mark.django_db
Kind = TranscriptEvent.Kind


@pytest.fixture
def transcript(owner):
    made = make_transcript(owner)
    TranscriptEvent.objects.all().delete()
    return made


def events_of(transcript):
    return list(TranscriptEvent.objects.filter(transcript_id=transcript.pk).order_by("id"))


def kinds_of(transcript):
    return [event.kind for event in events_of(transcript)]


def told(transcript, **channel):
    """What followers of that channel get, without the ids."""
    texts = [text for event in events_of(transcript) for text in entry_of(event, Channel(**channel)).texts]
    return [{name: value for name, value in json.loads(text).items() if name != "id"} for text in texts]


def test_a_result_is_told_to_readers_with_its_topics_and_the_status_last(owner):
    transcript = make_transcript(owner)
    messages = told(transcript, transcript_id=transcript.pk)
    assert [message["event"] for message in messages] == ["TOPIC", "DURATION", "STATUS"]
    topic, duration, status = (message["data"] for message in messages)
    assert topic["segments"][0] == {"text": TALK[0][3], "start": 0.0, "speaker": 0}
    assert duration == {"duration": 10_000}
    assert status == {"value": "ended"}


def test_a_result_is_told_to_whoever_owns_the_room(owner, room):
    meeting = make_meeting(owner, room)
    recording = meeting.recordings.create(platform="mock", state="processing", duration=10.0)
    transcript = save_result(recording, Result(language="en", duration=10.0, segments=[Segment(*TALK[0])]))
    key = {"id": str(transcript.pk)}
    messages = [message for message in told(transcript, user_id=owner.pk) if "TITLE" not in message["event"]]
    assert messages == [
        {"event": "TRANSCRIPT_CREATED", "data": key},
        {"event": "TRANSCRIPT_DURATION", "data": {**key, "duration": 10_000}},
        {"event": "TRANSCRIPT_STATUS", "data": {**key, "value": "ended"}},
    ]
    assert {event.user_id for event in events_of(transcript)} == {owner.pk}


def test_only_what_changed_is_told(transcript):
    transcript.title, transcript.reviewed = "Budget", True
    transcript.touch()
    transcript.touch()
    assert [(event.kind, event.value) for event in events_of(transcript)] == [(Kind.TITLE, "Budget")]


def test_a_change_that_is_not_kept_is_not_told(transcript):
    with transaction.atomic():
        transcript.title = "Budget"
        transcript.touch()
        transaction.set_rollback(True)
    assert kinds_of(transcript) == []


@pytest.mark.parametrize("change", [{"share_mode": "public"}, {"user": None}])
def test_that_others_may_read_it_is_known_to_those_who_serve_readers(transcript, change):
    for name, value in change.items():
        setattr(transcript, name, value)
    transcript.touch()
    [event] = events_of(transcript)
    reader = entry_of(event, Channel(transcript_id=transcript.pk))
    assert (event.kind, reader.changes_access, reader.texts) == (Kind.ACCESS, True, ())


def test_a_waveform_is_told_as_it_is(transcript):
    transcript.waveform = [0.5, 1.0]
    transcript.touch()
    assert told(transcript, transcript_id=transcript.pk) == [{"event": "WAVEFORM", "data": {"waveform": [0.5, 1.0]}}]


def test_who_begins_to_listen_gets_all_that_there_is_but_the_status(transcript):
    transcript.title, transcript.long_summary, transcript.waveform = "Budget", "All is fine.", [1.0]
    start = start_entry(7, transcript)
    assert [json.loads(text)["event"] for text in start.texts] == [
        *("TOPIC", "WAVEFORM", "FINAL_TITLE", "FINAL_LONG_SUMMARY", "DURATION", "PING")
    ]
    assert [json.loads(text).get("id") for text in start.texts] == [None] * 5 + [7]


def test_what_is_destroyed_leaves_no_text_behind(transcript):
    transcript.title = "Between us"
    transcript.touch()
    deletion.trash(transcript)
    deletion.destroy(transcript)
    assert kinds_of(transcript) == [Kind.DELETED]


def test_old_events_are_forgotten(transcript):
    for title in ("one", "two"):
        transcript.title = title
        transcript.touch()
    first, second = events_of(transcript)
    TranscriptEvent.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    prune_transcript_events()
    assert events_of(transcript) == [second]


def test_a_transcript_that_nobody_owns_is_told_to_its_readers(db):
    transcript = Transcript.objects.create(name="found", is_everybodys=True, source_kind="file")
    transcript.touch()
    assert [(event.kind, event.user_id) for event in events_of(transcript)] == [(Kind.CREATED, None)]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_one_who_holds_the_row_and_one_who_does_not_change_it_one_after_the_other(transcript):
    is_held, is_over = threading.Event(), threading.Event()
    errors = []

    def second():
        try:
            is_held.wait(20)
            Transcript.objects.get(pk=transcript.pk).touch()
        except OperationalError as error:
            errors.append(error)
        finally:
            is_over.set()
            connection.close()

    other = threading.Thread(target=second)
    other.start()
    with transaction.atomic():
        held = Transcript.objects.select_for_update().get(pk=transcript.pk)
        is_held.set()
        assert not is_over.wait(0.5)
        held.title = "one"
        held.touch()
    other.join(20)
    assert errors == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_linking_a_recording_undoes_no_change_that_is_made_meanwhile(transcript, owner):
    meeting = make_meeting(owner)
    is_over = threading.Event()

    def link():
        try:
            register.link(transcript.recording, meeting)
        finally:
            is_over.set()
            connection.close()

    with transaction.atomic():
        held = Transcript.objects.select_for_update().get(pk=transcript.pk)
        other = threading.Thread(target=link)
        other.start()
        assert not is_over.wait(0.5)
        held.title = "by hand"
        held.touch()
    other.join(20)
    transcript.refresh_from_db()
    assert (transcript.title, transcript.room_id) == ("by hand", meeting.room_id)
