"""PostgreSQL keeps with each transcript whether its room is shared, whoever changes what and when."""

from importlib import import_module
from threading import Thread

import pytest
from django.apps import apps
from django.db import connection, transaction

from recordings.models import Transcript
from recordings.transcripts.access import listed_for
from rooms.models import Room
from tests.support.live import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

migration = import_module("recordings.migrations.0031_transcripts_of_shared_rooms")
SHARED = "SELECT id FROM recordings_transcript WHERE in_shared_room"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def shared(owner):
    return Room.objects.create(name="shared", owner=owner, is_shared=True)


def transcript_of(room, **fields):
    fields = {"name": "standup", "source_kind": "room", "share_mode": "semi-private", **fields}
    return Transcript.objects.create(room=room, **fields)


def rows(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [row[0] for row in cursor.fetchall()]


def test_one_is_made_in_a_room_that_is_shared_or_is_not(room, shared):
    kept = [transcript_of(shared).pk, *(one.pk for one in Transcript.objects.bulk_create([Transcript(room=shared)]))]
    transcript_of(room)
    transcript_of(None)
    assert sorted(rows(SHARED)) == sorted(kept)


def test_a_room_is_shared_and_is_not_any_more(room):
    pk = transcript_of(room).pk
    room.is_shared = True
    room.save()
    assert rows(SHARED) == [pk]
    Room.objects.update(is_shared=False)
    assert rows(SHARED) == []
    Room.objects.bulk_update([room], ["is_shared"])
    assert rows(SHARED) == [pk]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE rooms_room SET is_shared = false")
    assert rows(SHARED) == []


def test_one_that_somebody_read_before_is_saved_after_its_room_was_shared(room):
    transcript = transcript_of(room)
    Room.objects.update(is_shared=True)
    transcript.title = "Budget"
    transcript.touch()
    assert rows(SHARED) == [transcript.pk]


def test_one_comes_into_another_room_and_out_of_all(room, shared):
    transcript = transcript_of(room)
    Transcript.objects.update(room=shared)
    assert rows(SHARED) == [transcript.pk]
    Transcript.objects.update(room=room)
    assert rows(SHARED) == []
    Transcript.objects.update(room=shared)
    shared.delete()
    assert rows(SHARED) == []


def test_one_is_there_before_its_room(owner):
    room = Room(name="later", owner=owner, is_shared=True)
    with transaction.atomic():
        transcript = transcript_of(room)
        room.save(force_insert=True)
    assert rows(SHARED) == [transcript.pk]


@pytest.mark.parametrize("is_shared", [True, False])
def test_one_is_made_while_its_room_is_being_changed(owner, is_shared):
    room = Room.objects.create(name="changing", owner=owner, is_shared=not is_shared)
    thread = Thread(target=make_elsewhere, args=[room])
    with transaction.atomic():
        Room.objects.update(is_shared=is_shared)
        thread.start()
        wait_until(is_somebody_waiting, seconds=20)
    thread.join()
    assert len(rows(SHARED)) == is_shared


def test_a_room_is_changed_while_one_is_being_made(owner):
    room = Room.objects.create(name="changing", owner=owner)
    thread = Thread(target=share_elsewhere)
    with transaction.atomic():
        transcript = transcript_of(room)
        thread.start()
        wait_until(is_somebody_waiting, seconds=20)
    thread.join()
    assert rows(SHARED) == [transcript.pk]


def is_somebody_waiting():
    rows("SELECT pg_stat_clear_snapshot()")
    return rows(WAITING) != [0]


def make_elsewhere(room):
    transcript_of(room)
    connection.close()


def share_elsewhere():
    Room.objects.update(is_shared=True)
    connection.close()


def test_an_upgrade_marks_those_that_are_there(room, shared, colleague):
    """Also one that was broken off, of which the columns and triggers are there."""
    kept = transcript_of(shared)
    transcript_of(room)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE recordings_transcript SET in_shared_room = false")
    assert listed_for(colleague)[:9] == []
    with connection.schema_editor(atomic=False) as editor:
        migration.make(apps, editor)
    assert listed_for(colleague)[:9] == [kept]


def test_a_way_back_leaves_nothing_and_can_be_gone_again(shared):
    kept = transcript_of(shared)
    with connection.schema_editor(atomic=False) as editor:
        migration.remove(apps, editor)
        Room.objects.update(is_shared=True)
        transcript_of(None)
        migration.make(apps, editor)
    assert rows(SHARED) == [kept.pk]
