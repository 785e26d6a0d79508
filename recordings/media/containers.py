"""Reading media that may be broken or malicious; only `decoder` does it, in a bounded child.

FFmpeg reads through the given file alone: of the formats that it knows only plain containers are let in, because
playlists and the like name other files and addresses, which it would open.
"""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from recordings.media.info import NotMedia

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
READ_SIZE_BYTES = 64 * 1024
STREAMS = 64  # in one file
PIXELS = 64_000_000  # in one picture, which is twice 8K


@contextmanager
def opened(file: BinaryIO) -> Iterator[InputContainer]:
    """The container in a seekable file. What FFmpeg cannot read is NotMedia."""
    file.seek(0)
    options = {"format_whitelist": ",".join(CONTENT_TYPES), "max_streams": str(STREAMS), "max_pixels": str(PIXELS)}
    try:
        with av.open(file, "r", options=options, buffer_size=READ_SIZE_BYTES, metadata_errors="replace") as container:
            yield container
    except av.FFmpegError as error:
        _require_memory(error)
        raise NotMedia(f"This is no media, or it is broken: {error.strerror}.") from error


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


def packets(container: InputContainer, *streams: Stream) -> Iterator["Packet[Any]"]:
    """The packets of these streams, or of all, up to the end or to damage that cannot be passed over."""
    try:
        yield from container.demux(*streams)
    except av.FFmpegError as error:
        _require_memory(error)
        logger.warning("media_damaged error=%s", type(error).__name__)


def frames_of(packet: "Packet[Any]") -> list[AudioFrame]:
    """None of one that is damaged."""
    try:
        return cast(list[AudioFrame], packet.decode())
    except av.FFmpegError as error:
        _require_memory(error)
        return []


def _require_memory(error: av.FFmpegError) -> None:
    if error.errno == errno.ENOMEM:
        raise MemoryError from error
