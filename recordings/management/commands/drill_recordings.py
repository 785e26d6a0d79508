import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from recordings.management import fault_drill
from recordings.management.fault_drill import Outcome
from recordings.management.kill_drill import KillDrill

BYTES = 1.3  # fetched, for each byte of a file that came


class Command(BaseCommand):
    help = (
        "Fetch recordings from a server on which everything goes wrong (faults), or with workers that are killed again "
        "and again (kills). Uses a folder and a database of its own, and fails when anything is lost, cut or left over."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("drill", choices=["faults", "kills"])
        parser.add_argument("--rounds", type=int, default=10, help="of faults (default: 10)")
        parser.add_argument("--kills", type=int, default=200, help="(default: 200)")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--hurry", type=int, default=1, help="divide the times of leases and sweeps by this")
        parser.add_argument("--inside", help="the folder of a process that was started by this command itself")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["drill"] == "faults":
            self._faults(options["rounds"], options["seed"])
        elif options["inside"]:
            call_command("migrate", verbosity=0)
            self._kills(KillDrill(Path(options["inside"]), options["kills"], options["seed"], options["hurry"]))
        else:
            self._start_inside([f"--{name}={options[name]}" for name in ("kills", "seed", "hurry")])

    def _faults(self, rounds: int, seed: int) -> None:
        outcomes = []
        for outcome in fault_drill.run(rounds, seed):
            outcomes.append(outcome)
            if outcome.wrong:
                self.stderr.write(str(outcome))
        for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
            self._tell(fault, [outcome for outcome in outcomes if outcome.fault == fault])
        ratio = self._tell("all", outcomes)
        if any(outcome.wrong for outcome in outcomes) or ratio > BYTES:
            raise CommandError(f"A file is wrong, or more than {BYTES} bytes were fetched for each byte that came.")

    def _tell(self, fault: str, outcomes: Sequence[Outcome]) -> float:
        """How many bytes were fetched for each byte of the files that came."""
        came = [outcome for outcome in outcomes if not outcome.failure]
        ratio = sum(outcome.sent for outcome in came) / max(1, sum(outcome.size for outcome in came))
        reasons = " ".join(sorted({outcome.failure for outcome in outcomes} - {""})) if fault != "all" else ""
        wrong = sum(bool(outcome.wrong) for outcome in outcomes)
        self.stdout.write(
            f"{fault:28} {len(came):4} whole, {len(outcomes) - len(came):3} failed, {wrong} wrong, "
            f"{ratio:.2f} bytes for each  {reasons}".rstrip()
        )
        return ratio

    def _start_inside(self, arguments: list[str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "DATA_DIR": folder,
                "DATABASE_URL": f"sqlite:///{folder}/drill.sqlite3",
                "REDIS_URL": "",
                "CELERY_BROKER_URL": "",
                "RECORDINGS_STORAGE_BUCKET": "",
                "LOG_LEVEL": "ERROR",
            }
            command = [sys.executable, sys.argv[0], "drill_recordings", "kills", *arguments, f"--inside={folder}"]
            if subprocess.run(command, env=environment, check=False).returncode:  # noqa: S603  (itself)
                raise CommandError("The drill failed.")

    def _kills(self, drill: KillDrill) -> None:
        outcome = drill.run()
        for problem in outcome.wrong:
            self.stderr.write(problem)
        self.stdout.write(str(outcome))
        if outcome.wrong:
            raise CommandError("Not everything was stored once, whole and in time.")
