"""What lists of transcripts read: only what they show, and the same number of times for one row as for many."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recordings.models import Recording
from rooms.models import Room
from tests.support.transcripts import make_meeting, make_transcript

pytestmark = pytest.mark.django_db

LISTS = ["/v1/transcripts", "/v1/transcripts/search?q=", "/v1/transcripts/search?q=budget", "/search?q=budget"]


def make_recorded(owner, number):
    room = Room.objects.create(name=f"room-{number}", owner=owner, webhook_secret="s", ics_url="https://a.example/a")
    recording = Recording.objects.create(
        meeting=make_meeting(owner, room), platform="mock", state="processing", has_video=True, duration=1.0
    )
    return make_transcript(owner, recording=recording, room=room)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_reads_once_and_nothing_wide_of_what_belongs_to_its_rows(client, owner, path):
    def queries():
        with CaptureQueriesContext(connection) as found:
            assert client.get(path).status_code == 200
        return [query["sql"] for query in found]

    client.force_login(owner)
    make_recorded(owner, 0)
    queries()  # what the audit trail keeps of it, it keeps once
    few = queries()
    for number in range(1, 5):
        make_recorded(owner, number)
    many = queries()
    assert len(many) == len(few)
    read = [sql for sql in many if '"rooms_room"."name"' in sql and '"recordings_transcript"."name"' in sql]
    assert read
    for column in ("webhook_secret", "calendar_secret", "ics_url", "source_url", "waveform", "body_words"):
        assert not any(f'"{column}"' in sql for sql in read)
