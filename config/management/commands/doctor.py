import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.doctor import Finding, examine
from platforms import logs


class Command(BaseCommand):
    help = "Look at everything that this installation needs, and say how to mend what is wrong."
    requires_system_checks: list[str] = []  # they are one of the things that are looked at

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        with logs.errors_only():
            for finding in examine():
                findings.append(finding)
                if not options["json"]:
                    self.stdout.write(in_words(finding))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2))
        if bad := {finding.check for finding in findings if not finding.is_well}:
            raise CommandError(f"Not well: {', '.join(sorted(bad))}.")


def in_words(finding: Finding) -> str:
    if finding.is_well:
        return f"ok    {finding.check}"
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return f"BAD   {finding.check}: {finding.problem}{remedy}"
