"""What a file holds, by its content and never by its name; only `decoder` looks, in a bounded child."""

from typing import BinaryIO, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream

from recordings.media.containers import CONTENT_TYPES, audio_streams, frames_of, opened, packets, start_of
from recordings.media.info import LONGEST_SECONDS, MediaInfo, NotMedia

# Those that do not say how long they are, so that FFmpeg guesses by the bit rate.
GUESSED_DURATION = frozenset({"mp3", "aac"})
MATROSKA_DOCTYPE = b"\x42\x82"  # the id of the element that tells WebM from Matroska
MAX_UNDECODABLE_PACKETS = 500  # packets that may fail to decode before the audio counts as undecodable
EBML_HEAD_BYTES = 64


def look_into(file: BinaryIO) -> MediaInfo:
    """What is in a seekable file. Raises NotMedia.

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


def first_timestamp(file: BinaryIO) -> float:
    """In seconds. Raises NotMedia."""
    with opened(file) as container:
        return start_of(container)


def _sounding(container: InputContainer) -> AudioStream | None:
    """The first stream with audio that decodes."""
    streams = audio_streams(container)
    for number, packet in enumerate(packets(container, *streams) if streams else ()):
        if number > MAX_UNDECODABLE_PACKETS * len(streams):
            break
        if frames_of(packet):
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
