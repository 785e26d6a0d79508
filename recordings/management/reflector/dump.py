"""A dump of a Reflector's database, which PostgreSQL's own programs put into an empty database to be read there."""

import re
import shutil
import subprocess
from os import environ
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from recordings.management.reflector.source import SourceError, connect

CUSTOM, COMPRESSED = b"PGDMP", b"\x1f\x8b"
LONGEST_MESSAGE = 200
# What a program says went wrong, without the row that it was at, which may hold anything.
_ERROR = re.compile(r"(?:ERROR|FATAL|error):\s+(.*)")
HINT = "A dump made with pg_dump --no-owner --no-privileges can be restored anywhere."
OTHER_TABLES = (
    "SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
)


def restore(dump: Path, scratch: dict[str, Any]) -> None:
    """Raises SourceError. The database has to be empty, so that nothing is ever mixed or written over."""
    if not dump.is_file():
        raise SourceError(f"There is no file {dump}.")
    with dump.open("rb") as file:
        head = file.read(5)
    if head.startswith(COMPRESSED):
        raise SourceError(f"{dump} is compressed: unpack it first.")
    with connect(scratch) as connection:
        if next(iter(connection.execute(OTHER_TABLES)))[0]:
            raise SourceError(
                "The database of --scratch is not empty. If the dump is in it already, give its address instead of the "
                "dump; else make a new one with createdb."
            )
    target = make_conninfo(**{name: value for name, value in scratch.items() if name != "password"})
    if head == CUSTOM:
        _run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--dbname", target, str(dump), **scratch)
    else:
        options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction"]
        _run("psql", *options, "--dbname", target, "--file", str(dump), **scratch)


def _run(program: str, *arguments: str, **scratch: Any) -> None:
    path = shutil.which(program)
    if path is None:
        raise SourceError(
            f"A dump is restored by {program}, which is not installed: install PostgreSQL's client programs."
        )
    secret = {"PGPASSWORD": scratch["password"]} if scratch.get("password") else {}
    done = subprocess.run(  # noqa: S603  (PostgreSQL's own program)
        [path, *arguments], env={**environ, **secret}, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        found = _ERROR.search(done.stderr.decode(errors="replace"))
        said = found.group(1)[:LONGEST_MESSAGE] if found else f"exit status {done.returncode}"
        raise SourceError(f"{program} could not restore the dump: {said}. {HINT}")
