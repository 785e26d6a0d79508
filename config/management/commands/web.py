from typing import Any

from django.core.management.base import BaseCommand

from config.web.command import be_web


class Command(BaseCommand):
    help = "Run the web server: WEB_PROCESSES processes on HOST and PORT."
    requires_system_checks: list[str] = []  # those who deploy run `check --deploy`

    def handle(self, *args: Any, **options: Any) -> None:
        be_web()
