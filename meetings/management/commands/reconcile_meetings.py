from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from meetings import reconcile
from meetings.models import Meeting
from platforms.handler import get_available_platforms


class Command(BaseCommand):
    help = "Ask the platforms who is in their live meetings now, and correct what webhooks missed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--platform", choices=get_available_platforms(), help="only this one")
        parser.add_argument("--dry-run", action="store_true", help="say what would be corrected, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        platforms = [options["platform"]] if options["platform"] else get_available_platforms()
        failed = []
        for platform in platforms:
            live = reconcile.least_recently_checked(Meeting.objects.live().filter(platform=platform))
            summary = reconcile.poll_presence(platform, live, now, options["dry_run"])
            if summary.meetings:
                self.stdout.write(str(summary))
            failed += [platform] if summary.error else []
        if failed:
            raise CommandError(f"Could not ask: {', '.join(failed)}.")
