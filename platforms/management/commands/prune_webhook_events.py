from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from platforms.webhooks.retention import TROUBLE_FACTOR, old_webhook_events, prune_webhook_events


class Command(BaseCommand):
    help = (
        "Delete processed webhook events that were received more than --days ago. Those that failed or matched "
        f"nothing are kept {TROUBLE_FACTOR} times as long, those still to be processed for ever."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            help="Default: WEBHOOK_EVENT_RETENTION_DAYS.",
            default=settings.WEBHOOK_EVENT_RETENTION_DAYS,
        )
        parser.add_argument("--dry-run", action="store_true", help="Only say how many there are.")

    def handle(self, *args: Any, days: int, dry_run: bool, **options: Any) -> None:
        if days < 1:
            raise CommandError("--days must be at least 1.")
        if dry_run:
            count = sum(events.count() for events in old_webhook_events(days))
            self.stdout.write(f"{count} webhook events would be deleted.")
        else:
            self.stdout.write(f"{sum(prune_webhook_events(days))} webhook events deleted.")
