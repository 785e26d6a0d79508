import io
from array import array

import pytest
from django.core.files.storage import storages

from recordings.media.audio import Mp3, Reading, zero_in, zero_of
from recordings.media.info import NotMedia
from recordings.media.mixing import extract_audio, mix, mp3_name, store_mp3
from recordings.media.pcm import silence
from recordings.models import Recording
from tests.support.media import (
    RATE,
    Sound,
    heard,
    loudness,
    media,
    several_streams,
    stretches,
    tone,
    track,
    video_only,
    with_audio,
    with_audio_and_video,
)

LOUD = 5600  # root mean square of a sound of the usual amplitude


def opener(content):
    return lambda: io.BytesIO(content)


def reading(content, offset=0.0):
    return Reading(opener(content), offset)


def laid_out(content, rate=RATE, offset=0.0):
    """All samples of a file on the recording's timeline."""
    found = array("h")
    for piece in reading(content, offset).samples(rate):
        found.frombytes(piece)
    return found


def mixed(*tracks):
    """The samples of the MP3 that these (content, offset) make, and the length that was told."""
    out = io.BytesIO()
    seconds = mix([reading(content, offset) for content, offset in tracks], out)
    return heard(out.getvalue()), seconds


def assert_heard(found, *expected, rate=RATE):
    """Encoders smear a sound's edges: to a tenth of a second and a half it must be there."""
    actual = stretches(found, rate)
    assert len(actual) == len(expected), actual
    for one, other in zip(actual, expected, strict=True):
        assert one == pytest.approx(other, abs=0.15)


# One file on the timeline


@pytest.mark.parametrize("rate", [48000, 16000])
def test_a_muted_stretch_becomes_silence_of_its_length(rate):
    found = laid_out(track(Sound(0, 1), Sound(4, 2)), rate)
    assert_heard(found, (0, 1), (4, 6), rate=rate)
    assert len(found) / rate == pytest.approx(6.0, abs=0.03)


def test_a_track_that_begins_muted_keeps_its_place():
    assert_heard(laid_out(track(Sound(3, 1))), (3, 4))


@pytest.mark.parametrize("container", ["mp4", "webm", "ogg", "mp3", "wav", "adts"])
def test_audio_without_gaps_stays_as_long_as_it_is(container):
    found = laid_out(with_audio(container, 2.0))
    assert_heard(found, (0, 2))
    assert len(found) / RATE == pytest.approx(2.0, abs=0.06)


def test_other_sampling_rates_are_converted():
    content = media("wav", [Sound(0, 2, frequency=441)], rate=44100)
    found = laid_out(content, 16000)
    assert len(found) / 16000 == pytest.approx(2.0, abs=0.01)
    assert loudness(found, 0.5, 1.5, 16000) == pytest.approx(LOUD, rel=0.05)


def test_lost_packets_do_not_shift_what_follows():
    """Gaps of 20 ms, each too small to be filled by itself, as on a bad line."""
    found = laid_out(track(*[Sound(number * 0.12, 0.1) for number in range(50)]))
    assert len(found) / RATE == pytest.approx(49 * 0.12 + 0.1, abs=0.06)


def test_damage_in_the_middle_leaves_the_rest_in_its_place():
    content = bytearray(track(Sound(0, 3), Sound(8, 2)))
    middle = len(content) // 4
    content[middle : middle + 2000] = bytes(2000)
    found = stretches(laid_out(bytes(content)))
    assert found[-1] == pytest.approx((8, 10), abs=0.15)


def test_a_clock_that_begins_anew_is_gone_on_with():
    first, second = with_audio("adts", 2.0), with_audio("adts", 2.0)
    assert_heard(laid_out(first + second), (0, 4))


def test_timestamps_that_claim_days_are_refused():
    with pytest.raises(NotMedia, match="timestamps go beyond 24 hours"):
        laid_out(track(Sound(0, 1), Sound(200_000, 1)))


def test_video_alone_is_refused():
    with pytest.raises(NotMedia, match="no audio stream"):
        laid_out(video_only())


def test_long_silence_comes_in_pieces():
    pieces = list(silence(3725.5, 8000))
    assert max(len(piece) for piece in pieces) <= 8000 * 2
    assert sum(len(piece) for piece in pieces) == 3725.5 * 8000 * 2


def test_a_file_is_opened_when_its_time_has_come_and_closed_at_its_end():
    opened = []

    def open_file():
        opened.append(io.BytesIO(with_audio("webm", 1.0)))
        return opened[-1]

    pieces = Reading(open_file, offset=2.0).samples(RATE)
    next(pieces), next(pieces)
    assert opened == []
    list(pieces)
    assert opened
    assert all(file.closed for file in opened)


# Several tracks


def test_tracks_are_mixed_each_at_its_own_time():
    ada = track(Sound(0, 1), Sound(6, 1))
    bo = track(Sound(0, 1), Sound(2, 1))
    found, seconds = mixed((ada, 0.0), (bo, 2.0))
    assert_heard(found, (0, 1), (2, 3), (4, 5), (6, 7))
    assert seconds == pytest.approx(7.0, abs=0.5)
    assert len(found) / RATE == pytest.approx(seconds, abs=0.1)


def test_nobody_becomes_quieter_because_others_are_there():
    alone, _ = mixed((track(Sound(0, 2)), 0.0))
    among, _ = mixed((track(Sound(0, 2)), 0.0), *[(track(Sound(5, 1)), 0.0)] * 4)
    assert loudness(alone, 0.5, 1.5) == pytest.approx(LOUD, rel=0.06)
    assert loudness(among, 0.5, 1.5) == pytest.approx(loudness(alone, 0.5, 1.5), rel=0.03)


