"""`python -m tests.drills.recordings faults|kills`: fetching from a server on which everything goes wrong, or with
workers that are killed again and again.

Uses a folder and a database of its own, and ends with 1 when anything is lost, cut or left over.
"""

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

import django
from django.core.management import call_command

from tests.support.live import ROOT

BYTES = 1.3  # fetched, for each byte of a file that came


def parser():
    parser = ArgumentParser("python -m tests.drills.recordings")
    parser.add_argument("drill", choices=["faults", "kills"])
    parser.add_argument("--rounds", type=int, default=10, help="of faults (default: 10)")
    parser.add_argument("--kills", type=int, default=200, help="(default: 200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hurry", type=int, default=1, help="divide the times of leases and sweeps by this")
    parser.add_argument("--inside", help="the folder of a process that was started by this one itself")
    return parser


def faults(rounds, seed):
    """Whether all is well."""
    from tests.drills.faults import run

    outcomes = []
    for outcome in run(rounds, seed):
        outcomes.append(outcome)
        if outcome.wrong:
            print(outcome, file=sys.stderr)
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        show(fault, [outcome for outcome in outcomes if outcome.fault == fault])
    ratio = show("all", outcomes)
    if any(outcome.wrong for outcome in outcomes) or ratio > BYTES:
        print(f"A file is wrong, or more than {BYTES} bytes were fetched for each byte that came.", file=sys.stderr)
        return False
    return True


def show(fault, outcomes):
    """How many bytes were fetched for each byte of the files that came."""
    came = [outcome for outcome in outcomes if not outcome.failure]
    ratio = sum(outcome.sent for outcome in came) / max(1, sum(outcome.size for outcome in came))
    reasons = " ".join(sorted({outcome.failure for outcome in outcomes} - {""})) if fault != "all" else ""
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    line = (
        f"{fault:28} {len(came):4} whole, {len(outcomes) - len(came):3} failed, {wrong} wrong, "
        f"{ratio:.2f} bytes for each  {reasons}"
    )
    print(line.rstrip())
    return ratio


def start_inside(arguments):
    """The drill in a process that has a folder and a database of its own, by its variables; whether all is well."""
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
        command = [sys.executable, "-m", "tests.drills.recordings", "kills", *arguments, f"--inside={folder}"]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def kills(folder, count, seed, hurry):
    """Whether everything was stored once, whole and in time."""
    from tests.drills.kills import KillDrill

    call_command("migrate", verbosity=0)
    outcome = KillDrill(Path(folder), count, seed, hurry).run()
    for problem in outcome.wrong:
        print(problem, file=sys.stderr)
    print(outcome)
    return not outcome.wrong


def main(arguments):
    options = parser().parse_args(arguments)
    if options.drill == "faults":
        is_well = faults(options.rounds, options.seed)
    elif options.inside:
        is_well = kills(options.inside, options.kills, options.seed, options.hurry)
    else:
        is_well = start_inside([f"--{name}={getattr(options, name)}" for name in ("kills", "seed", "hurry")])
    return 0 if is_well else 1


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(main(sys.argv[1:]))
