from recordings.transcription.processors.base import Processor, Result, TranscriptionRequest


class NullProcessor(Processor):
    """Transcribes nothing and says so: recordings are stored, each with an empty transcript."""

    def process(self, request: TranscriptionRequest) -> Result:
        return Result(note="Not transcribed: RECORDING_PROCESSOR is null.")
