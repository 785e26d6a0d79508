"""`python -m tests.drills.webhooks`: thousands of webhooks, shuffled and repeated, to a database of its own.

What comes of them is compared with what happened; it ends with 1 where that differs.
"""

import logging
import os
import sys
import tempfile
from argparse import ArgumentParser
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import django
from celery import current_app
from django.db import connections
from django.test.utils import setup_test_environment, teardown_test_environment


def parser():
    parser = ArgumentParser("python -m tests.drills.webhooks")
    parser.add_argument("--meetings", type=int, default=2_000)
    parser.add_argument("--deliveries", type=int, default=100_000)
    parser.add_argument("--senders", type=int, default=8, help="deliveries made at a time")
    parser.add_argument("--workers", type=int, default=2, help="threads that process events")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other histories")
    return parser


@contextmanager
def database_of_its_own():
    """A new database beside the configured one, on the same server or in a file, which is gone afterwards."""
    database = connections["default"]
    configured, creation = database.settings_dict["NAME"], database.creation
    setup_test_environment(debug=False)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "drill.sqlite3")
        database.settings_dict["TEST"]["NAME"] = file if database.vendor == "sqlite" else f"drill_{uuid4().hex[:12]}"
        creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield
        finally:
            send_others_away()
            creation.destroy_test_db(configured, verbosity=0)
            teardown_test_environment()


def send_others_away():
    """Threads of this process keep connections open, and a database in use cannot be dropped."""
    if connections["default"].vendor == "postgresql":
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def main(arguments):
    from tests.drills.storm import drill

    options = parser().parse_args(arguments)
    logging.disable(logging.ERROR)  # the report says how many were put off
    current_app.conf.update(broker_url="memory://")  # the workers are here; nobody else is to be told
    with database_of_its_own():
        report = drill(options.meetings, options.deliveries, options.senders, options.workers, options.seed)
    print(report)
    if not report.is_right:
        print("The state is not that of the same events once and in order.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(main(sys.argv[1:]))
