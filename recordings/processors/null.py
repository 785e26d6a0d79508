from recordings.processors.base import Job, Processor, Result


class NullProcessor(Processor):
    """Transcribes nothing and says so: recordings are stored, each with an empty transcript."""

    def process(self, job: Job) -> Result:
        return Result(note="Not transcribed: RECORDING_PROCESSOR is null.")
