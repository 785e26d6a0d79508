from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from recordings.intake.restart import reprocess, what_helps
from recordings.management.options import Progress, add_dry_run, add_period, meetings_of_room, period_of
from recordings.models import Recording

DONE = {"match": "matched to a meeting", "fetch": "to be fetched again", "transcribe": "to be handed off again"}


class Command(BaseCommand):
    help = "Start recordings over: match them, fetch them or hand them off again, whichever their state asks for."

    def add_arguments(self, parser: CommandParser) -> None:
        states = [state for state in Recording.State.values if state != Recording.State.DELETED]
        parser.add_argument(
            "--state", action="append", choices=states, help="may be given more than once; default: failed"
        )
        parser.add_argument("--room", default="", help="only this room's: its name here, or the provider's")
        add_period(parser)
        add_dry_run(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = self.chosen(options)
        outcome: Counter[str] = Counter()
        progress = Progress(self, "recordings", chosen.count())
        for recording in chosen.iterator(chunk_size=200):
            helps = what_helps(recording)
            if options["dry_run"]:
                self.stdout.write(f"{recording.pk} {recording.state}: {DONE.get(helps, 'nothing to be done')}")
            outcome[helps if helps and (options["dry_run"] or reprocess(recording)) else ""] += 1
            progress.step()
        progress.end()
        parts = [f"{outcome[helps]} {words}" for helps, words in DONE.items()]
        self.stdout.write(f"{', '.join(parts)}, {outcome['']} left as they are.")

    def chosen(self, options: dict[str, Any]) -> QuerySet[Recording]:
        since, until = period_of(options)
        began = Coalesce("recorded_at", "created_at")
        chosen = Recording.objects.filter(state__in=options["state"] or [Recording.State.FAILED]).alias(began=began)
        if since:
            chosen = chosen.filter(began__gte=since)
        if until:
            chosen = chosen.filter(began__lt=until)
        if options["room"]:
            chosen = chosen.filter(meeting__in=meetings_of_room(options["room"]))
        return chosen.order_by("created_at", "pk")
