"""Fetch the platforms' own browser code into static/platforms/vendor/, as sdks.json there names it.

The files are kept in the repository, so that this is only needed for another version: change sdks.json and run it.
"""

import hashlib
import json
import subprocess
import tarfile
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Fetch the platforms' SDKs with npm, check their sums and keep them beside their licences."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only check the files that are here.")

    def handle(self, *, check: bool, **options: Any) -> None:
        folder = settings.BASE_DIR / "static/platforms/vendor"
        for sdk in json.loads((folder / "sdks.json").read_text()):
            contents = {} if check else _fetch(sdk["package"], list(sdk["files"]))
            for name, (target, wanted) in sdk["files"].items():
                content = _read(folder / target) if check else contents[name]
                if hashlib.sha256(content).hexdigest() != wanted:
                    raise CommandError(f"{target} is not what sdks.json says.")
                if not check:
                    (folder / target).parent.mkdir(parents=True, exist_ok=True)
                    (folder / target).write_bytes(content)
            self.stdout.write(f"{sdk['package']} ({sdk['license']}): {', '.join(sdk['files'])}")


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _fetch(package: str, names: list[str]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            members = {name: packed.extractfile(f"package/{name}") for name in names}
            return {name: member.read() if member else b"" for name, member in members.items()}
