"""What a file holds, by its content and never by its name; and reading media that may be broken or hostile.

FFmpeg reads through the given file alone: of the formats that it knows only plain containers are let in, because
playlists and the like name other files and addresses, which it would open.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
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

OPEN_TIMEOUT = 60.0  # seconds to find out what is in a file
READ_TIMEOUT = 120.0  # seconds for one packet
STREAMS = 64  # in one file
PIXELS = 64_000_000  # in one picture, which is twice 8K
PATIENCE = 500  # packets that may fail to decode before the audio counts as undecodable
READ_SIZE = 64 * 1024  # bytes
EBML_HEAD = 64  # bytes


class NotMedia(Exception):
    """No media that can be read; the text says what is wrong with it, and trying again will not help."""


@dataclass(frozen=True)
class MediaInfo:
    """`duration` is in seconds. `has_audio` tells whether there is audio that decodes, be it silence."""

    duration: float
    content_type: str
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
        audio = audio_stream(container)
        sounds = audio is not None and next(decoded(container, audio, PATIENCE), None) is not None
        return MediaInfo(
            duration=_written_duration(container) or _measured_duration(file),
            content_type=_content_type(container.format.name, _head(file), bool(pictures)),
            audio_codec=_codec(audio) if audio and sounds else "",
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
            timeout=(OPEN_TIMEOUT, READ_TIMEOUT),
            buffer_size=READ_SIZE,
            metadata_errors="replace",
        ) as container:
            yield container
    except av.ExitError as error:
        raise TimeoutError("Reading the media took too long.") from error
    except av.FFmpegError as error:
        raise source.error or NotMedia(f"This is no media, or it is broken: {error.strerror}.") from error
    if source.error:
        raise source.error  # FFmpeg may have taken it for the end of the file


def audio_stream(container: InputContainer) -> AudioStream | None:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream) or stream.codec_context is None:
        return None
    stream.codec_context.thread_count = 1
    return stream


def decoded(container: InputContainer, stream: AudioStream, patience: int = 0) -> Iterator[AudioFrame]:
    """The frames of a stream; what is damaged is left out. Ends after `patience` packets without any frame."""
    barren = 0
    for packet in packets(container, stream):
        try:
            frames = cast(list[AudioFrame], packet.decode())
        except av.FFmpegError:
            frames = []
        yield from frames
        barren = 0 if frames else barren + 1
        if patience and barren > patience:
            return


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


def _codec(stream: Stream) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def _written_duration(container: InputContainer) -> float:
    if container.duration is None or container.format.name in GUESSED_DURATION:
        return 0.0
    return max(0.0, container.duration / av.time_base)


def _measured_duration(file: BinaryIO) -> float:
    """The end of the last packet, as recorders that write to a stream do not know it when they write the head."""
    end = 0.0
    with opened(file) as container:
        for packet in packets(container):
            if packet.pts is not None and packet.time_base is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return end


def _content_type(format_name: str, head: bytes, has_pictures: bool) -> str:
    audio, video = CONTENT_TYPES[format_name]
    content_type = video if has_pictures else audio
    if MATROSKA_DOCTYPE in head and b"webm" not in head:
        return content_type.replace("webm", "x-matroska")
    return content_type


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(EBML_HEAD)
