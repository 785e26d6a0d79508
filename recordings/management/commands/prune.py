from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from recordings.privacy.retention import prune


class Command(BaseCommand):
    help = "Trash recordings that are older than their room keeps them, and empty the trash; runs every hour by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        prefix = "would be: " if options["dry_run"] else ""
        self.stdout.write(f"{prefix}{prune(options['dry_run'])}")
