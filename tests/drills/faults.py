"""Fetching from a server on which everything goes wrong: each file comes whole, or its failure says why it does not."""

import random
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from django.core.files.storage import storages
from django.test.utils import override_settings

from platforms.exceptions import PlatformRejected, PlatformUnavailable
from recordings.fetching.download import UrlSource, fetch, forget
from recordings.storage.reader import open_stored
from tests.drills import faulty_server as server
from tests.drills.faulty_server import Fault, FaultyServer, Hosted

AT_ONCE = 6
ATTEMPTS = 2  # of the work; what it waits for between them is left out
LARGEST = 3_000_000  # bytes
LIMIT = 4_000_000  # bytes, RECORDING_MAX_BYTES

# What goes wrong -> what the failure says; "" where the file must come.
FAULTS: dict[Fault, str] = {
    server.nothing: "",
    server.reset: "",
    server.close: "",
    server.stall: "",
    server.drip: "",
    server.drip_always: "too slowly|too long",
    server.drip_headers: "in time|too long",
    server.announce_more_once: "",
    server.announce_more: "contradicts itself about the length",
    server.announce_less: "sends more than it says",
    server.announce_less_and_stop: "",
    server.ignore_ranges: "",
    server.replace: "",
    server.replace_and_ignore_if_range: "",
    server.no_validator: "",
    server.expire: "",
    server.refuse: "refuses the file, also by a fresh link",
    server.be_busy: "",
    server.fail: "answered 500",
    server.be_gone: "not there any more",
    server.redirect: "",
    server.redirect_inside: "not on the public internet",
    server.pack: "sends the file packed",
    server.never_end: "larger than",
    server.chunk: "",
    server.chunk_and_close: "",
    server.say_no_length: "does not say how long",
}


@dataclass
class Outcome:
    """What became of one file. `wrong` is empty when that is as it should be."""

    fault: str
    size: int
    sent: int
    failure: str = ""
    wrong: str = ""


class Hold:
    """In the place of a job, which nobody else wants."""

    LEASE: ClassVar[timedelta] = timedelta(seconds=15)

    def renew(self) -> None:
        """Nobody else wants it."""


def run(rounds: int, seed: int) -> Iterator[Outcome]:
    """Every fault so many times, each with a file of its own size and cuts at places of their own."""
    chance = random.Random(seed)
    with FaultyServer() as faulty, surroundings(faulty.place), ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(rounds):
            files = [
                faulty.host(chance.randbytes(chance.randint(200_000, LARGEST)), fault, chance.getrandbits(32))
                for fault in FAULTS
            ]
            yield from pool.map(lambda file: try_out(faulty, file), files)


def try_out(faulty: FaultyServer, file: Hosted) -> Outcome:
    name, expected = f"drill{file.path}", FAULTS[file.fault]
    failure = _fetch(name, faulty, file)
    outcome = Outcome(file.fault.__name__, len(file.content), file.sent, failure)
    if not failure:
        with open_stored(name) as stored:
            if sha256(stored.read()).digest() != sha256(file.content).digest():
                outcome.wrong = "what is stored is not the file"
        storages["recordings"].delete(name)
    if bool(expected) != bool(failure) or not re.search(expected, failure):
        outcome.wrong = outcome.wrong or f"expected {expected or 'the file'!r}"
    forget(name)
    return outcome


@contextmanager
def surroundings(place: str, deadline: float = 10) -> Iterator[Path]:
    """A folder for the files, and short limits."""
    with tempfile.TemporaryDirectory() as folder:
        storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
        with override_settings(
            STORAGES={"recordings": storage},
            OUTBOUND_ALLOWED_HOSTS=[place],
            RECORDING_SILENCE_SECONDS=0.4,
            RECORDING_DEADLINE_SECONDS=deadline,
            RECORDING_MAX_BYTES=LIMIT,
        ):
            yield Path(folder)
        left = [path for path in Path(folder).rglob("*") if path.is_file()]
        if left:
            raise RuntimeError(f"Files are left over: {left}")


def _fetch(name: str, faulty: FaultyServer, file: Hosted) -> str:
    """Try as a worker would. The reason why it failed, "" when it did not."""
    failure = ""
    for _ in range(ATTEMPTS):
        try:
            fetch(UrlSource(lambda: faulty.link(file)), name, Hold())
        except PlatformRejected as error:
            return str(error)
        except PlatformUnavailable as error:
            failure = str(error)
        else:
            return ""
    return failure
