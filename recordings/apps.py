from django.apps import AppConfig


class RecordingsConfig(AppConfig):
    name = "recordings"

    def ready(self) -> None:
        from recordings import jobs, receivers, rollout_figures  # noqa: F401  (they register themselves)
        from recordings.transcription.processors import checks  # noqa: F401  (registers the system checks)
