"""Daily as the tests see it: captured payloads, signatures, and rooms on a stub that is as strict as the provider."""

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from pathlib import Path

from platforms.backends.daily import DailyClient
from platforms.types import VideoPlatformConfig
from tests.support.stub_provider import Answer, StubProvider

PAYLOADS = Path(__file__).parent.parent / "payloads" / "daily"
SECRET = base64.b64encode(bytes(range(32))).decode()
API_KEY = "key-of-the-domain"

# What a room's and a token's properties may be; the provider refuses a body with any other.
ROOM_PROPERTIES = (
    {"nbf", "exp", "eject_at_room_exp", "eject_after_elapsed", "max_participants", "enable_recording", "geo", "lang"}
    | {"recordings_bucket", "recordings_template", "enable_chat", "enable_screenshare", "enable_knocking"}
    | {"enable_prejoin_ui", "enable_people_ui", "start_video_off", "start_audio_off", "owner_only_broadcast"}
    | {"enforce_unique_user_ids", "permissions", "meeting_join_hook", "enable_transcription_storage"}
    | {"transcription_bucket", "transcription_template", "auto_transcription_settings"}
)
TOKEN_PROPERTIES = (
    {"room_name", "is_owner", "user_name", "user_id", "nbf", "exp", "eject_at_token_exp", "eject_after_elapsed"}
    | {"enable_recording", "enable_recording_ui", "start_cloud_recording", "start_cloud_recording_opts", "knocking"}
    | {"enable_screenshare", "start_video_off", "start_audio_off", "enable_prejoin_ui", "lang", "permissions"}
    | {"redirect_on_meeting_exit", "close_tab_on_exit", "auto_start_transcription"}
)


def payload(name):
    return json.loads((PAYLOADS / f"{name}.json").read_bytes())


def body(name):
    """A captured event as it comes over the wire, in compact JSON."""
    return json.dumps(payload(name), separators=(",", ":"), ensure_ascii=False).encode()


def client_for(provider, **options):
    return offline_client(api_url=provider.url, **options)


def offline_client(**options):
    options = {"api_key": API_KEY, "webhook_secrets": [SECRET], **options}
    return DailyClient(VideoPlatformConfig.from_options("daily", options))


def signature_of(content, timestamp, secret=SECRET):
    key = base64.b64decode(secret)
    return base64.b64encode(hmac.new(key, f"{timestamp}.".encode() + content, hashlib.sha256).digest()).decode()


def older_signature_of(content, secret=SECRET):
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def signed(content, seconds_ago=0, secret=SECRET):
    """The headers of a delivery that was signed so long ago."""
    timestamp = str(int((time.time() - seconds_ago) * 1000))
    return {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": signature_of(content, timestamp, secret)}


def refusal(status, error, info):
    return Answer(status, {"error": error, "info": info})


def taken(request):
    return refusal(400, "invalid-request-error", f"a room named {request.json['name']} already exists")


class DailyRooms:
    """The rooms of a domain."""

    def __init__(self, stub):
        self.rooms = {}
        stub.on("POST", "/rooms", self.create)
        stub.on("POST", "/rooms/*", self.update)
        stub.on("GET", "/rooms", lambda request: Answer(200, {"total_count": len(self.rooms), "data": []}))
        stub.on("GET", "/rooms/*", self.get)
        stub.on("DELETE", "/rooms/*", self.delete)
        stub.on("POST", "/meeting-tokens", self.create_token)
        stub.on("GET", "/meetings", Answer(200, {"total_count": 0, "data": []}))

    def create(self, request):
        wanted = request.json
        if unknown := set(wanted) - {"name", "privacy", "properties"} or set(wanted["properties"]) - ROOM_PROPERTIES:
            return refusal(400, "invalid-request-error", f'"{unknown.pop()}" is not allowed')
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", wanted["name"]):
            return refusal(400, "invalid-request-error", "invalid room name")
        if type(wanted["properties"]["exp"]) is not int:
            return refusal(400, "invalid-request-error", "exp should be a number of seconds since the unix epoch")
        if wanted["name"] in self.rooms:
            return taken(request)
        self.rooms[wanted["name"]] = {
            "id": str(uuid.uuid4()),
            "name": wanted["name"],
            "api_created": True,
            "privacy": wanted["privacy"],
            "url": f"https://acme.daily.co/{wanted['name']}",
            "created_at": "2026-01-01T09:00:00.000Z",
            # Only what differs from the defaults.
            "config": {name: value for name, value in wanted["properties"].items() if value is not False},
        }
        return Answer(200, self.rooms[wanted["name"]])

    def create_and_lose_the_answer(self, request):
        self.create(request)
        return refusal(502, "server-error", "bad gateway")

    def update(self, request):
        if room := self.rooms.get(request.path.rpartition("/")[2]):
            room["config"].update(request.json["properties"])
            return Answer(200, room)
        return self.get(request)

    def get(self, request):
        if room := self.rooms.get(request.path.rpartition("/")[2]):
            return Answer(200, room)
        return refusal(404, "not-found", "room not found")

    def delete(self, request):
        if room := self.rooms.pop(request.path.rpartition("/")[2], None):
            return Answer(200, {"deleted": True, "name": room["name"]})
        return self.get(request)

    def create_token(self, request):
        properties = request.json["properties"]
        if unknown := set(properties) - TOKEN_PROPERTIES:
            return refusal(400, "invalid-request-error", f'"{unknown.pop()}" is not allowed')
        return Answer(200, {"token": "header.claims.signature"})


class DailyStub(StubProvider):
    """Daily with its rooms; tests change single answers."""

    def __init__(self):
        super().__init__()
        self.rooms = DailyRooms(self)
        self.on("GET", "/recordings", Answer(200, {"total_count": 0, "data": []}))
        self.on("GET", "/webhooks", Answer(200, []))
