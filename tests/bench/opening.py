"""What opening a meeting costs beside the provider's own time, and what an adapter costs beside a bare request."""

import multiprocessing
import os
import statistics
import tempfile
import time
import uuid
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import django
from django.utils import timezone

from tests.support.live import running_product
from tests.support.stub_provider import Answer, StubProvider

OPENINGS = 60
CALLS = 300


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from platforms.handler import create_platform_client

    for platform in ("whereby", "daily"):
        with provider_process(delay=0.02) as url:
            adapter_overhead(create_platform_client(platform, config_for(platform, url)))
        with provider_process(delay=0.1) as url:
            opening(platform, url)
    room_list()


def adapter_overhead(client):
    """create_meeting against the same request over the same session, taking turns."""
    room = Settings()
    end_date = timezone.now() + timedelta(hours=8)
    client.create_meeting("bench", end_date, room)
    path, body = PATHS[client.name], {"name": "bench", "endDate": end_date.isoformat(), "fields": ["hostRoomUrl"]}
    adapter, bare = [], []
    for _ in range(CALLS):
        adapter.append(timed(lambda: client.create_meeting("bench", end_date, room)))
        bare.append(timed(lambda: client.api.session.post(client.api.base_url + path, json=body, timeout=10).json()))
    ratio = statistics.median(adapter) / statistics.median(bare)
    print(f"{client.name}: create_meeting / bare request, provider 20 ms: {ratio:.3f} (target <= 1.02)")


def opening(platform, url):
    variables = {f"{platform.upper()}_API_URL": url, f"{platform.upper()}_API_KEY": "key"}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_product(Path(folder), DAILY_MIGRATION_ENABLED="true", LOG_LEVEL="WARNING", **variables) as product,
    ):
        token = product.sign_in()
        key = product.api("POST", "/v1/user/api-keys", token=token, json={"name": "bench"}).json()["key"]
        created = product.api("POST", "/v1/rooms", token=token, json={"name": "bench", "platform": platform})
        created.raise_for_status()
        session = Caller(product.servers[0][0], {"X-API-Key": key})
        provider = Caller(url, {})
        session.open("bench")
        cpu = cpu_seconds(product.pid())
        opened, bare = [], []
        for _ in range(OPENINGS):
            opened.append(timed(lambda: session.open("bench")))
            bare.append(timed(lambda: provider.post(PATHS[platform], {"endDate": "x", "name": "bench"})))
        cpu = (cpu_seconds(product.pid()) - cpu) / OPENINGS
    ratio = statistics.median(opened) / statistics.median(bare)
    print(f"{platform}: opening p50 / provider's own p50, provider 100 ms: {ratio:.3f} (target <= 1.10)")
    print(f"{platform}: server CPU per opening: {cpu * 1000:.1f} ms (target <= 12)")


def room_list():
    """A page of 100 out of 1,000 rooms beside a page of 100 out of 100: time as a ratio."""
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder), LOG_LEVEL="WARNING") as product:
        token = product.sign_in()
        caller = Caller(product.servers[0][0], {"Authorization": f"Bearer {token}"})
        times = {}
        for number in range(1000):
            caller.post("/v1/rooms", {"name": f"room-{number}"})
            if number + 1 in {100, 1000}:
                times[number + 1] = statistics.median(
                    timed(lambda: caller.get("/v1/rooms?size=100")) for _ in range(30)
                )
    print(f"rooms: page of 100 out of 1,000 / out of 100: {times[1000] / times[100]:.2f}")


PATHS = {"whereby": "/meetings", "daily": "/rooms"}


class Settings:
    is_locked = skip_consent = False
    room_mode, recording_type, recording_trigger = "group", "none", "none"


class Caller:
    def __init__(self, base, headers):
        import requests

        self.base, self.session = base, requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers)

    def post(self, path, body):
        answer = self.session.post(self.base + path, json=body)
        answer.raise_for_status()
        return answer.json()

    def get(self, path):
        answer = self.session.get(self.base + path)
        answer.raise_for_status()
        return answer.json()

    def open(self, room):
        return self.post(f"/v1/rooms/{room}/meeting", {"allow_duplicated": True})


def config_for(platform, url):
    from dataclasses import replace

    from platforms.handler import get_platform_config

    return replace(get_platform_config(platform), api_url=url, api_key="key")


def timed(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def cpu_seconds(pid):
    """User and system time of a process and of its children that still run."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if pid in {int(stat.parent.name), int(fields[1])}:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


@contextmanager
def provider_process(delay):
    """A provider in a process of its own, so that its work is not counted as ours."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve_provider, args=(theirs, delay), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def serve_provider(pipe, delay):
    def whereby(request):
        name = f"/room-{uuid.uuid4()}"
        url = f"https://acme.example.com{name}"
        meeting = {"meetingId": uuid.uuid4().hex, "roomName": name, "roomUrl": url, "hostRoomUrl": f"{url}?roomKey=k"}
        return Answer(201, {**meeting, "endDate": request.json["endDate"]}, delay=delay)

    def daily(request):
        name = request.json["name"]
        room = {"id": str(uuid.uuid4()), "name": name, "url": f"https://acme.example.com/{name}", "config": {}}
        return Answer(200, room, delay=delay)

    with StubProvider() as stub:
        stub.on("POST", "/meetings", whereby)
        stub.on("POST", "/rooms", daily)
        pipe.send(stub.url)
        pipe.recv()


if __name__ == "__main__":
    main()
