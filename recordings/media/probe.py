"""What a file holds, by its content and never by its name."""

from typing import BinaryIO

from recordings.media.decoding import ask
from recordings.media.info import MediaInfo


def probe(file: BinaryIO) -> MediaInfo:
    """What is in a seekable file. Raises NotMedia; an error of the file itself (OSError) passes through.

    Reads little of it, except where the duration is not written down: then the whole file goes by once.
    """
    return MediaInfo(**ask(file, "contents"))
