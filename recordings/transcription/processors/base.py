"""The interface that every processor keeps. All times are seconds from the start of the recording."""

from collections.abc import Callable, Collection, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

from platforms.exceptions import PlatformNotConfigured
from recordings.media.info import LONGEST_SECONDS


@dataclass(frozen=True)
class AudioPart:
    """One stored file of a recording: the only one, or one person's track.

    `offset` is where its own second zero lies in the recording, and `duration` its last timestamp: what is at second t
    by the file's own timestamps is heard at second `offset` + t. `speaker` is "" where it is not known who speaks.
    `link` makes an address that lets its holder fetch the file for a limited time. It is not to be read for more than
    `longest` seconds.
    """

    open: Callable[[], BinaryIO]
    link: Callable[[], str] = field(repr=False)
    speaker: str = ""
    offset: float = 0.0
    duration: float = 0.0
    content_type: str = ""
    longest: float = LONGEST_SECONDS


# What a processor that works through a recording in parts says in `checkpoint` of how far it is: 0 to 100.
PERCENT = "percent"


@dataclass(frozen=True)
class TranscriptionRequest:
    """A recording to be transcribed. The same recording has the same `id`, however often it is handed over.

    `language` is an ISO 639-1 code, or "" for a language to be found out. `kept` outlives a crash: what a processor
    puts there under a key of its own (JSON) is there when it is given the same recording again.
    """

    id: str
    parts: Sequence[AudioPart]
    language: str = ""
    callback_url: str = ""
    checkpoint: MutableMapping[str, Any] = field(default_factory=dict, repr=False)


class Word(NamedTuple):
    """One word; in a language that parts words by spaces, with the one that follows it."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Segment:
    """Something that was said; `speaker` is a name, or "" where it is not known who spoke.

    `words` are those of the text, which they are when they are joined; none where their times are not known.
    """

    start: float
    end: float
    speaker: str
    text: str
    words: Sequence[Word] = ()


@dataclass(frozen=True)
class Result:
    """What was said, in order. `note` tells people what they should know about it, such as why it is empty.

    `language` is the one that it is written down in, `heard` the one that most of it seems to be in. `spoken` are the
    seconds in which somebody speaks, as far as the model tells, and `certainty` is how sure it is of all that was said
    in them, from 0 to 1.
    """

    language: str = ""
    duration: float = 0.0
    segments: Sequence[Segment] = ()
    note: str = ""
    heard: str = ""
    spoken: float = 0.0
    certainty: float = 1.0


class ModelMissing(PlatformNotConfigured):
    """The speech model is not on this machine, or cannot be loaded. The text is for staff: it may name folders."""


class Processor:
    """One way to transcribe. It is made once per process with the OPTIONS of its alias, and is shared by threads."""

    # Those who may send a result later sign it with one of these.
    result_secrets: Sequence[str] = ()
    # What is asked by GET whether it is there; "" where all is done in this process.
    address = ""
    away_statuses: Collection[int] = (502, 503, 504)  # with which a proxy answers for it

    def problems(self) -> list[str]:
        """What is missing from its configuration, as sentences that name the variables."""
        return []

    def languages(self) -> Sequence[str]:
        """The codes of those that people may say a recording is in; none where it would change nothing."""
        return ()

    def process(self, request: TranscriptionRequest) -> Result | None:
        """The transcript; None when the job was accepted and its result comes later, by `callback_url`.

        May be called again with the same job. Raises PlatformUnavailable to be called again later, and PlatformRejected
        or PlatformNotConfigured when that would not help.
        """
        raise NotImplementedError
