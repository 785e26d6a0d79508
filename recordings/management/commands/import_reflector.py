from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from recordings.management.options import Progress, add_dry_run
from recordings.management.reflector.bring import bring
from recordings.management.reflector.dump import restore
from recordings.management.reflector.source import SourceError, is_url, open_source, read_url
from recordings.management.reflector.tally import table_of

NO_SCRATCH = "A dump is restored into an empty database first: name one with --scratch postgresql://..."


class Command(BaseCommand):
    help = (
        "Bring rooms, meetings, recordings and transcripts from the PostgreSQL database of a Reflector. It may be "
        "repeated: what came once is left as it is here. docs/import.md has what comes and what does not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="postgresql://user:password@host/name, or the file of a dump")
        parser.add_argument("--scratch", metavar="URL", default="", help="an empty database to restore a dump into")
        parser.add_argument(
            "--owner", metavar="NAME", default="", help="who gets what is of people who are not there any more"
        )
        add_dry_run(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry_run = options["dry_run"]
        fallback = self.person(options["owner"]) if options["owner"] else None
        progress = Progress(self, "rows")
        try:
            with open_source(self.target(options)) as source:
                tallies = bring(source, fallback, is_dry_run, progress.step)
        except SourceError as error:
            raise CommandError(str(error)) from None
        finally:
            progress.end()
        self.stdout.writelines(f"{line}\n" for line in table_of(tallies, is_dry_run))
        if is_dry_run:
            self.stdout.write("Nothing was changed.")

    def target(self, options: dict[str, Any]) -> dict[str, Any]:
        """Where to read: of a dump, the database into which it was just restored."""
        if is_url(options["source"]):
            return read_url(options["source"])
        if "://" in options["source"]:
            raise SourceError("Only databases of PostgreSQL can be read: postgresql://...")
        if not options["scratch"]:
            raise SourceError(NO_SCRATCH)
        scratch = read_url(options["scratch"])
        restore(Path(options["source"]), scratch)
        return scratch

    def person(self, name: str) -> Any:
        users = get_user_model()._default_manager.filter(is_active=True)
        found = list(users.filter(Q(username=name) | Q(email__iexact=name))[:2])
        if len(found) != 1:
            raise CommandError(f"--owner: there is {'no account' if not found else 'more than one account'} {name!r}.")
        return found[0]
