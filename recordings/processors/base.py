"""The interface that every processor keeps. All times are seconds from the start of the recording."""

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO


@dataclass(frozen=True)
class AudioPart:
    """One stored file of a recording: the only one, or one person's track.

    `offset` is where its own second zero lies in the recording. `speaker` is "" where it is not known who speaks.
    `link` makes an address that lets its holder fetch the file for a limited time.
    """

    open: Callable[[], BinaryIO]
    link: Callable[[], str] = field(repr=False)
    speaker: str = ""
    offset: float = 0.0
    duration: float = 0.0
    content_type: str = ""


@dataclass(frozen=True)
class Job:
    """A recording to be transcribed. The same recording has the same `id`, however often it is handed over.

    `language` is an ISO 639-1 code, or "" for a language to be found out. `kept` outlives a crash: what a processor
    puts there under a key of its own (JSON) is there when it is given the same recording again.
    """

    id: str
    parts: Sequence[AudioPart]
    language: str = ""
    callback_url: str = ""
    kept: MutableMapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Segment:
    """Something that was said; `speaker` is a name, or "" where it is not known who spoke."""

    start: float
    end: float
    speaker: str
    text: str


@dataclass(frozen=True)
class Result:
    """What was said, in order. `note` tells people what they should know about it, such as why it is empty."""

    language: str = ""
    duration: float = 0.0
    segments: Sequence[Segment] = ()
    note: str = ""


class Processor:
    """One way to transcribe. It is made once per process with the OPTIONS of its alias, and is shared by threads."""

    # Those who may send a result later sign it with one of these.
    result_secrets: Sequence[str] = ()

    def problems(self) -> list[str]:
        """What is missing from its configuration, as sentences that name the variables."""
        return []

    def process(self, job: Job) -> Result | None:
        """The transcript; None when the job was accepted and its result comes later, by `callback_url`.

        May be called again with the same job. Raises PlatformUnavailable to be called again later, and PlatformRejected
        or PlatformNotConfigured when that would not help.
        """
        raise NotImplementedError
