"""`python -m tests.drills.outbound storm|calendars|fairness`: what rooms call, while much goes wrong.

Uses a database of its own beside the configured one, and ends with 1 when anything is lost or late.
"""

import logging
import os
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

import django
from celery import current_app

MINUTE = 60.0


def parser():
    parser = ArgumentParser("python -m tests.drills.outbound")
    parser.add_argument("drill", choices=["storm", "calendars", "fairness"])
    parser.add_argument("--events", type=int, default=10_000, help="of the storm")
    parser.add_argument("--kills", type=int, default=200, help="workers that are killed in the storm")
    parser.add_argument("--hurry", type=int, default=30, help="divide leases and pauses of the storm by this")
    parser.add_argument("--rooms", type=int, default=1000, help="whose calendars are due")
    parser.add_argument("--receivers", type=int, default=50, help="one of which hangs")
    parser.add_argument("--rounds", type=int, default=5, help="with and without it")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def run(options, folder):
    from tests.drills import calling_out

    if options.drill == "storm":
        return calling_out.storm(folder, options.events, options.kills, options.seed, options.hurry, limit=3600)
    if options.drill == "calendars":
        outcome = calling_out.calendars(folder, options.rooms, limit=20 * MINUTE)
        if outcome.figures["seconds"] > MINUTE:
            outcome.wrong.append("not all within a minute")
        return outcome
    outcome = calling_out.fairness(folder, options.receivers, events=6, rounds=options.rounds, pace=0.1)
    if outcome.figures["ratio"] > calling_out.GROWTH:
        outcome.wrong.append("one that hangs delays the others")
    return outcome


def main(arguments):
    from tests.drills.webhooks import database_of_its_own

    options = parser().parse_args(arguments)
    logging.disable(logging.ERROR)
    current_app.conf.update(broker_url="memory://")  # the workers are here; nobody else is to be told
    with database_of_its_own(), tempfile.TemporaryDirectory() as folder:
        outcome = run(options, Path(folder))
    print(f"{options.drill}: {outcome}")
    for problem in outcome.wrong[:20]:
        print(problem, file=sys.stderr)
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(main(sys.argv[1:]))
