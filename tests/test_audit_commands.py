"""Entries of the audit trail about commands of manage.py."""

import getpass
import sqlite3

import pytest
from django.core.management import get_commands

from config.audit import commands
from platforms.models import AuditEntry
from tests.support.live import Product, sqlite_database

APPS = {"config", "platforms", "rooms", "meetings", "recordings"}


def test_every_command_of_ours_has_a_row():
    ours = {name for name, app in get_commands().items() if app in APPS}
    assert len(ours) > 15
    rest = ours - commands.CHANGING.keys() - commands.NO_ENTRY.keys()
    assert {name for name in rest if not name.startswith(commands.FAMILIES + commands.SERVERS)} == set()
    assert (commands.CHANGING.keys() | commands.NO_ENTRY.keys()) - get_commands().keys() == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("prune", {}),
        ("backfill_platform", {}),
        ("rollout set --percentage 50 --note=unspoken", {"arguments": ["set", "--percentage", "--note"]}),
        ("platforms cordon daily --reason unspoken", {"arguments": ["cordon", "daily", "--reason"]}),
        ("changepassword admin", {"arguments": ["admin"]}),
        ("shell -c unspoken", {"arguments": ["-c"]}),
    ],
)
def test_what_changes_something_is_there_without_what_options_are_set_to(typed, kept):
    commands.note(["manage.py", *typed.split()])
    entry = AuditEntry.objects.get()
    assert (entry.person, entry.person_id, entry.via) == (getpass.getuser(), None, "command")
    assert (entry.action, entry.kind, entry.object_id) == ("changed", "command", typed.split()[0])
    assert entry.details == kept


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed",
    ["", "rollout show", "platforms status", "prune --dry-run", "rollout set --help", "check --deploy", "doctor"],
)
def test_what_only_looks_makes_no_entry(typed):
    commands.note(["manage.py", *typed.split()])
    assert not AuditEntry.objects.exists()


def test_manage_py_makes_the_entry_once_the_command_ended_well(tmp_path):
    product = Product(tmp_path, sqlite_database(tmp_path / "live.sqlite3"))
    product.manage("prune")
    product.manage("prune", "--dry-run")
    product.log.close()
    with sqlite3.connect(tmp_path / "live.sqlite3") as database:
        found = database.execute("SELECT person, via, object_id FROM platforms_auditentry").fetchall()
    assert found == [(getpass.getuser(), "command", "prune")]
