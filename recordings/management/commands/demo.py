from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from recordings.management.demo import Filled, NameTaken, fill

NOT_HERE = (
    "This installation is not one to try things out on (DEBUG, with SQLite): rooms, transcripts and a rollout would be "
    "added to what people work with. --force does it all the same."
)


class Command(BaseCommand):
    help = (
        "Fill an installation for trying out with rooms, meetings, transcripts and a rollout half-way; may be repeated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="also where people work")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DEBUG and connection.vendor == "sqlite":
            call_command("migrate", verbosity=0)
        elif not options["force"]:
            raise CommandError(NOT_HERE)
        call_command("ensure_admin", stdout=self.stdout)
        owner = get_user_model().objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if owner is None:
            raise CommandError("There is no active superuser to whom it could belong.")
        try:
            self.tell(fill(owner))
        except NameTaken as error:
            raise CommandError(str(error)) from error

    def tell(self, filled: Filled) -> None:
        base = settings.PUBLIC_URL
        self.stdout.write("The demo is there." if filled.is_new else "The demo was there already.")
        if filled.rollout:
            self.stdout.write(filled.rollout)
        lines = [
            ("All rooms", "/"),
            *((room.label, f"/rooms/{room.name}") for room in filled.rooms),
            *((transcript.shown_title, f"/transcripts/{transcript.pk}") for transcript in filled.transcripts),
            ("Search", "/search?q=chain"),
            ("The rollout", "/admin/"),
        ]
        width = max(len(title) for title, _ in lines)
        self.stdout.write("Open, while `make run` runs:")
        self.stdout.writelines(f"  {title:<{width}}  {base}{path}\n" for title, path in lines)
