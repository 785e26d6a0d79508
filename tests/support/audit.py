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
SERVICE = "https://api.osv.dev/v1/query"
LOCKS = ["requirements-watch.lock", "requirements-speech.lock"]  # each holds what requirements.lock does
AWAY = "Nothing was audited: {} does not answer with what is known of a release."


def knows_of_holes(service):
    """Whether it answers, asked of Django as it is locked (https://google.github.io/osv.dev/post-v1-query/)."""
    version = re.search(r"^django==([\d.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)[1]
    asked = {"package": {"name": "django", "ecosystem": "PyPI"}, "version": version}
    try:
        answer = requests.post(service, json=asked, timeout=10)
        return answer.ok and answer.json().keys() <= {"vulns", "next_page_token"}
    except (requests.RequestException, ValueError, AttributeError):
        return False


def main(service=SERVICE):
    if not knows_of_holes(service):
        print(AWAY.format(service))  # noqa: T201
        return 0
    return max(audit(lock) for lock in LOCKS)


def audit(lock):
    command = [Path(sys.executable).with_name("uv"), "tool", "run", "--from", TOOL, "pip-audit", "--disable-pip"]
    options = ["--vulnerability-service", "osv", "--require-hashes", "--requirement", lock]
    return subprocess.run([*command, *options], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
