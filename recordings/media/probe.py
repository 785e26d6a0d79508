"""What a file holds, by its content and never by its name; and reading media that may be broken or malicious.

FFmpeg reads through the given file alone: of the formats that it knows only plain containers are let in, because
playlists and the like name other files and addresses, which it would open.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

logger = logging.getLogger(__name__)

# FFmpeg's name of a container -> its media type, without and with video.
CONTENT_TYPES = {
    "matroska,webm": ("audio/webm", "video/webm"),
    "mov,mp4,m4a,3gp,3g2,mj2": ("audio/mp4", "video/mp4"),
    "ogg": ("audio/ogg", "video/ogg"),
    "mp3": ("audio/mpeg", "audio/mpeg"),
    "wav": ("audio/wav", "audio/wav"),
    "flac": ("audio/flac", "audio/flac"),
    "aac": ("audio/aac", "audio/aac"),
}
# Those that do not say how long they are, so that FFmpeg guesses by the bit rate.
GUESSED_DURATION = frozenset({"mp3", "aac"})
MATROSKA_DOCTYPE = b"\x42\x82"  # the id of the element that tells WebM from Matroska

LONGEST_SECONDS = 24 * 3600.0  # a timestamp beyond is damage
# What anybody may send is held to this: so many seconds, and then a second for so many bytes of the file. Of speech the
# leanest codecs make six times as many; a file that says that it is longer is all gaps, which cost more than it does.
BRIEF_SECONDS = 120.0
SPARSEST_BYTES_PER_SECOND = 100.0
OPEN_TIMEOUT_SECONDS = 60.0  # to find out what is in a file
READ_TIMEOUT_SECONDS = 120.0  # for one packet
STREAMS = 64  # in one file
PIXELS = 64_000_000  # in one picture, which is twice 8K
MAX_UNDECODABLE_PACKETS = 500  # packets that may fail to decode before the audio counts as undecodable
READ_SIZE_BYTES = 64 * 1024
EBML_HEAD_BYTES = 64


class NotMedia(Exception):
    """No media that can be read; the text says what is wrong with it, and trying again will not help."""


@dataclass(frozen=True)
class MediaInfo:
    """`start` is the first timestamp and `duration` the last, in seconds of the file's own clock.

    `has_audio` tells whether there is audio that decodes, be it silence.
    """

    duration: float
    content_type: str
    start: float = 0.0
    audio_codec: str = ""
    video_codec: str = ""

    @property
    def has_audio(self) -> bool:
        return bool(self.audio_codec)

    @property
    def has_video(self) -> bool:
        return bool(self.video_codec)


def probe(file: BinaryIO) -> MediaInfo:
    """What is in a seekable file. Raises NotMedia; an error of the file itself (OSError) passes through.

    Reads little of it, except where the duration is not written down: then the whole file goes by once.
    """
    if not _head(file):
        raise NotMedia("The file is empty.")
    with opened(file) as container:
        pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        audio = _sounding(container)
        return MediaInfo(
            duration=_written_duration(container) or _measured_duration(file),
            content_type=_content_type(container.format.name, _head(file), bool(pictures)),
            start=start_of(container),
            audio_codec=_codec(audio) if audio else "",
            video_codec=_codec(pictures[0]) if pictures else "",
        )


@contextmanager
def opened(file: BinaryIO) -> Iterator[InputContainer]:
    """The container in a seekable file. What FFmpeg cannot read is NotMedia; what reading raises passes through."""
    source = _Source(file)
    try:
        with av.open(
            source,
            "r",
            options={
                "format_whitelist": ",".join(CONTENT_TYPES),
                "max_streams": str(STREAMS),
                "max_pixels": str(PIXELS),
            },
            timeout=(OPEN_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
            buffer_size=READ_SIZE_BYTES,
            metadata_errors="replace",
        ) as container:
            yield container
    except av.ExitError as error:
        raise TimeoutError("Reading the media took too long.") from error
    except av.FFmpegError as error:
        raise source.error or NotMedia(f"This is no media, or it is broken: {error.strerror}.") from error
    if source.error:
        raise source.error  # FFmpeg may have taken it for the end of the file


def longest_in(size: int) -> float:
    """How many seconds a file of so many bytes, from anybody, may be."""
    return min(LONGEST_SECONDS, BRIEF_SECONDS + size / SPARSEST_BYTES_PER_SECOND)


def audio_streams(container: InputContainer) -> list[AudioStream]:
    """Those that can be decoded, the one that FFmpeg holds for the main one first."""
    streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
    main = container.streams.best("audio")
    for stream in streams:
        stream.codec_context.thread_count = 1
    return sorted(streams, key=lambda stream: main is None or stream.index != main.index)


def start_of(container: InputContainer) -> float:
    """The first timestamp in it, in seconds."""
    return max(0.0, (container.start_time or 0) / av.time_base)


def decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """The frames of a stream; what is damaged is left out."""
    for packet in packets(container, stream):
        with suppress(av.FFmpegError):
            yield from cast(list[AudioFrame], packet.decode())


def packets(container: InputContainer, *streams: Stream) -> Iterator["Packet[Any]"]:
    """The packets of these streams, or of all, up to the end or to damage that cannot be passed over."""
    try:
        yield from container.demux(*streams)
    except av.ExitError:
        raise
    except av.FFmpegError as error:
        logger.warning("media_damaged error=%s", type(error).__name__)


class _Source:
    """A file as FFmpeg reads it. After an error it seems to end: FFmpeg may swallow the error, so that it is kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: Exception | None = None
        file.seek(0)

    def read(self, size: int) -> bytes:
        if self.error:
            return b""
        try:
            return self._file.read(size)
        except Exception as error:  # noqa: BLE001  (raised again by `opened`)
            self.error = error
            return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _sounding(container: InputContainer) -> AudioStream | None:
    """The first stream with audio that decodes."""
    streams = audio_streams(container)
    for number, packet in enumerate(packets(container, *streams) if streams else ()):
        if number > MAX_UNDECODABLE_PACKETS * len(streams):
            break
        with suppress(av.FFmpegError):
            if packet.decode():
                return cast(AudioStream, packet.stream)
    return None


def _codec(stream: Stream) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def _written_duration(container: InputContainer) -> float:
    if container.duration is None or container.format.name in GUESSED_DURATION:
        return 0.0
    seconds = container.duration / av.time_base
    return seconds if 0 < seconds <= LONGEST_SECONDS else 0.0


def _measured_duration(file: BinaryIO) -> float:
    """The end of the last packet that is not damaged.

    Recorders that write to a stream do not know it when they write the head.
    """
    end = 0.0
    with opened(file) as container:
        for packet in packets(container):
            if packet.pts is not None and packet.time_base is not None:
                time = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                end = max(end, time) if time <= LONGEST_SECONDS else end
    return end


def _content_type(format_name: str, head: bytes, has_pictures: bool) -> str:
    audio, video = CONTENT_TYPES[format_name]
    content_type = video if has_pictures else audio
    if MATROSKA_DOCTYPE in head and b"webm" not in head:
        return content_type.replace("webm", "x-matroska")
    return content_type


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(EBML_HEAD_BYTES)
