"""What turns a stored recording into a transcript; RECORDING_PROCESSOR names the one that is used.

`base` holds the interface, `handler` makes the processor of an alias in the RECORDING_PROCESSORS setting, and each
other module is one processor, or what several share. Adding one: a subclass of `Processor`, and a line in the setting.
"""

from recordings.transcription.processors.base import (
    AudioPart,
    ModelMissing,
    Processor,
    Result,
    Segment,
    TranscriptionRequest,
)
from recordings.transcription.processors.handler import create_processor, get_available_processors

__all__ = [
    "AudioPart",
    "ModelMissing",
    "Processor",
    "Result",
    "Segment",
    "TranscriptionRequest",
    "create_processor",
    "get_available_processors",
]
