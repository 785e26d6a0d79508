from django.apps import AppConfig


class PlatformsConfig(AppConfig):
    name = "platforms"

    def ready(self) -> None:
        from platforms import checks, jobs, tasks  # noqa: F401  (they register themselves)
