"""The picture of a recording's loudness: made while it is mixed, given by the API, gone with the audio."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from recordings.media.waveform import POINTS, Waveform, waveform_of
from recordings.models import Transcript
from recordings.privacy import deletion
from tests.conftest import api_for, error
from tests.support.media import Sound, media, silence, tone
from tests.support.transcripts import make_transcript

RATE = 8000


def test_it_has_255_points_scaled_to_the_loudest():
    quiet, loud = tone(10, amplitude=1000, rate=RATE), tone(10, amplitude=8000, rate=RATE)
    points = waveform_of([quiet, loud, bytes(len(loud))], RATE)
    assert len(points) == POINTS
    assert points[:84] == pytest.approx([0.12] * 84, abs=0.02)
    assert points[87:168] == pytest.approx([1.0] * 81, abs=0.02)
    assert points[172:] == [0.0] * 83


@pytest.mark.parametrize("seconds", [0, 0.01, 0.1, 1, 25.5, 100])
def test_any_length_has_as_many(seconds):
    points = waveform_of([tone(seconds, rate=RATE)], RATE)
    assert len(points) == POINTS
    assert max(points) == (1.0 if seconds else 0.0)


def test_the_pieces_in_which_it_comes_do_not_matter():
    samples = tone(3, rate=RATE) + bytes(1000) + tone(2, amplitude=900, rate=RATE)
    pieces = [samples[at : at + 3200] for at in range(0, len(samples), 3200)]
    assert waveform_of(pieces, RATE) == waveform_of([samples], RATE)
    assert Waveform(RATE).points() == [0.0] * POINTS


@pytest.mark.django_db
@pytest.mark.usefixtures("recordings_folder")
class TestApi:
    def waveform(self, transcript, user=None):
        answer = api_for(user).get(f"/v1/transcripts/{transcript.pk}/audio/waveform")
        return answer.status_code, answer.json()

    @pytest.fixture
    def heard(self, owner):
        content = media("mp3", [Sound(0, 2), silence(2, 2), Sound(4, 2)])
        name = storages["recordings"].save("1/audio.mp3", ContentFile(content))
        return make_transcript(owner, audio_file=name)

    def test_it_is_looked_at_once_where_it_was_not_kept(self, owner, heard):
        status, found = self.waveform(heard, owner)
        assert (status, len(found["data"]), max(found["data"])) == (200, POINTS, 1.0)
        assert max(found["data"][100:150]) < 0.1  # nobody speaks in the middle
        storages["recordings"].delete(heard.audio_file)
        assert self.waveform(heard, owner) == (200, found)

    def test_who_may_hear_it_may_see_it(self, owner, colleague, heard):
        assert self.waveform(heard)[0] == 401
        assert self.waveform(heard, colleague)[0] == 403
        Transcript.objects.update(share_mode="public")
        assert self.waveform(heard)[0] == 200

    def test_a_file_that_cannot_be_heard_has_none(self, owner):
        name = storages["recordings"].save("1/audio.mp3", ContentFile(b"nothing"))
        found = self.waveform(make_transcript(owner, audio_file=name), owner)
        assert found == (404, error("Audio file not found"))

    def test_without_audio_there_is_none(self, owner):
        assert self.waveform(make_transcript(owner), owner) == (404, error("Audio file not found"))

    def test_it_goes_with_the_audio(self, owner, heard):
        self.waveform(heard, owner)
        deletion.delete_everywhere(heard.recording, [heard.audio_file])
        assert self.waveform(heard, owner)[0] == 404
