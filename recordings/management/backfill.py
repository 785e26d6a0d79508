"""The commands that find a platform's recordings anew; each is a file whose name has the platform's alias in it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from platforms.abilities import RecordingBucket
from platforms.handler import create_platform_client, get_platform_client_class
from platforms.types import RecordingRef, RecordingStore
from recordings.intake import discovery
from recordings.management.options import Progress, add_dry_run, add_period, meetings_of_room, period_of
from recordings.storage import buckets


class BackfillCommand(BaseCommand):
    """Reports every recording that the platform has. Stopped at any point and run again, it goes on where it was."""

    platform: ClassVar[str]
    help = "Find recordings that nobody told of, and have them fetched. May be run at any time, and again."

    def __init_subclass__(cls) -> None:
        cls.platform = cls.__module__.rpartition(".")[2].removeprefix("backfill_").removesuffix("_recordings")

    def add_arguments(self, parser: CommandParser) -> None:
        add_period(parser)
        parser.add_argument("--room", default="", help="only this room's: its name here, or the provider's")
        add_dry_run(parser)
        client_class = get_platform_client_class(self.platform)
        if issubclass(client_class, RecordingBucket) and client_class.names_recordings_in_bucket:
            parser.add_argument("--bucket", default="", help="look through this bucket instead of the configured one")
            parser.add_argument("--prefix", default=None, help="only objects whose key begins so; default: the folder")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = self.wanted(options)
        found, progress = discovery.Summary(), Progress(self, "recordings")

        def show(ref: RecordingRef, is_new: bool) -> None:
            progress.step()
            if is_new and (options["dry_run"] or options["verbosity"] > 1):
                self.stdout.write(f"{'Would report' if options['dry_run'] else 'Reported'} {describe(ref)}")

        try:
            discovery.register_all(self.refs(wanted, options), found, options["dry_run"], show)
        except (*discovery.FAILURES, Error) as error:
            progress.end()
            reason = discovery.error_summary(error).rstrip(".")
            raise CommandError(f"Stopped: {reason}. {self.summary(found, options)} Run it again to go on.") from error
        progress.end()
        self.stdout.write(self.summary(found, options))
        if found.failed:
            raise CommandError(f"{found.failed} recordings could not be written; see the log.")

    def wanted(self, options: dict[str, Any]) -> discovery.Filter:
        since, until = period_of(options)
        if not options["room"]:
            return discovery.Filter(since, until)
        meetings = meetings_of_room(options["room"], platform=self.platform).exclude(room_name="")
        names = frozenset(meetings.values_list("room_name", flat=True))
        if not names:
            raise CommandError(f"--room: {options['room']!r} has had no meeting on {self.platform}.")
        return discovery.Filter(since, until, names)

    def refs(self, wanted: discovery.Filter, options: dict[str, Any]) -> Iterator[RecordingRef]:
        if not options.get("bucket") and options.get("prefix") is None:
            return discovery.recordings_of(create_platform_client(self.platform), wanted)
        client = buckets.client_of(self.platform)
        store = buckets.store_of(client)
        if client is None or store is None:
            raise CommandError(f"{self.platform} has no bucket for recordings; see env.example.")
        return discovery.recordings_of(client, wanted, self.store(store, options))

    def store(self, configured: RecordingStore, options: dict[str, Any]) -> RecordingStore:
        """Another bucket is read with the same key; its folder is not known."""
        bucket = options["bucket"] or configured.bucket
        prefix = configured.prefix if bucket == configured.bucket else ""
        return replace(configured, bucket=bucket, prefix=prefix if options["prefix"] is None else options["prefix"])

    def summary(self, found: discovery.Summary, options: dict[str, Any]) -> str:
        verb = "would be reported" if options["dry_run"] else "reported"
        return f"{found.new} recordings {verb}, {found.known} known already, {found.failed} failed."


def describe(ref: RecordingRef) -> str:
    began = f"{ref.started_at:%Y-%m-%d %H:%M} UTC" if ref.started_at else "at an unknown time"
    return f"{ref.recording_id or ref.key} of {ref.room_name or 'an unknown room'}, {began}"
