"""Calls to the sandbox's APIs as anybody could make them, and what people do in its rooms."""

import time
from datetime import UTC, datetime, timedelta

import requests

from tests.support import media
from tests.support.live import wait_until

KEY = "sandbox"


class Api:
    """One provider's API on a sandbox: `api.get("/rooms")` gives the response."""

    def __init__(self, sandbox, platform, key=KEY):
        self.sandbox, self.platform = sandbox, platform
        self.url = f"{sandbox.url}/{platform}/v1"
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def with_key(self, key):
        return Api(self.sandbox, self.platform, key)

    def call(self, method, path, **kwargs):
        return requests.request(method, self.url + path, headers=self.headers, timeout=10, **kwargs)

    def get(self, path, **params):
        return self.call("GET", path, params=params)

    def post(self, path, body=None):
        return self.call("POST", path, json=body)

    def delete(self, path):
        return self.call("DELETE", path)


def in_an_hour():
    return int(time.time()) + 3600


def daily_room(sandbox, name="standup", privacy="public", **properties):
    body = {"name": name, "privacy": privacy, "properties": {"exp": in_an_hour(), **properties}}
    answer = Api(sandbox, "daily").post("/rooms", body)
    assert answer.status_code == 200, answer.text
    return sandbox.world.room("daily", name)


def whereby_room(sandbox, prefix="standup-", **wanted):
    """The room, and what the API said of it."""
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    body = {"endDate": end, "roomNamePrefix": prefix, "fields": ["hostRoomUrl"], **wanted}
    answer = Api(sandbox, "whereby").post("/meetings", body)
    assert answer.status_code == 201, answer.text
    return sandbox.world.room("whereby", answer.json()["roomName"][1:]), answer.json()


def mock_room(sandbox, name="standup", **query):
    return sandbox.providers["mock"].admit(name, query).room


DESTINATION = {
    "provider": "s3",
    "bucket": "sandbox-whereby",
    "accessKeyId": "sandbox",
    "accessKeySecret": "sandbox",
    "fileFormat": "mp4",
}
CLOUD = {"type": "cloud", "startTrigger": "automatic-2nd-participant", "destination": DESTINATION}
BUCKET = {
    "bucket_name": "sandbox-daily",
    "bucket_region": "us-east-1",
    "assume_role_arn": "sandbox",
    "allow_api_access": True,
}


def speak(sandbox, recording, session_id, seconds=1.0, after=0.0):
    """As this person's browser would: one segment, whole, and the word that there is no more."""
    began_at = recording.started_at + timedelta(seconds=after)
    sandbox.world.add_audio(recording, session_id, 0, began_at, media.track(media.Sound(0, seconds)))
    sandbox.world.finish_audio(recording, session_id)


def ended(recording):
    """Once it is kept or has failed."""
    return wait_until(lambda: recording.state in {"ready", "failed"} and recording.state)


def recorded(sandbox, room, kind="cloud", **kwargs):
    """A recording of two people, one of whom spoke, that has ended."""
    world = sandbox.world
    ada, _ = world.join(room, "Ada"), world.join(room, "Bo")
    recording = room.recording or world.start_recording(room, kind, ada.session_id, **kwargs)
    speak(sandbox, recording, ada.session_id)
    world.stop_recording(recording)
    ended(recording)
    return recording


class Tab:
    """Somebody's tab with the meeting page, as the sandbox sees it."""

    def __init__(self, sandbox_url, name="Ada", room="standup", **query):
        self.address = f"{sandbox_url}/mock/{room}/api"
        self.joined = self.post("join", {"name": name, "query": query}, connection="")
        self.state = self.joined.json()
        self.connection = self.state.get("connection", "")

    def post(self, path, body=None, data=None, connection=None, **query):
        query = {"connection": self.connection if connection is None else connection, **query}
        return requests.post(f"{self.address}/{path}", params=query, json=body, data=data, timeout=10)

    def news(self, seen=""):
        return requests.get(f"{self.address}/news", params={"connection": self.connection, "seen": seen}, timeout=10)

    def send(self, recording, number, data=b"x", segment=0, age=0):
        return self.post("audio", data=data, recording=recording.id, segment=segment, number=number, age=age)

    def record(self, room):
        self.post("recording", {"on": True})
        return room.recording
