from django.apps import AppConfig


class MeetingsConfig(AppConfig):
    name = "meetings"

    def ready(self) -> None:
        from meetings import receivers, rollout_figures, room_deletion  # noqa: F401  (they register themselves)