def test_two_who_speak_at_once_are_both_heard():
    found, _ = mixed((track(Sound(0, 2, frequency=400)), 0.0), (track(Sound(0, 2, frequency=600)), 0.0))
    assert loudness(found, 0.5, 1.5) == pytest.approx(LOUD * 2**0.5, rel=0.06)


def test_many_loud_voices_at_once_do_not_overflow():
    shouting = track(Sound(0, 2, amplitude=30000))
    found, _ = mixed(*[(shouting, 0.0)] * 4)
    assert max(abs(sample) for sample in found) <= 32400
    assert loudness(found, 0.5, 1.5) == pytest.approx(21000, rel=0.1)


def test_a_track_that_cannot_be_read_is_left_out_and_the_others_are_heard():
    good, bad = reading(track(Sound(0, 1))), reading(b"nothing")
    out = io.BytesIO()
    seconds = mix([good, bad], out)
    assert_heard(heard(out.getvalue()), (0, 1))
    assert seconds == pytest.approx(1.0, abs=0.5)
    assert (good.damage, good.has_sound) == ("", True)
    assert (bad.has_sound, bad.end) == (False, 0.0)
    assert bad.damage.startswith("This is no media, or it is broken")


def test_a_track_is_heard_up_to_a_timestamp_that_jumps():
    bad, good = reading(track(Sound(0, 1), Sound(90_000, 1))), reading(track(Sound(2, 1)))
    out = io.BytesIO()
    seconds = mix([bad, good], out)
    assert_heard(heard(out.getvalue()), (0, 1), (2, 3))
    assert seconds == pytest.approx(3.0, abs=0.5)
    assert bad.end == pytest.approx(1.0, abs=0.1)
    assert bad.damage == "Its timestamps go beyond 24 hours."


def test_when_no_track_can_be_read_it_is_an_error():
    with pytest.raises(NotMedia, match="no media"):
        mixed((b"nothing", 0.0), (b"nothing", 1.0))


# Where a file's own second zero lies


@pytest.mark.parametrize(
    ("first", "offset", "zero"),
    [
        (30.0, 30.2, 0.0),  # as Daily's: the file counts from the start of the recording
        (8.13, 8.339, 0.0),
        (30.4, 30.2, 0.0),
        (45.0, 30.2, 0.0),  # it was silent at first
        (0.0, 30.2, 30.2),  # it counts from zero
        (0.5, 30.2, 30.2),
        (0.0, 0.3, 0.3),
        (7.0, 0.0, 0.0),
    ],
)
def test_a_file_counts_from_the_start_of_the_recording_or_from_its_own(first, offset, zero):
    assert zero_of(first, offset) == zero
    assert zero_in(opener(track(Sound(first, 0.2))), offset) == zero


# Several streams in one file


@pytest.mark.parametrize("container", ["matroska", "mp4"])
def test_all_audio_streams_of_a_file_are_heard(container):
    content = several_streams(container, [Sound(0, 2)], [Sound(3, 2, frequency=600)])
    out = io.BytesIO()
    assert extract_audio(opener(content), out) == pytest.approx(5.0, abs=0.5)
    assert_heard(heard(out.getvalue()), (0, 2), (3, 5))


def test_of_very_many_streams_the_rest_is_counted():
    many = reading(several_streams("matroska", *[[Sound(number, 0.5)] for number in range(10)]))
    assert_heard(array("h", b"".join(many.samples(RATE))), *[(number, number + 0.5) for number in range(8)])
    assert many.unheard == 2


def test_the_audio_of_a_video_is_extracted():
    out = io.BytesIO()
    seconds = extract_audio(opener(with_audio_and_video("mp4", 2.0)), out)
    assert seconds == pytest.approx(2.0, abs=0.05)
    assert_heard(heard(out.getvalue()), (0, 2))


def test_a_player_is_told_the_length_in_the_files_head():
    out = io.BytesIO()
    with Mp3(out, RATE, 64000) as mp3:
        mp3.write(tone(3.0))
    assert b"Xing" in out.getvalue()[:500] or b"Info" in out.getvalue()[:500]


# In the storage


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def test_the_mix_appears_in_the_storage_when_it_is_whole(recordings_folder):
    recording = Recording()
    store_mp3(recording, [reading(with_audio("webm", 1.0), 0.5)])
    name = mp3_name(recording)
    assert names_in(recordings_folder / str(recording.pk)) == ["audio.mp3"]
    with storages["recordings"].open(name) as file:
        assert_heard(heard(file.read()), (0.5, 1.5))


def test_a_mix_that_fails_leaves_nothing_behind_and_the_former_one_in_place(recordings_folder):
    recording = Recording()
    store_mp3(recording, [reading(with_audio("webm", 1.0), 0.0)])
    name = mp3_name(recording)
    former = (recordings_folder / name).read_bytes()
    with pytest.raises(NotMedia):
        store_mp3(recording, [reading(b"nothing", 0.7)])
    assert (recordings_folder / name).read_bytes() == former
    assert names_in(recordings_folder / str(recording.pk)) == ["audio.mp3"]


def test_what_a_killed_worker_left_is_removed_by_the_next(recordings_folder):
    recording = Recording()
    folder = recordings_folder / str(recording.pk)
    folder.mkdir(parents=True)
    (folder / ".audio.mp3.0123456789abcdef").write_bytes(b"half")
    store_mp3(recording, [reading(with_audio("webm", 1.0), 0.0)])
    assert names_in(folder) == ["audio.mp3"]
