"""What the commands of recordings have in common: reading their options, and showing how far they are."""

import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q, QuerySet

from meetings.models import Meeting, room_key_of
from platforms.payloads import moment
from rooms.models import Room


def add_period(parser: ArgumentParser) -> None:
    parser.add_argument("--since", metavar="DATE", help="only recordings that began then or later (UTC), 2026-01-31")
    parser.add_argument("--until", metavar="DATE", help="only recordings that began before (UTC)")


def add_dry_run(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")


def date_of(options: dict[str, Any], name: str) -> datetime | None:
    given = options.get(name)
    if not given:
        return None
    if found := moment(given):
        return found
    raise CommandError(f"--{name} {given!r} is not a date such as 2026-01-31 or 2026-01-31T09:00.")


def period_of(options: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    since, until = date_of(options, "since"), date_of(options, "until")
    if since and until and since >= until:
        raise CommandError("--since must be before --until.")
    return since, until


def meetings_of_room(name: str, **filters: Any) -> QuerySet[Meeting]:
    """The meetings of one of our rooms, or those in the provider's room of that name."""
    room = Room.objects.find(name)
    here = Q(room=room) if room else Q(room_key=room_key_of(name))
    found = Meeting.objects.filter(here, **filters)
    if room is None and not found.exists():
        raise CommandError(f"--room: there is no room {name!r}, here or at the platform.")
    return found


class Progress:
    """How many were looked at, on one line that is written over; nothing where no person looks on."""

    def __init__(self, command: BaseCommand, unit: str, total: int = 0) -> None:
        self.command, self.unit, self.total, self.count = command, unit, total, 0
        self.is_shown = sys.stderr.isatty()

    def step(self) -> None:
        self.count += 1
        if self.is_shown and self.count % 10 == 0:
            share = f" of {self.total} ({100 * self.count // self.total} %)" if self.total else ""
            self.command.stderr.write(f"\r{self.count}{share} {self.unit}", ending="")

    def end(self) -> None:
        if self.is_shown and self.count >= 10:
            self.command.stderr.write("\r" + " " * 60 + "\r", ending="")
