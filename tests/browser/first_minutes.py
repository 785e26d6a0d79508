"""`make first-minutes`: from a clean clone to the first transcript by the README alone, and how long each step takes.

Twice, with what writes down speech and without; SPEECH=yes or SPEECH=no for one of them. All that a newcomer's machine
has to install is installed into the clone, with pip's cache as it is here.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.browser.chromium import chromium
from tests.browser.people import Visitor
from tests.browser.spoken import SECONDS, sound_of, spoken_by, words_of
from tests.support.live import ROOT, wait_until

INSTALL_SECONDS = 1200  # at most
OF_THIS_SHELL = {"VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "SPEECH", "ENV_FILE", "DJANGO_SETTINGS_MODULE"}
TALK = "talk"


def tell(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Stages:
    def __init__(self):
        self.seconds = {}

    @contextmanager
    def stage(self, name):
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began
        tell(f"  {name:<52}{self.seconds[name]:7.1f} s")

    def total(self):
        return sum(self.seconds.values())


class Clone:
    """The product as it runs in the clone, as far as visitors need it."""

    def __init__(self, folder, speech):
        self.folder, self.session = folder, []
        self.log = folder.parent / "make-run.log"
        command = ["make", "run", *([] if speech == "yes" else ["SPEECH=no"])]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=folder, env=surroundings(), stdout=log, stderr=log, start_new_session=True
            )

    def told(self, pattern):
        """What `make run` has written of it."""
        text = self.log.read_text(errors="replace")
        assert self._process.poll() is None, text[-3000:]
        found = re.search(pattern, text)
        return found and found[1]

    def answers(self):
        try:
            return requests.get(f"{self.url}/login", timeout=5).ok
        except requests.ConnectionError:
            return False

    @property
    def url(self):
        return self.told(r"Rooms +(\S+)/\n")

    def stop(self):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def surroundings():
    """Of a newcomer: nothing that this product reads is set."""
    read = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
    return {name: value for name, value in os.environ.items() if name not in read | OF_THIS_SHELL}


def main():
    chosen = os.environ.get("SPEECH")
    for speech in [chosen] if chosen in {"yes", "no"} else ["yes", "no"]:
        tell(f"\nWith SPEECH={speech}:")
        with tempfile.TemporaryDirectory(prefix="first-minutes-") as folder:
            stages = Stages()
            text = take(Path(folder), speech, stages)
        report(stages, speech, text)


def report(stages, speech, text):
    tell(f"  {'in all':<52}{stages.total():7.1f} s")
    tell(f"  {'without the talk itself':<52}{stages.total() - stages.seconds[TALK]:7.1f} s")
    said = spoken_by("Ada")
    found = len(said & words_of(text))
    tell(f"  {found} of the {len(said)} words that were said stand in the transcript.")
    if speech == "yes" and found < 0.9 * len(said):
        sys.exit("What was said is not what the transcript says.")


def take(folder, speech, stages):
    """The text of the transcript."""
    sound = sound_of("ada", folder)
    with stages.stage("git clone"):
        subprocess.run(["git", "clone", "--quiet", ROOT, folder / "clone"], check=True)
    clone = Clone(folder / "clone", speech)
    try:
        with stages.stage("make run, until it names the addresses"):
            wait_until(lambda: clone.told(r"(password: \S+)\n"), seconds=INSTALL_SECONDS, every=0.2)
        with stages.stage("make run, until the first page answers"):
            wait_until(clone.answers, seconds=120, every=0.1)
        with chromium(sound=sound) as browser:
            return meet(Visitor(browser, clone), clone, stages)
    finally:
        clone.stop()


def meet(owner, clone, stages):
    """As the README says under its first picture."""
    page = owner.page
    page.set_default_timeout(60_000)
    with stages.stage("log in, make a room"):
        owner.go("/login")
        page.locator("[name=username]").fill("admin")
        page.locator("[name=password]").fill(clone.told(r"password: (\S+)\n"))
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Rooms", exact=True).wait_for()
        owner.go("/new")
        page.locator("[name=title]").fill("First room")
        page.locator("main form button[type=submit]").click()
        page.get_by_role("heading", name="First room").wait_for()
    with stages.stage("join, agree"):
        owner.enter("first-room")
        owner.answer_consent(agrees=True)
        owner.join_call("admin")
        page.locator("#recording").get_by_text("Recording").wait_for()
    with stages.stage(TALK):
        page.wait_for_timeout((2 * SECONDS + 3) * 1000)  # all that Ada says, wherever it was begun
    with stages.stage("leave, until the first page has the transcript"):
        owner.leave()
        owner.go("/")
        transcript = page.locator("main a[href^='/transcripts/']:not([href$='upload'])").first
        transcript.wait_for(timeout=180_000)
        wait_until(lambda: page.get_by_text("Ready", exact=True).count(), seconds=180, every=0.2)
    with stages.stage("open the transcript"):
        transcript.click()
        page.locator(".said").first.wait_for()
    return " ".join(page.locator(".said").all_inner_texts())


if __name__ == "__main__":
    import django

    django.setup()
    main()
