"""What an installation is told of while it is spoiled: people who come and go, and recordings. In the end, what its
database and its storage hold is compared with what happened."""

import json
import random
import threading
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import psycopg
import requests

from tests.drills.sender import Sender
from tests.support.live import wait_until

REPEATED = 0.05  # of the events come a second time
APART = 2.0  # seconds between two events of a meeting
END_SECONDS = 600  # after the last one is taken, until all must be done; after a full disk five minutes pass
WELL_SECONDS = 120  # after a disturbance, until something new must be done
IS_OPEN = "state IN ('waiting', 'running')"
OPEN_WORK = f"""
    SELECT (SELECT count(*) FROM platforms_webhookevent WHERE {IS_OPEN})
        + (SELECT count(*) FROM recordings_ingest WHERE {IS_OPEN})
        + (SELECT count(*) FROM recordings_submission WHERE {IS_OPEN})
"""
LOSSES = """
    SELECT (SELECT coalesce(sum(losses), 0) FROM platforms_webhookevent)
        + (SELECT coalesce(sum(losses), 0) FROM recordings_ingest)
        + (SELECT coalesce(sum(losses), 0) FROM recordings_submission)
"""
LAG = """
    SELECT percentile_cont(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (ORDER BY extract(epoch FROM {end} - {start})) FROM {table}
    WHERE state = 'done'
"""


