from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.web.command import be_web


class Command(BaseCommand):
    help = "Run the web server once more, for the connections that stay: a proxy in front sends those here."
    requires_system_checks: list[str] = []  # as for `web`

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--processes", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        be_web(options["port"], options["processes"])
