"""How soon connected clients are told, what they cost in memory, and what a restart costs them: nothing.

One process of the web server, CLIENTS WebSockets that follow TRANSCRIPTS transcripts, and RATE changes a second, each
of which says when it was made. Half-way the server is killed, and is back a moment later.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.bench.server import children_of
from tests.support.live import ROOT, running_product

CLIENTS, TRANSCRIPTS, RATE = 500, 50, 50
SECONDS = 30  # of changes, before and after the restart each
WRITE = """
import sys, time
from recordings.models import Transcript
transcripts = list(Transcript.objects.order_by("pk"))
print("ready", flush=True)
sys.stdin.readline()
started = time.monotonic()
for number in range({count}):
    time.sleep(max(0, started + number / {rate} - time.monotonic()))
    held = Transcript.objects.get(pk=transcripts[number % len(transcripts)].pk)
    held.title = f"{{number}} {{time.time()}}"
    held.touch()
"""


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder), LOG_LEVEL="ERROR") as product:
        asyncio.run(measure(product))


async def measure(product):
    token = product.sign_in()
    transcripts = sorted(make_transcript(product, token) for _ in range(TRANSCRIPTS))
    before = memory(product)
    # Every other one is signed in: one account, or one address, has not as many connections as all these.
    clients = [
        Client(product, transcripts[number // 2 % TRANSCRIPTS], token if number % 2 else None)
        for number in range(CLIENTS)
    ]
    tasks = [asyncio.create_task(client.follow()) for client in clients]
    await until(lambda: all(client.is_connected for client in clients))
    each = (memory(product) - before) * 1024 / CLIENTS
    print(f"live: {CLIENTS} idle clients: {each:.0f} KB each, {memory(product):.0f} MB in all")
    await write(product, SECONDS)
    await caught_up(clients, SECONDS)
    delays = sorted(at - told for client in clients for told, at in client.heard.values())
    show("delivery", delays)
    after = memory(product)
    for client in clients:
        client.heard.clear()
    writing = asyncio.create_task(write(product, SECONDS))
    await asyncio.sleep(SECONDS / 3)
    await asyncio.to_thread(restart, product)
    up_at = time.time()
    await writing
    await caught_up(clients, SECONDS)
    late = max(at - max(told, up_at) for client in clients for told, at in client.heard.values() if at > up_at)
    print(f"live: restart: every client has every event {late:.2f} s after the server is back (target <= 5)")
    print(f"live: memory after {2 * SECONDS * RATE:,} events: {after:.0f} MB, after a restart {memory(product):.0f} MB")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def make_transcript(product, token):
    """One that everybody may read."""
    made = product.api("POST", "/v1/transcripts", token=token, json={"name": "talk"}).json()["id"]
    assert product.api("PATCH", f"/v1/transcripts/{made}", token=token, json={"share_mode": "public"}).ok
    return made


class Client:
    """`heard`: the number of a change -> when it was made, and when it came."""

    def __init__(self, product, transcript, token):
        self._address = f"{product.servers[0][0].replace('http', 'ws', 1)}/v1/transcripts/{transcript}/events"
        self._protocols = ["bearer", token] if token else None
        self._since = None
        self.is_connected = False
        self.heard = {}

    async def follow(self):
        """Come again, as a browser's script does, whenever the connection is lost."""
        while True:
            query = "" if self._since is None else f"?since={self._since}"
            try:
                async with connect(self._address + query, subprotocols=self._protocols, open_timeout=30) as connection:
                    async for text in connection:
                        self._take(json.loads(text))
            except (OSError, TimeoutError, WebSocketException):
                await asyncio.sleep(0.2)

    def _take(self, message):
        self.is_connected = True
        self._since = message.get("id", self._since)
        if message["event"] == "FINAL_TITLE" and " " in message["data"]["title"]:
            number, told = message["data"]["title"].split()
            self.heard.setdefault(int(number), (float(told), time.time()))


async def write(product, seconds):
    script = WRITE.format(count=seconds * RATE, rate=RATE)
    command = [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", script]
    writer = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=product.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    await writer.stdout.readline()
    writer.stdin.write(b"go\n")
    await writer.wait()


async def caught_up(clients, seconds):
    """Each has heard all of its transcript: as many changes as there are of it."""
    await until(lambda: all(len(client.heard) == seconds * RATE // TRANSCRIPTS for client in clients))


async def until(condition, seconds=120):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


def restart(product):
    product.kill(0)
    product.start_again(0)


def show(what, delays):
    p50, p95, p99 = (delays[int(share * len(delays))] * 1000 for share in (0.5, 0.95, 0.99))
    print(f"live: {what} of {len(delays):,}: p50 {p50:.0f} ms, p95 {p95:.0f} ms (target <= 250), p99 {p99:.0f} ms")


def memory(product):
    """Of the server's processes, in MB."""
    pids = [product.pid(), *children_of(product.pid())]
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


if __name__ == "__main__":
    main()
