from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet

from meetings.models import Meeting
from platforms.base import VideoPlatformClient
from platforms.handler import get_available_platforms
from platforms.models import WebhookEvent
from recordings.management.options import Progress, add_dry_run
from recordings.models import Recording
from recordings.storage import buckets


class Command(BaseCommand):
    help = "Fill in the platform of older meetings and recordings that do not say it, as far as it can be known."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--default", choices=get_available_platforms(), help="for those of which nothing tells the platform"
        )
        add_dry_run(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        meetings, recordings = Meeting.objects.filter(platform=""), without_platform()
        progress = Progress(self, "rows", meetings.count() + recordings.count())
        for kind, found in (("meetings", of_meetings()), ("recordings", of_recordings(buckets.clients()))):
            outcome: Counter[str] = Counter()
            for row, known in found:
                platform = known or options["default"] or ""
                outcome["unknown" if not platform else platform if self.fill(row, platform, options) else "taken"] += 1
                progress.step()
            progress.end()
            counts = ", ".join(f"{count} {word}" for word, count in sorted(outcome.items()))
            self.stdout.write(f"{kind}: {counts or 'all say their platform already'}")
        if options["dry_run"]:
            self.stdout.write("Nothing was changed.")

    def fill(self, row: Model, platform: str, options: dict[str, Any]) -> bool:
        """False when another row has that platform's id already: this one is a double of it."""
        if options["dry_run"]:
            return True
        try:
            with transaction.atomic():
                type(row)._default_manager.filter(pk=row.pk, platform="").update(platform=platform)
        except IntegrityError:
            self.stderr.write(f"{row.pk} is there a second time, as one of {platform}")
            return False
        return True


def of_meetings() -> Iterator[tuple[Meeting, str]]:
    """Each with the platform that a recording of it or an event about it names, "" where none does."""
    for meeting in Meeting.objects.filter(platform="").order_by("pk").iterator():
        recorded = meeting.recordings.exclude(platform="").values_list("platform", flat=True).first()
        yield meeting, recorded or _platform_of_events(meeting)


def _platform_of_events(meeting: Meeting) -> str:
    events = WebhookEvent.objects.none()
    if meeting.provider_meeting_id:
        events |= WebhookEvent.objects.filter(meeting_id=meeting.provider_meeting_id)
    if meeting.room_name:
        events |= WebhookEvent.objects.filter(room_name=meeting.room_name)
    platforms = set(events.values_list("platform", flat=True)[:100])
    return platforms.pop() if len(platforms) == 1 else ""


def without_platform() -> QuerySet[Recording]:
    """An upload came from none."""
    return Recording.objects.filter(platform="").exclude(kind=Recording.Kind.UPLOAD)


def of_recordings(clients: list[VideoPlatformClient]) -> Iterator[tuple[Recording, str]]:
    """Each with the platform of its meeting, or of the bucket that it is in, "" where neither is known."""
    for recording in without_platform().select_related("meeting").order_by("pk").iterator():
        at = buckets.recording_at(recording.bucket, recording.key, clients)
        yield recording, (recording.meeting.platform if recording.meeting else "") or (at.platform if at else "")
