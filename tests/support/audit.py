"""`make audit`: known holes in what a server installs, by pip-audit; where its service does not answer it says so.

pip-audit is run by uv in an environment of its own, so that its thirty packages are not among the project's tools.
"""

import re
import subprocess
import sys
from pathlib import Path

import requests

from tests.support.live import ROOT

TOOL = "pip-audit==2.10.1"
SERVICE = "https://pypi.org/pypi"
LOCKS = ["requirements-watch.lock", "requirements-speech.lock"]  # each holds what requirements.lock does
AWAY = "Nothing was audited: {} does not answer with what is known of a release."


def knows_of_holes(service):
    """Whether it says of Django, as it is locked, what is known; a mirror may know the files only."""
    version = re.search(r"^django==([\d.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)[1]
    try:
        return "vulnerabilities" in requests.get(f"{service}/django/{version}/json", timeout=10).json()
    except (requests.RequestException, ValueError):
        return False


def main(service=SERVICE):
    if not knows_of_holes(service):
        print(AWAY.format(service))  # noqa: T201
        return 0
    return max(audit(lock) for lock in LOCKS)


def audit(lock):
    command = [Path(sys.executable).with_name("uv"), "tool", "run", "--from", TOOL, "pip-audit", "--disable-pip"]
    return subprocess.run([*command, "--require-hashes", "--requirement", lock], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
