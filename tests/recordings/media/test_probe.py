import io
from typing import BinaryIO, cast

import av
import pytest

from platforms.work.models import LeaseLost
from recordings.media.info import NotMedia
from recordings.media.probe import probe
from tests.support.media import (
    Sound,
    broken,
    media,
    silent,
    track,
    video_only,
    with_audio,
    with_audio_and_video,
)
from tests.support.stub_provider import StubProvider


def probed(content):
    return probe(io.BytesIO(content))


# What is in a file


@pytest.mark.parametrize(
    ("container", "content_type", "codec"),
    [
        ("mp4", "audio/mp4", "aac"),
        ("matroska", "audio/x-matroska", "aac"),
        ("webm", "audio/webm", "opus"),
        ("ogg", "audio/ogg", "opus"),
        ("mp3", "audio/mpeg", "mp3"),
        ("wav", "audio/wav", "pcm_s16le"),
        ("flac", "audio/flac", "flac"),
        ("adts", "audio/aac", "aac"),
    ],
)
def test_audio_is_known_by_its_content(container, content_type, codec):
    info = probed(with_audio(container, 2.0))
    assert (info.content_type, info.audio_codec) == (content_type, codec)
    assert info.has_audio
    assert not info.has_video
    assert info.duration == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize(
    ("container", "content_type", "codec"),
    [("mp4", "video/mp4", "h264"), ("matroska", "video/x-matroska", "h264"), ("webm", "video/webm", "vp8")],
)
def test_video_with_audio_is_known_by_its_content(container, content_type, codec):
    info = probed(with_audio_and_video(container, 2.0))
    assert (info.content_type, info.video_codec, info.has_audio) == (content_type, codec, True)


def test_silence_is_audio():
    assert probed(silent()).has_audio


def test_video_alone_has_no_audio():
    info = probed(video_only(2.0))
    assert not info.has_audio
    assert info.has_video
    assert info.duration == pytest.approx(2.0, abs=0.3)


def test_an_audio_stream_with_nothing_in_it_is_no_audio():
    assert not probed(media("mp4", sounds=[], video=1.0)).has_audio


def test_audio_that_cannot_be_decoded_is_no_audio():
    content = bytearray(with_audio("flac"))
    first_frame = content.index(b"\xff\xf8")
    content[first_frame:] = bytes(len(content) - first_frame)
    assert not probed(bytes(content)).has_audio


def test_a_cover_picture_is_no_video():
    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as container:
        audio = container.add_stream("libmp3lame", rate=48000, layout="mono")
        picture = container.add_stream("mjpeg", rate=1)
        picture.width = picture.height = 16
        picture.pix_fmt = "yuvj420p"
        picture.disposition = av.stream.Disposition.attached_pic
        container.mux(picture.encode(av.VideoFrame(16, 16, "yuvj420p")))
        container.mux(picture.encode(None))
        frame = av.AudioFrame(format="s16p", layout="mono", samples=48000)
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    info = probed(out.getvalue())
    assert (info.content_type, info.has_audio, info.has_video) == ("audio/mpeg", True, False)


# How long it is


def test_a_track_that_does_not_say_how_long_it_is_is_measured():
    content = track(Sound(0, 1.5), Sound(4, 2))
    with av.open(io.BytesIO(content), "r") as container:
        assert container.duration is None
    assert probed(content).duration == pytest.approx(6.0, abs=0.03)


def test_the_silence_before_somebody_first_speaks_counts():
    assert probed(track(Sound(7, 1))).duration == pytest.approx(8.0, abs=0.03)


def test_a_file_that_was_cut_off_is_as_long_as_what_is_there():
    content = track(Sound(0, 5))
    assert probed(content[: len(content) // 2]).duration == pytest.approx(2.5, abs=0.4)


# What is not media


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="zero bytes"),
        pytest.param(b"hello world\n" * 1000, id="text"),
        pytest.param(bytes(range(256)) * 40, id="arbitrary bytes"),
        pytest.param(bytes(10_000), id="zeros"),
        pytest.param(broken(), id="broken mp4"),
        pytest.param(with_audio("webm")[:60], id="only the first bytes of a webm"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(1000), id="a picture"),
    ],
)
def test_what_is_not_media_is_refused_with_a_reason(content):
    with pytest.raises(NotMedia, match=r"The file is empty|This is no media, or it is broken"):
        probed(content)


def test_a_playlist_that_names_other_addresses_calls_none_of_them():
    with StubProvider() as stub:
        for content in (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{stub.url}/segment.ts\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile '{stub.url}/file.mp4'\n",
        ):
            with pytest.raises(NotMedia):
                probed(content.encode())
        assert stub.requests == []


def test_nothing_is_written_to_the_log_or_to_the_terminal_about_broken_files(capfd, caplog):
    with pytest.raises(NotMedia):
        probed(broken())
    probed(with_audio("webm")[:5000])
    assert capfd.readouterr() == ("", "")


# How it is read


class Counting(io.RawIOBase):
    """A file of any length that is mostly made up, and counts what is read of it."""

    def __init__(self, content, size):
        self.content, self.size = content, size
        self.position = self.bytes_read = self.jumps = 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.position

    def seek(self, offset, whence=io.SEEK_SET):
        place = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence] + offset
        self.jumps += place != self.position
        self.position = place
        return place

    def readinto(self, buffer):
        count = max(0, min(len(buffer), self.size - self.position))
        known = self.content[self.position : self.position + count]
        buffer[:count] = known + bytes(count - len(known))
        self.position += count
        self.bytes_read += count
        return count


def test_little_is_read_of_a_large_file_that_says_how_long_it_is():
    content = with_audio_and_video("mp4", 2.0)
    padding = 5 * 1024**3
    head = content + (1).to_bytes(4, "big") + b"free" + padding.to_bytes(8, "big")
    file = Counting(head, len(content) + padding)
    assert probe(cast(BinaryIO, file)).has_audio
    assert file.bytes_read < 2 * 1024**2
    assert file.jumps < 20


class Failing(io.BytesIO):
    error: Exception = OSError("the bucket is away")

    def read(self, size=-1):
        if self.tell() > 20_000:
            raise self.error
        return super().read(size)


@pytest.mark.parametrize("content", [track(Sound(0, 30)), with_audio("mp4", 30.0)], ids=["webm", "mp4"])
def test_a_file_that_cannot_be_read_at_present_is_not_taken_for_a_broken_one(content, capfd):
    with pytest.raises(OSError, match="the bucket is away"):
        probe(Failing(content))
    assert capfd.readouterr() == ("", "")


def test_who_reads_may_break_it_off():
    file = Failing(track(Sound(0, 30)))
    file.error = LeaseLost()
    with pytest.raises(LeaseLost):
        probe(file)
