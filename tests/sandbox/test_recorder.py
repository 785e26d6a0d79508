import io
from datetime import UTC, datetime, timedelta

import av
import pytest

from platforms.sandbox.media.recorder import record
from platforms.sandbox.world.model import Recording, Room, Rules, Segment
from tests.sandbox.listening import level
from tests.support.media import Sound, broken, heard, loudness, media, speech, stretches

START = datetime(2026, 1, 1, 9, tzinfo=UTC)


@pytest.fixture
def make_recording(tmp_path):
    """A recording that is over; each person's segments as (offset in seconds, bytes)."""

    def make(kind="cloud", seconds=4.0, **people):
        recording = Recording(
            id="one",
            room=Room("mock", "standup", Rules(), START),
            kind=kind,
            started_by="",
            instance_id="",
            started_at=START,
            most=len(people),
            stopped_at=START + timedelta(seconds=seconds),
            folder=tmp_path / "one",
        )
        for person, segments in people.items():
            recording.audio[person] = {
                number: Segment(START + timedelta(seconds=offset), bytearray(data))
                for number, (offset, data) in enumerate(segments)
            }
        return recording

    return make


def captured(frequency=400, seconds=2.0):
    """As a browser's MediaRecorder writes it: no length in the head."""
    return media("webm", [Sound(0, seconds, frequency)], duration_known=False)


def content(file):
    return file.path.read_bytes()


def streams(file):
    with av.open(str(file.path)) as container:
        return [stream.codec_context.name for stream in container.streams]


def length(file):
    with av.open(str(file.path)) as container:
        return container.duration / av.time_base


def test_all_voices_are_in_one_file_each_at_its_time(make_recording):
    recording = make_recording(ada=[(0.0, captured(400))], bo=[(1.5, captured(800))])
    [file] = record(recording)
    samples = heard(content(file))
    assert (file.kind, file.content_type, file.offset) == ("mix", "video/mp4", 0.0)
    assert streams(file) == ["h264", "aac"]
    assert level(samples, 400, 0.2, 1.3) > 6000 > 300 > level(samples, 800, 0.2, 1.3)
    assert level(samples, 400, 1.6, 1.9) > 6000 < level(samples, 800, 1.6, 1.9)
    assert level(samples, 800, 2.2, 3.3) > 6000 > 300 > level(samples, 400, 2.2, 3.3)
    assert loudness(samples, 3.7, 4.0) < 50


def test_the_file_is_as_long_as_the_recording_was(make_recording):
    [file] = record(make_recording(seconds=7.3, ada=[(0.0, captured(seconds=1.0))]))
    assert file.duration == pytest.approx(7.3)
    assert length(file) == pytest.approx(7.3, abs=1.0)
    assert len(heard(content(file))) / 48000 == pytest.approx(7.3, abs=0.1)
    assert file.size == len(content(file))


def test_what_came_after_the_stop_is_kept(make_recording):
    [file] = record(make_recording(seconds=0.5, ada=[(0.0, captured(seconds=2.0))]))
    assert file.duration == pytest.approx(2.0, abs=0.1)


def test_a_microphone_that_stopped_and_began_again_is_heard_twice(make_recording):
    [file] = record(make_recording(seconds=6, ada=[(0.0, captured(seconds=1.0)), (4.0, captured(seconds=1.0))]))
    [first, second] = stretches(heard(content(file)))
    assert first == (pytest.approx(0, abs=0.1), pytest.approx(1, abs=0.2))
    assert second == (pytest.approx(4, abs=0.1), pytest.approx(5, abs=0.2))


def test_a_gap_within_a_segment_stays_a_gap(make_recording):
    data = media("webm", speech(0, 2.0, seconds=1.0), duration_known=False)
    [file] = record(make_recording(ada=[(0.5, data)]))
    assert len(stretches(heard(content(file)))) == 2


