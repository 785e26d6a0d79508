"""`python -m tests.drills.outage [seconds]`: a provider takes connections and answers nothing, for ten minutes if not
said otherwise, while meetings open there and elsewhere, in all processes of the product. Only this machine is called.

What is looked at: how soon all processes leave the provider alone, how often they try it, what openings on another
platform take meanwhile, and how soon meetings open there again. It ends with 1 when one of these is not as it must be.
"""

import itertools
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import django

from tests.drills.machine import running_machine
from tests.support.live import wait_until
from tests.support.stub_provider import Answer, StubProvider

OUTAGE_SECONDS = 600
BEFORE_SECONDS = 60  # in which all is well
PACE = 0.5  # seconds between two openings on each of the two platforms
ROOMS = 40  # on each; an opening makes a meeting of its own, and there is a limit of them
OPEN_WITHIN = 10  # seconds from the fifth call that got no answer until no process calls the provider, but to try it
PROBE_SECONDS = 30  # at least, between two calls that try it
WELL_WITHIN = 60  # seconds
SLOWER = 1.1  # times as long, that openings elsewhere may take
READ_TIMEOUT = 2  # seconds
TOLERANCE = 1.0  # seconds: what a call needs to get there
WARM_UP = 15  # seconds that count for nothing


class Provider:
    """It answers after a tenth of a second, or not at all while `is_dead`; `calls` is when each one came."""

    def __init__(self, stub, make_meeting):
        self.is_dead = threading.Event()
        self.calls = []
        self._alive = threading.Event()
        self._alive.set()
        stub.on("POST", "/meetings", lambda request: self._answer(make_meeting(request)))
        for method in ("GET", "POST", "PUT", "DELETE"):
            stub.on(method, "*", lambda request: self._answer(Answer(200, {"results": []})))

    def die(self):
        self._alive.clear()
        self.is_dead.set()

    def return_to_life(self):
        self.is_dead.clear()
        self._alive.set()

    def _answer(self, answer):
        self.calls.append(time.monotonic())
        time.sleep(0.1)
        if self.is_dead.is_set():
            self._alive.wait(60)  # its client is gone by then
        return answer

    def between(self, start, end):
        return [at for at in self.calls if start <= at < end]


class Openings:
    """Somebody opens a meeting now and then; `seen` is when, what it was answered, where it is and what it took."""

    def __init__(self, machine, platform):
        self.machine = machine
        self.platform = platform
        self.seen = []
        for number in range(ROOMS):
            settings = {"name": f"{platform}-{number}", "platform": platform, "room_mode": "group"}
            answer = machine.call("POST", "/v1/rooms", json={**settings, "recording_type": "none"})
            assert answer.status_code == 200, answer.text

    def open(self, number):
        began = time.monotonic()
        path = f"/v1/rooms/{self.platform}-{number % ROOMS}/meeting"
        answer = self.machine.call("POST", path, json={"allow_duplicated": True})
        where = answer.json().get("platform") if answer.ok else ""
        self.seen.append((began, answer.status_code, where, time.monotonic() - began))

    def between(self, start, end):
        return [one for one in self.seen if start <= one[0] < end]

    def p95(self, start, end):
        took = sorted(one[3] for one in self.between(start, end))
        return took[int(len(took) * 0.95)]


class Figures:
    """The sentences of the drill, and those that are not as they must be."""

    def __init__(self):
        self.wrong = []

    def at_most(self, what, value, limit, unit):
        self._say(what, f"{value:.4g} {unit}", f"at most {limit:.3g}", value <= limit)

    def at_least(self, what, value, limit, unit):
        self._say(what, f"{value:.4g} {unit}", f"at least {limit:.3g}", value >= limit)

    def _say(self, what, value, limit, is_well):
        print(f"{what}: {value} (must be {limit})", flush=True)
        if not is_well:
            self.wrong.append(f"{what}: {value}")


def run(machine, provider, seconds):
    """Meetings open all the time; what is wrong with how it went."""
    failing, other = Openings(machine, "whereby"), Openings(machine, "daily")
    stop = threading.Event()
    with ThreadPoolExecutor(64) as people:
        threads = [threading.Thread(target=keep_opening, args=(people, each, stop)) for each in (failing, other)]
        for thread in threads:
            thread.start()
        try:
            began = time.monotonic()
            time.sleep(BEFORE_SECONDS)
            provider.die()
            died = time.monotonic()
            time.sleep(seconds)
            provider.return_to_life()
            returned = time.monotonic()
            wait_until(lambda: opens_there_again(failing), 3 * WELL_WITHIN)
            time.sleep(5)
        finally:
            stop.set()
    return judge(provider, failing, other, began, died, returned)


def keep_opening(people, openings, stop):
    number = 0
    while not stop.wait(PACE):
        people.submit(openings.open, number)
        number += 1


def opens_there_again(openings):
    return [where for _, _, where, _ in openings.seen[-20:]] == ["whereby"] * 20


def judge(provider, failing, other, began, died, returned):
    figures, pause = Figures(), PROBE_SECONDS / divisor()
    calls = [at - died for at in provider.between(died, returned)]
    fifth = calls[4] + READ_TIMEOUT
    quiet = next(number for number, gap in enumerate(gaps_of([*calls, returned - died])) if gap > pause - TOLERANCE)
    probes = calls[quiet + 1 :]
    late = max(0.0, calls[quiet] - fifth)
    figures.at_most("Left alone by all processes, after the fifth failure", late, OPEN_WITHIN, "s")
    if len(probes) > 1:
        apart = min(gaps_of(probes)) + TOLERANCE
        figures.at_least(f"Tried {len(probes)} times by all of them together, apart by", apart, pause, "s")
    tried = [status for _, status, _, _ in failing.between(died, returned)]
    failed = sum(status != 200 for status in tried)
    figures.at_most("Openings that failed meanwhile", failed, 0, f"of {len(tried)}")
    before, meanwhile = other.p95(began + WARM_UP, died), other.p95(died, returned)
    print(f"Openings elsewhere: p95 {before:.3f} s before, {meanwhile:.3f} s meanwhile")
    figures.at_most("Their p95 compared with before", meanwhile / before, SLOWER, "times")
    elsewhere = [at for at, _, where, _ in failing.seen if at > returned and where != failing.platform]
    back = max(elsewhere, default=returned) - returned
    figures.at_most("The last one that opens elsewhere, after it is back", back, WELL_WITHIN, "s")
    return figures.wrong


def gaps_of(times):
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def divisor():
    return int(os.environ.get("WAIT_DIVISOR", "1"))


def main(seconds):
    from tests.support.daily import DailyRooms
    from tests.support.whereby_provider import make_meeting

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        failing, well = (stack.enter_context(StubProvider()) for _ in range(2))
        provider = Provider(failing, make_meeting)
        DailyRooms(well)
        machine = stack.enter_context(running_machine(folder, **variables(failing.url, well.url)))
        print(f"On {'PostgreSQL' if machine.is_postgres else 'SQLite'}, {seconds} seconds", flush=True)
        wrong = run(machine, provider, seconds)
    print("\n" + ("\n".join(wrong) or "All is well."))
    return 1 if wrong else 0


def variables(failing_url, well_url):
    return {
        "WHEREBY_API_URL": failing_url,
        "DAILY_API_URL": well_url,
        "DAILY_API_KEY": "key",
        "DAILY_MIGRATION_ENABLED": "true",
        "VIDEO_PLATFORM_FAILOVER": "mock",
        "PROVIDER_READ_TIMEOUT": str(READ_TIMEOUT),
        "WAIT_DIVISOR": str(divisor()),
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else OUTAGE_SECONDS))
