from django.apps import AppConfig


class RoomsConfig(AppConfig):
    name = "rooms"

    def ready(self) -> None:
        from rooms import jobs, receivers  # noqa: F401  (they register themselves)