def test_several_loud_voices_do_not_overdrive(make_recording):
    loud = media("webm", [Sound(0, 2.0, 400, 30000)], duration_known=False)
    [file] = record(make_recording(ada=[(0, loud)], bo=[(0, loud)], cy=[(0, loud)]))
    samples = heard(content(file))
    assert level(samples, 400, 0.5, 1.5) > 25000
    assert level(samples, 1200, 0.5, 1.5) < 500  # where waves are cut off at the top, this is a third of the other


@pytest.mark.parametrize("bad", [b"", b"nonsense", captured()[:60], broken()])
def test_a_broken_segment_is_left_out(make_recording, bad):
    recording = make_recording(ada=[(0.0, captured(400))], bo=[(0.0, bad)])
    [file] = record(recording)
    assert level(heard(content(file)), 400, 0.2, 1.8) > 6000
    recording.kind = "raw-tracks"
    assert [file.session_id for file in record(recording)] == ["ada"]


def test_of_a_segment_that_is_cut_off_the_rest_is_kept(make_recording):
    data = captured(400, seconds=4.0)
    recording = make_recording(ada=[(0.0, data[: len(data) // 2])])
    [file] = record(recording)
    assert level(heard(content(file)), 400, 0.2, 1.5) > 6000
    recording.kind = "raw-tracks"
    [file] = record(recording)
    assert 1.0 < file.duration < 3.0


def test_when_nobody_was_heard_the_file_is_silent(make_recording):
    [file] = record(make_recording(seconds=3.0))
    assert streams(file) == ["h264", "aac"]
    assert loudness(heard(content(file)), 0, 3.0) < 1
    assert len(heard(content(file))) / 48000 == pytest.approx(3.0, abs=0.1)


def test_a_recorder_that_lost_the_sound_leaves_pictures_only(make_recording):
    [file] = record(make_recording(seconds=3.0, ada=[(0.0, captured())]), with_sound=False)
    assert streams(file) == ["h264"]
    assert length(file) == pytest.approx(3.0, abs=1.0)


def test_raw_tracks_are_one_file_for_each_stretch_of_each_person(make_recording):
    recording = make_recording(
        "raw-tracks", ada=[(0.25, captured(400, 1.0)), (2.0, captured(500, 1.5))], bo=[(1.0, captured(800))]
    )
    files = record(recording)
    assert [(file.session_id, file.offset) for file in files] == [("ada", 0.25), ("ada", 2.0), ("bo", 1.0)]
    assert len({file.name for file in files}) == len({file.path for file in files}) == 3
    assert {(file.kind, file.content_type) for file in files} == {("audio", "audio/webm")}
    assert [file.duration for file in files] == pytest.approx([1.0, 1.5, 2.0], abs=0.1)
    for file, frequency in zip(files, (400, 500, 800), strict=True):
        assert streams(file) == ["opus"]
        assert length(file) == pytest.approx(file.offset + file.duration, abs=0.05)
        assert level(heard(content(file)), frequency, 0.2, 0.8) > 6000


def test_the_timestamps_of_raw_tracks_count_from_the_start_of_the_recording(make_recording):
    """As Daily's do: https://github.com/daily-co/raw-tracks-tools"""
    data = media("webm", [Sound(0, 1.0), Sound(3, 1.0)], duration_known=False)
    [file] = record(make_recording("raw-tracks", ada=[(30.0, data)]))
    with av.open(str(file.path)) as container:
        times = [float(packet.pts * packet.time_base) for packet in container.demux(audio=0) if packet.pts is not None]
    assert times[0] == pytest.approx(30.0, abs=0.05)
    assert times[-1] == pytest.approx(33.98, abs=0.05)
    assert file.duration == pytest.approx(4.0, abs=0.05)


def test_raw_tracks_of_silence_are_no_files(make_recording):
    assert record(make_recording("raw-tracks")) == []


def test_the_mp4_can_be_read_from_its_start(make_recording):
    """Players and the product find out what it is by its first bytes."""
    [file] = record(make_recording(ada=[(0, captured())]))
    with av.open(io.BytesIO(content(file))) as container:
        assert "mp4" in container.format.name
