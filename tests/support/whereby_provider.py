"""Whereby as the tests need it: a stub as strict as the real API, and webhooks signed as it signs them."""

import json
import re
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

from platforms import signing
from platforms.backends.whereby import WherebyClient
from platforms.testing import SignedWebhook
from platforms.types import VideoPlatformConfig
from tests.support.stub_provider import Answer, StubProvider

PAYLOADS = Path(__file__).parent.parent / "payloads" / "whereby"
SECRET = "secret"
NO_MEETING = Answer(404, {"error": "Meeting not found"})
STORAGE = {"s3_bucket": "recordings", "aws_access_key_id": "AKIA-ID", "aws_access_key_secret": "aws/secret"}


@contextmanager
def whereby_stub():
    with StubProvider() as stub:
        made = {}
        stub.on("POST", "/meetings", lambda request: made_by(request, made))
        stub.on("GET", "/meetings", Answer(200, {"results": [], "cursor": None}))
        stub.on("GET", "/meetings/*", lambda request: made.get(request.path.rpartition("/")[2], NO_MEETING))
        stub.on("DELETE", "/meetings/*", Answer(204))
        stub.on("PUT", "/rooms/*", set_theme)
        stub.on("GET", "/insights/*", Answer(200, {"results": [], "cursor": None}))
        yield stub


def made_by(request, made):
    """Like `make_meeting`; what was made is kept."""
    answer = make_meeting(request)
    if answer.status == 201:
        made[answer.json["meetingId"]] = Answer(200, answer.json)
    return answer


def make_meeting(request):
    body = request.json
    if problem := problem_of(body):
        return Answer(400, {"error": problem})
    name = f"/{body['roomNamePrefix']}{uuid.uuid4()}"
    url = f"https://acme.whereby.com{name}"
    answer = {
        "meetingId": str(uuid.uuid4().int % 10**8),
        "roomName": name,
        "roomUrl": url,
        "startDate": "2026-01-02T03:04:05.678Z",
        "endDate": body["endDate"],
    }
    if "hostRoomUrl" in body.get("fields", []):
        answer["hostRoomUrl"] = f"{url}?roomKey={uuid.uuid4().hex}"
    return Answer(201, answer)


def problem_of(body):
    recording = body.get("recording")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body.get("endDate", "")):
        return "endDate"
    if not re.fullmatch(r"[a-z0-9-]{0,39}", body.get("roomNamePrefix", "")):
        return "roomNamePrefix"
    if body.get("roomMode", "normal") not in {"normal", "group"}:
        return "roomMode"
    if recording is not None and set(recording) != {"type", "destination", "startTrigger"}:
        return "recording"
    return None


def set_theme(request):
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data; boundary=")
    return Answer(204 if is_form and b'name="image"' in request.body else 400)


def client_for(stub, **options):
    defaults = {"api_url": stub.url if stub else "http://127.0.0.1:1", "api_key": "key", "webhook_secrets": [SECRET]}
    return WherebyClient(VideoPlatformConfig.from_options("whereby", {**defaults, **options}))


def sign(body, secret=SECRET, at=None):
    seconds = str(int(time.time() if at is None else at))
    header = f"t={seconds},v1={signing.sign_hex(secret, seconds.encode() + b'.' + body)}"
    return SignedWebhook({"Whereby-Signature": header}, header)


def payload(name, **changes):
    """A captured event as bytes, with some members of its data replaced, or left out when None."""
    event = json.loads((PAYLOADS / f"{name}.json").read_bytes())
    event["data"] = {key: value for key, value in {**event["data"], **changes}.items() if value is not None}
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
