import argparse
import json
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from rooms.models import Change
from rooms.rollout import actions, plan
from rooms.rollout.decide import after_edits, decide
from rooms.rollout.describe import describe, describe_change, sentence
from rooms.rollout.preview import Preview, preview_values, table
from rooms.rollout.undo import CannotUndo, Undoing, preview_undo, undo
from rooms.rollout.values import present
from rooms.rollout.words import LABELS, differences, in_words, problems_of, told

VIA = "manage.py"
ACTIONS = {
    "show": "Show what holds, who decided it, and which variables say something else.",
    "set": "Decide on the rollout; what is not named stays as it is.",
    "preview": "Tell what `set` with the same options would mean, and change nothing.",
    "undo": "Take a decision back: of the rollout, or a move of rooms.",
    "pause": "Let no further room move; those that are in stay in.",
    "resume": "Go on with a plan that is paused.",
}
RECENT = 5  # decisions that are shown
ROOMS = 20  # named in a preview


class Command(BaseCommand):
    help = "The rollout: which platform automatic rooms open on."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="action")
        for action, text in ACTIONS.items():
            options = actions.add_parser(action, help=text, description=text)
            options.add_argument("--json", action="store_true", help="for programs")
            if action in {"set", "preview"}:
                add_fields(options)
            if action == "undo":
                options.add_argument("change", nargs="?", help="its id as `show --json` has it; else the latest one")
                options.add_argument("--everything", action="store_true", help="also what was changed since")
            if action not in {"show", "preview"}:
                options.add_argument("--note", default="", metavar="TEXT", help="why, for the history")
                options.add_argument("--dry-run", action="store_true", help="change nothing, and tell what would be")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"do_{options['action']}")(**options)
        except ValidationError as error:
            raise CommandError("\n".join(problems_of(error))) from error
        except CannotUndo as error:
            raise CommandError(str(error)) from error

    def do_show(self, **options: Any) -> None:
        said, changes = describe(), list(Change.objects.select_related("by")[:RECENT])
        if options["json"]:
            self.show_json({**said, "changes": [describe_change(change) for change in changes]})
            return
        self.stdout.write(sentence())
        values, width = present(), 2 + max(len(str(label)) for label in LABELS.values())
        for name in LABELS:
            shown = ", ".join(said[name]) or "none" if isinstance(said[name], list) and name != "stages" else None
            self.stdout.write(f"    {LABELS[name]:<{width}}{shown or in_words(name, getattr(values, name))}")
        for line in plan_lines(said["plan"]):
            self.stdout.write(line)
        by = said["decided_by"] or "a command"
        self.stdout.write(f"Decided {said['decided_at']:%Y-%m-%d %H:%M} UTC by {by}." if said["decided_at"] else NOBODY)
        self.stdout.writelines(f"{each}\n" for each in [*said["environment_differs"], *map(told, changes)])

    def do_set(self, **options: Any) -> None:
        edits = edits_of(options)
        if options["dry_run"]:
            self.do_preview(**options)
        else:
            self.show_change(decide(edits, note=options["note"], via=VIA), options)

    def do_preview(self, **options: Any) -> None:
        now = present()
        values = after_edits(now, edits_of(options))
        preview, changes = preview_values(values), differences(now, values)
        if options["json"]:
            self.show_json({**told_of(changes, preview.sentences()), "rooms": rows_of(preview)})
            return
        self.stdout.writelines(f"{each}\n" for each in [*changes, *preview.sentences()])
        self.stdout.writelines(f"    {each.room.name}: {each.opens_on}\n" for each in preview.moving[:ROOMS])
        if len(preview.moving) > ROOMS:
            self.stdout.write(f"    and {len(preview.moving) - ROOMS} more; --json has them all")

    def do_undo(self, change: str | None, everything: bool, **options: Any) -> None:
        decision = find_change(change)
        if options["dry_run"]:
            self.show_undoing(preview_undo(decision), options)
        else:
            self.show_change(undo(decision, note=options["note"], everything=everything, via=VIA), options)

    def do_pause(self, **options: Any) -> None:
        self.change_plan(lambda: actions.pause(because=options["note"], via=VIA), options, is_pause=True)

    def do_resume(self, **options: Any) -> None:
        self.change_plan(lambda: actions.resume(note=options["note"], via=VIA), options, is_pause=False)

    def change_plan(self, change: Callable[[], Change | None], options: dict[str, Any], is_pause: bool) -> None:
        if not options["dry_run"]:
            self.show_change(change(), options)
            return
        now = actions.with_plan(present())
        changes = [] if bool(now.paused_at) == is_pause else [ACTIONS["pause" if is_pause else "resume"]]
        self.show_json(told_of(changes)) if options["json"] else self.show_dry(changes)

    def show_change(self, change: Change | None, options: dict[str, Any]) -> None:
        if options["json"]:
            made = describe_change(change) if change else None
            self.show_json({"changed": bool(change), "dry_run": False, "change": made, "rollout": describe()})
        else:
            self.stdout.write(told(change) if change else AS_BEFORE)

    def show_undoing(self, undoing: Undoing, options: dict[str, Any]) -> None:
        if options["json"]:
            self.show_json({**told_of(undoing.restores), "changed_since": undoing.changed_since})
        else:
            self.show_dry([*undoing.restores, *(f"Left as it is: {each}" for each in undoing.changed_since)])

    def show_dry(self, lines: list[str]) -> None:
        self.stdout.writelines(f"{line}\n" for line in lines or [AS_BEFORE])

    def show_json(self, values: Any) -> None:
        self.stdout.write(json.dumps(values, indent=2, default=str))


