from django.apps import AppConfig


class RecordingsConfig(AppConfig):
    name = "recordings"

    def ready(self) -> None:
        from recordings import receivers  # noqa: F401  (connects them)
        from recordings.processors import checks  # noqa: F401  (registers the system checks)
