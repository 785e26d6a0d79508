import json
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from meetings import draining
from platforms import logs
from platforms.exceptions import PlatformError
from platforms.handler import get_available_platforms
from platforms.health import figures, probing, states

HOUR = timedelta(hours=1)
WAIT_SECONDS = 3600  # unless another number is given
ACTIONS = {
    "status": "Show how every platform stands.",
    "check": "Try the credentials of a platform, or of all, by a call; the exit code is 1 when one is not well.",
    "cordon": "Let no new meeting open on a platform; those that run finish.",
    "uncordon": "Let meetings open on it again.",
    "drain": "Cordon it, and tell how many meetings are left on it.",
}


class Command(BaseCommand):
    help = "The video platforms: how they stand, and which take new meetings."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="action")
        for action, text in ACTIONS.items():
            options = actions.add_parser(action, help=text, description=text)
            options.add_argument("--json", action="store_true", help="for programs")
            if action != "status":
                options.add_argument("name", nargs="?" if action == "check" else None, help="as VIDEO_PLATFORMS has it")
            if action in {"cordon", "uncordon", "drain"}:
                options.add_argument("--dry-run", action="store_true", help="change nothing, and tell what would be")
            if action in {"cordon", "drain"}:
                options.add_argument("--reason", default="", metavar="TEXT", help="why, for those who see it")
            if action == "drain":
                wait = "wait until none is left, for so many seconds at most; the exit code is 1 when some are"
                options.add_argument(
                    "--wait", nargs="?", type=int, const=WAIT_SECONDS, default=0, metavar="SECONDS", help=wait
                )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with logs.errors_only():
                getattr(self, f"do_{options['action']}")(**options)
        except PlatformError as error:
            raise CommandError(str(error)) from error

    def do_status(self, **options: Any) -> None:
        found = figures.read(HOUR)
        rows = [status_of(standing, found.get(standing.name, {})) for standing in states.standings()]
        if options["json"]:
            self.show_json(rows)
            return
        for row in rows:
            self.stdout.write(f"{row['name']}  {row['label']}  {'usable' if row['usable'] else row['reason']}")
            self.stdout.write(f"    live meetings     {row['live_meetings']}")
            self.stdout.write(f"    last hour         {in_words(row)}")
            self.stdout.write(f"    last good call    {moment(row['last_good_at'])}")
            self.stdout.write(f"    credentials       {checked(row)}")

    def do_check(self, name: str | None, **options: Any) -> None:
        names = [name] if name else list(filter(states.can_be_checked, get_available_platforms()))
        found = [probing.check_platform(each) for each in names]
        rows = [{"name": row.pk, "good": not row.check_error, "error": row.check_error} for row in found]
        if options["json"]:
            self.show_json(rows)
        else:
            self.stdout.writelines(f"{row['name']}  {row['error'] or 'its credentials are good'}\n" for row in rows)
        if not all(row["good"] for row in rows):
            raise CommandError("Not all are well.")

    def do_cordon(self, name: str, **options: Any) -> None:
        self.change(name, True, "cordoned", **options)

    def do_uncordon(self, name: str, **options: Any) -> None:
        self.change(name, False, "open to new meetings", **options)

    def do_drain(self, name: str, wait: int, **options: Any) -> None:
        left = self.change(name, True, "cordoned", wait=wait, **options)
        if wait and left:
            raise CommandError(f"After {wait} seconds {counted(left)} still there.")

    def change(self, name: str, is_cordon: bool, words: str, wait: int = 0, **options: Any) -> int:
        """How many meetings are left there."""
        standing = states.standing_of(name)
        is_dry = options["dry_run"]
        if not is_dry:
            states.cordon(name, reason=options["reason"]) if is_cordon else states.uncordon(name)
        left = draining.wait_until_none(name, 0 if is_dry else wait)
        changed = is_cordon != bool(standing.cordon)
        if options["json"]:
            values = {"name": name, "cordoned": is_cordon, "changed": changed, "dry_run": is_dry, "left": left}
            self.show_json(values)
        else:
            verb, as_before = "would be" if is_dry else "is", "" if changed else ", as it was"
            self.stdout.write(f"{standing.label} {verb} {words}{as_before}. {counted(left)} there.")
        return left

    def show_json(self, values: Any) -> None:
        self.stdout.write(json.dumps(values, indent=2, default=str))


def status_of(standing: states.Standing, stretches: Any) -> dict[str, Any]:
    state, hour = standing.state, figures.total(stretches, HOUR)
    return {
        "name": standing.name,
        "label": standing.label,
        "usable": standing.is_usable,
        "cordoned": bool(standing.cordon),
        "failing": bool(standing.silence),
        "reason": standing.reason,
        "live_meetings": draining.left_on(standing.name),
        "calls": hour.calls,
        "error_rate": hour.error_rate,
        "p50_ms": hour.percentile(50),
        "p95_ms": hour.percentile(95),
        "last_good_at": state.last_good_at,
        "checked_at": state.checked_at,
        "check_error": state.check_error,
    }


def in_words(row: dict[str, Any]) -> str:
    if not row["calls"]:
        return "no calls"
    times = f"p50 {row['p50_ms']:.0f} ms, p95 {row['p95_ms']:.0f} ms"
    return f"{row['calls']} calls, {100 * row['error_rate']:.1f} % failed, {times}"


def checked(row: dict[str, Any]) -> str:
    if row["checked_at"] is None:
        return "not tried yet"
    return f"{row['check_error'] or 'good'} ({moment(row['checked_at'])})"


def moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "-"


def counted(left: int) -> str:
    return f"{left or 'No'} {'meeting is' if left == 1 else 'meetings are'}"