NOBODY = "Nobody has decided yet: the variables hold."
AS_BEFORE = "Nothing to change: it is so already."


def plan_lines(plan: dict[str, Any] | None) -> list[str]:
    if plan is None:
        return []
    return [plan["sentence"], *(f"    {guard['outcome']:<16}{guard['sentence']}" for guard in plan["guards"])]


def add_fields(options: argparse.ArgumentParser) -> None:
    switch = {"choices": ["on", "off"], "help": "the master switch"}
    options.add_argument("--switch", **switch)  # type: ignore[arg-type]
    options.add_argument("--percentage", type=int, metavar="N", help="of the automatic rooms")
    options.add_argument("--target", metavar="NAME", help="the platform to go to")
    options.add_argument("--default", metavar="NAME", help="the platform of all others")
    options.add_argument("--failover", choices=["on", "off"], help="whether another platform may be used instead")
    options.add_argument("--order", type=words, metavar="NAME,NAME", help="which ones, the first one first")
    options.add_argument("--stages", type=numbers, metavar="N,N", help='the plan, as "5,25,50,100"; "" for none')
    hours, meetings = plan.HOURS, plan.MEETINGS
    options.add_argument("--minimum-hours", type=float, default=hours, metavar="N", help=f"of a stage (now {hours})")
    options.add_argument("--minimum-meetings", type=int, default=meetings, metavar="N", help=f"({meetings})")


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in words(text)]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of whole numbers such as 5,25,50,100") from None


def edits_of(options: dict[str, Any]) -> dict[str, Any]:
    switches = {"on": True, "off": False, None: None}
    stages = options["stages"]
    minimum = {"minimum_hours": options["minimum_hours"], "minimum_meetings": options["minimum_meetings"]}
    given = {
        "switched_on": switches[options["switch"]],
        "percentage": options["percentage"],
        "target_platform": options["target"],
        "default_platform": options["default"],
        "failover_allowed": switches[options["failover"]],
        "failover_order": options["order"],
        "stages": stages if stages is None else [{"percentage": each, **minimum} for each in stages],
    }
    return {name: value for name, value in given.items() if value is not None}


def find_change(text: str | None) -> Change:
    try:
        change = Change.objects.filter(pk=text).first() if text else Change.objects.first()
    except ValidationError:
        change = None
    if change is None:
        raise CommandError(f"There is no decision {text!r}." if text else "Nobody has decided anything yet.")
    return change


def told_of(changes: list[str], sentences: list[str] | None = None) -> dict[str, Any]:
    return {"changed": bool(changes), "dry_run": True, "differences": changes, "sentences": sentences or []}


def rows_of(preview: Preview) -> list[dict[str, str]]:
    heading, *rows = table(preview)
    return [dict(zip(heading, row, strict=True)) for row in rows]
