"""What is known of media, and how long they may be. It imports nothing, so that every part may."""

from dataclasses import dataclass

LONGEST_SECONDS = 24 * 3600.0  # a timestamp beyond is damage
# What anybody may send is held to this: so many seconds, and then a second for so many bytes of the file. Of speech the
# leanest codecs make six times as many; a file that says that it is longer is all gaps, which cost more than it does.
BRIEF_SECONDS = 120.0
SPARSEST_BYTES_PER_SECOND = 100.0


class NotMedia(Exception):
    """No media that can be read; the text says what is wrong with it, and trying again will not help."""


class Unreadable(NotMedia):
    """Reading it takes more time or memory than is given to any file, or ends the process that reads it."""


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


def longest_in(size: int) -> float:
    """How many seconds a file of so many bytes, from anybody, may be."""
    return min(LONGEST_SECONDS, BRIEF_SECONDS + size / SPARSEST_BYTES_PER_SECOND)


def require_length(seconds: float, longest: float) -> None:
    """Raises NotMedia."""
    if seconds <= longest:
        return
    if longest < LONGEST_SECONDS:
        raise NotMedia(f"There is too little in it for more than {longest / 60:.0f} minutes.")
    raise NotMedia(f"Its timestamps go beyond {LONGEST_SECONDS / 3600:.0f} hours.")
