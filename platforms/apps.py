from django.apps import AppConfig


class PlatformsConfig(AppConfig):
    name = "platforms"

    def ready(self) -> None:
        from platforms import checks  # noqa: F401  (registers the system checks)
