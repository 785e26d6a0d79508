"""Killing workers while they ingest: each recording is stored once and whole, soon, and nothing is left lying about.

Workers are processes of their own, which are told of new work at once and of abandoned work every ten seconds, as by
the sweep. Runs on the database and in the folder of the settings, and takes both for its own.
"""

import io
import logging
import os
import random
import time
import wave
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.core.files.storage import storages
from django.test.utils import override_settings
from django.utils import timezone

from platforms.work.models import JobQuerySet
from recordings.models import Ingest, Recording, Submission
from recordings.storage.reader import open_stored
from tests.drills.faulty_server import FaultyServer
from tests.drills.processes import fork, kill

logger = logging.getLogger(__name__)

WORKERS = 6
AT_ONCE = 20  # recordings that are not stored yet
SWEEP = 10.0  # seconds between two looks for abandoned work
RATES = (0, 700_000, 2_000_000)  # bytes per second, 0 for no limit: cuts while fetching, and after it
ABANDONED = 8  # recordings at a time, so that there are workers enough for them
SPARED = 6  # attempts, after which a recording's workers are left alone
LONGEST = timedelta(seconds=30)  # from a kill until somebody goes on
FINISH_TIMEOUT_SECONDS = 120.0  # seconds for the rest to be done


@dataclass
class Outcome:
    kills: int = 0
    recordings: int = 0
    longest: float = 0.0  # seconds until somebody went on
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.recordings} recordings, {len(self.wrong)} problems; "
            f"somebody went on after {self.longest:.1f} s at most"
        )


@dataclass
class _Killed:
    """A row whose worker was killed, until another has it."""

    at: datetime
    token: Any


class KillDrill:
    """`hurry` divides the times of leases and sweeps."""

    def __init__(self, folder: Path, kills: int, seed: int, hurry: int = 1) -> None:
        Ingest.LEASE /= hurry
        self.sweep = SWEEP / hurry
        self.folder = folder
        self.kills = kills
        self.chance = random.Random(seed)
        self.outcome = Outcome()
        self.hashes: dict[Any, str] = {}
        self.killed: dict[Any, _Killed] = {}
        self.workers: list[int] = []
        self.server = FaultyServer()
        self.files = [self.server.host(sound_of(self.chance), rate=rate) for rate in RATES for _ in range(5)]
        self.server_pid = 0

    def run(self) -> Outcome:
        with override_settings(OUTBOUND_ALLOWED_HOSTS=[self.server.place]):
            self.server_pid = fork(self._serve)
            try:
                self._kill_again_and_again()
                self._wait_for_the_rest()
            finally:
                for pid in [self.server_pid, *self.workers]:
                    kill(pid)
        self._look()
        return self.outcome

    def _serve(self) -> None:
        with self.server:
            while True:
                time.sleep(60)

    def _kill_again_and_again(self) -> None:
        while self.outcome.kills < self.kills:
            self._report_more()
            while len(self.workers) < WORKERS:
                self.workers.append(fork(lambda: _work(self.folder, self.sweep)))
            time.sleep(self.chance.uniform(0.02, 0.5))
            self._see_who_goes_on()
            if len(self.killed) < ABANDONED:
                self._kill_one()

    def _report_more(self) -> None:
        missing = AT_ONCE - Ingest.objects.exclude(state=Ingest.State.DONE).count()
        for _ in range(min(missing, self.kills)):
            file = self.chance.choice(self.files)
            recording = Recording.objects.create(
                provider_recording_id=f"drill-{len(self.hashes)}", source_url=self.server.link(file)
            )
            self.hashes[recording.pk] = sha256(file.content).hexdigest()
            Ingest.objects.create(recording=recording)

    def _kill_one(self) -> None:
        """One that has work in hand, whose row stays behind as running."""
        pid = self.chance.choice(self.workers)
        pk = _in_hand(self.folder, pid)
        job = Ingest.objects.filter(pk=pk).first() if pk else None
        if job is None or job.attempts >= SPARED:
            return
        kill(pid)
        self.workers.remove(pid)
        at = timezone.now()
        job = Ingest.objects.get(pk=_in_hand(self.folder, pid) or job.pk)
        if job.state == Ingest.State.RUNNING:
            self.outcome.kills += 1
            self.killed[job.pk] = _Killed(at, job.lease_token)

    def _see_who_goes_on(self) -> None:
        for job in Ingest.objects.filter(pk__in=self.killed):
            if job.lease_token != self.killed[job.pk].token:
                waited = timezone.now() - self.killed.pop(job.pk).at
                self.outcome.longest = max(self.outcome.longest, waited.total_seconds())

    def _wait_for_the_rest(self) -> None:
        deadline = time.monotonic() + FINISH_TIMEOUT_SECONDS
        while Ingest.objects.exclude(state=Ingest.State.DONE).exists() and time.monotonic() < deadline:
            self._see_who_goes_on()
            time.sleep(0.2)
        self._see_who_goes_on()

    def _look(self) -> None:
        recordings = list(Recording.objects.all())
        self.outcome.recordings = len(recordings)
        wrong = self.outcome.wrong
        for recording in recordings:
            if problem := self._problem_of(recording):
                wrong.append(f"{recording.pk}: {problem}")
        expected = {f"{recording.pk}/recording" for recording in recordings}
        stored = Path(storages["recordings"].path(""))
        found = {str(path.relative_to(stored)) for path in stored.rglob("*") if path.is_file()}
        wrong += [f"left over: {name}" for name in found - expected]
        if self.outcome.longest > LONGEST.total_seconds():
            wrong.append(f"nobody went on for {self.outcome.longest:.0f} s")

    def _problem_of(self, recording: Recording) -> str:
        if recording.state != Recording.State.STORED:
            ingest = Ingest.objects.get(recording=recording)
            return f"{recording.state} {recording.error} ({ingest.state}, {ingest.attempts} attempts)"
        if recording.sha256 != self.hashes[recording.pk]:
            return "its SHA-256 is wrong"
        with open_stored(recording.file) as file:
            if sha256(file.read()).hexdigest() != recording.sha256:
                return "its file is another"
        count = Submission.objects.filter(recording=recording).count()
        return "" if count == 1 else f"handed off {count} times"


def _work(folder: Path, sweep: float) -> None:
    """What a worker does, until it is killed."""
    note = _note(folder, os.getpid())
    swept = time.time() // sweep
    while os.getppid() != 1:
        if time.time() // sweep > swept:
            swept = time.time() // sweep
            for pk in _some(Ingest.objects.abandoned(timezone.now())):
                _run(pk, note)
        for pk in _some(Ingest.objects.waiting(timezone.now()))[:1]:
            _run(pk, note)
        time.sleep(0.05)


def _some(rows: JobQuerySet) -> list[int]:
    pks: list[int] = list(rows.values_list("pk", flat=True)[:50])
    random.shuffle(pks)
    return pks


def _run(pk: int, note: Path) -> None:
    note.write_text(str(pk))
    try:
        Ingest.run(pk)
    except Exception:  # a worker goes on with other work
        logger.exception("work_failed pk=%s", pk)
    note.write_text("")


def _note(folder: Path, pid: int) -> Path:
    return folder / f"worker-{pid}"


def _in_hand(folder: Path, pid: int) -> int | None:
    try:
        return int(_note(folder, pid).read_text())
    except (FileNotFoundError, ValueError):
        return None


def sound_of(chance: random.Random, least: int = 100_000, most: int = 500_000) -> bytes:
    """A WAV file of noise, of so many samples, which are two bytes each."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(chance.randbytes(2 * chance.randint(least, most)))
    return out.getvalue()