class Work:
    """So many `events` of people, and `recordings` fetched from `files`, told by webhooks."""

    def __init__(self, installation, webs, files, storage, *, events, recordings, rate, meetings=50, seed=1):
        from tests.drills import storm

        self.installation = installation
        self._webs = webs
        self._storage = storage
        chance = random.Random(seed)
        self._rate = rate
        self._secrets = secrets_of(installation)
        start = datetime.now(UTC) - timedelta(seconds=120 + APART * max(2, events // meetings))
        self.histories = storm.histories_of(meetings, max(2, events // meetings), chance, start, APART)
        storm.make_meetings(self.histories, start)
        self.hashes = {}
        self.people = [told for turn in zip(*(one.events for one in self.histories), strict=True) for told in turn]
        self.recordings = [self._recording(chance, files, start) for _ in range(recordings)]
        self.repeated = chance.choices(self.people, k=int(len(self.people) * REPEATED))
        count = len(self.people) + len(self.recordings)
        self.report = storm.Report(meetings, count + len(self.repeated), count)
        self.recoveries = []
        self.sender = None

    def _recording(self, chance, files, start):
        from platforms.sandbox.daily import events as daily_events
        from platforms.sandbox.wire import deliveries

        key, file = str(uuid.UUID(int=chance.getrandbits(128))), chance.choice(files.files_of_drill)
        self.hashes[key] = sha256(file.content).hexdigest()
        room = chance.choice([history for history in self.histories if history.platform == "daily"]).room_name
        payload = {
            "type": "cloud",
            "recording_id": key,
            "room_name": room,
            "start_ts": int(start.timestamp()) + 60,
            "status": "finished",
            "duration": 2,
            "s3_key": f"acme/{room}/{key}",
            "download_url": files.link(file),
        }
        event = daily_events.event("recording.ready-to-download", f"rec-rtd-{key}", payload, start + timedelta(hours=1))
        return deliveries.delivery("daily", event)

    # While it goes on

    def start(self, deliveries=None, rate=None):
        """Send all, recordings and what comes twice among the others; or only these."""
        if deliveries is None:
            deliveries = mixed(mixed(self.people, self.recordings), self.repeated)
        ports = [web.port for web in self._webs]
        self.sender = Sender(ports, self._secrets, deliveries, rate or self._rate)
        self.sender.start()

    def note_recovery(self):
        """How long it takes from now until an event that is new is taken and processed, wherever it is sent."""
        self.recoveries.append(self._seconds_until_processed())

    def _seconds_until_processed(self):
        from tests.support.whereby_provider import sign

        began, key = time.monotonic(), uuid.uuid4().hex
        told = {"id": key, "apiVersion": "1.0", "createdAt": "2026-01-02T03:04:05.678Z", "type": "room.client.knocked"}
        body = json.dumps({**told, "data": {"roomName": "/drill-0"}}).encode()

        def is_taken():
            for web in self._webs:
                with suppress(requests.RequestException):
                    headers = sign(body, self._secrets["whereby"]).headers
                    if web.call("POST", "/v1/whereby/webhook", data=body, headers=headers).status_code == 200:
                        return True
            return False

        def is_processed():
            with suppress(psycopg.Error):
                query = f"SELECT state FROM platforms_webhookevent WHERE event_id = '{key}'"
                return self.installation.database.rows(query) == [("done",)]

        wait_until(is_taken, WELL_SECONDS)
        wait_until(is_processed, WELL_SECONDS)
        self.report.events += 1
        return time.monotonic() - began

    # In the end

    def finish(self):
        """What is wrong, in words; the figures are printed."""
        from django.db import connections

        from tests.drills import storm

        self.sender.join()
        began = time.monotonic()
        wrong = []
        try:
            wait_until(lambda: self.installation.database.rows(OPEN_WORK)[0][0] == 0, END_SECONDS, every=0.5)
        except AssertionError:
            wrong.append(f"{self.installation.database.rows(OPEN_WORK)[0][0]} rows of work are still open")
        self.report.seconds_to_end = time.monotonic() - began
        connections.close_all()
        self.report.put_off, self.report.refused = sum(self.sender.sent.put_off.values()), self.sender.sent.refused
        storm.compare(self.histories, self.report)
        wrong += self._wrong_recordings()
        if not self.report.is_right:
            wrong.append("people or events are lost, doubled or wrong")
        self._show()
        connections.close_all()
        return wrong

    def _wrong_recordings(self):
        from recordings.models import Ingest, Recording, Submission

        found = {}
        for recording in Recording.objects.all():
            found.setdefault(recording.provider_recording_id, []).append(recording)
        for key, expected in self.hashes.items():
            match found.pop(key, []):
                case []:
                    yield f"recording {key} is lost"
                case [recording]:
                    if recording.state not in {Recording.State.STORED, Recording.State.DONE}:
                        job = Ingest.objects.get(recording=recording)
                        yield f"recording {key} is {recording.state}: {recording.error} ({job.attempts} attempts)"
                    elif recording.sha256 != expected or self._storage.digest(recording.file) != expected:
                        yield f"recording {key} is stored wrongly"
                    elif Submission.objects.filter(recording=recording).count() != 1:
                        yield f"recording {key} was handed on more than once"
                case several:
                    yield f"recording {key} is there {len(several)} times"
        yield from (f"recording {key} was made up" for key in found)
        files = set(Recording.objects.exclude(file="").values_list("file", flat=True))
        kept = {name for name in self._storage.names() if not name.endswith(".mp3")}
        yield from (f"left over: {name}" for name in sorted(kept - files))

    def _show(self):
        sent, rows = self.sender.sent, self.installation.database.rows
        report = self.report
        print(
            f"  {report.deliveries} deliveries of {report.events} events: {sent.taken} taken, {report.put_off} put off "
            f"({dict(sent.put_off)}), {report.refused} refused; {report.lost} lost, {report.doubled} doubled, "
            f"{report.wrong} wrong"
        )
        print(
            f"  acknowledged: p50 {sent.percentile(0.5) * 1000:.0f} ms, p99 {sent.percentile(0.99) * 1000:.0f} ms, "
            f"max {max(sent.took, default=0) * 1000:.0f} ms; of those put off {max(sent.late, default=0):.1f} s at most"
        )
        for name, table, start in (
            ("events were processed", "platforms_webhookevent", "received_at"),
            ("recordings were stored", "recordings_ingest", "created_at"),
        ):
            [[figures]] = rows(LAG.format(table=table, start=start, end="finished_at"))
            if figures:
                p50, p95, most = figures
                print(f"  {name} after p50 {p50:.2f} s, p95 {p95:.2f} s, {most:.1f} s at most")
        print(
            f"  {len(self.hashes)} recordings; all was done {report.seconds_to_end:.1f} s after the last was taken; "
            f"{rows(LOSSES)[0][0]} times a worker went away with work in hand"
        )
        if self.recoveries:
            mean, most = sum(self.recoveries) / len(self.recoveries), max(self.recoveries)
            print(f"  recovered {len(self.recoveries)} times after {mean:.1f} s on average, {most:.1f} s at most")


def mixed(events, more):
    """One after the other, those of `more` evenly from the beginning to the end."""
    step = len(events) / (len(more) + 1)
    places = [((number + 1) * step, one) for number, one in enumerate(more)]
    return [one for _, one in sorted([*enumerate(events), *places], key=lambda placed: placed[0])]


def secrets_of(installation):
    return {
        "daily": installation.environment["DAILY_WEBHOOK_SECRET"],
        "whereby": installation.environment["WHEREBY_WEBHOOK_SECRET"],
    }


class Openings:
    """Somebody opens a meeting of a room now and then, on one platform and on the other."""

    ROOMS = 20

    def __init__(self, installation, webs, pace):
        self._webs = webs
        self._token = installation.sign_in(webs[0])
        self._pace = pace
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="openings")
        self.seen = []
        for number in range(self.ROOMS):
            fields = {"name": f"open-{number}", "platform": ("daily", "whereby")[number % 2], "recording_type": "none"}
            answer = webs[0].call("POST", "/v1/rooms", self._token, json=fields)
            assert answer.ok, answer.text

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._is_over.set()
        self._thread.join()

    def _go_on(self):
        number = 0
        while not self._is_over.wait(self._pace):
            path = f"/v1/rooms/open-{number % self.ROOMS}/meeting"
            began = time.monotonic()
            try:
                web = self._webs[number % len(self._webs)]
                status = web.call("POST", path, self._token, json={"allow_duplicated": True}).status_code
            except requests.RequestException as error:
                status = type(error).__name__
            self.seen.append((status, time.monotonic() - began))
            number += 1
