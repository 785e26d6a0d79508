"""`python -m tests.drills.journey`: two web machines and two workers, with a folder of its own each, over PostgreSQL,
Redis and a bucket: from a room with a logo to transcripts that are found, each step on another machine than the last.

It ends with 1 where a step does not come to its end, or where a machine keeps what another one needs.
"""

import io
import json
import os
import sys
import time
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit

import django
import requests
from PIL import Image

from tests.drills.installation import running_installation
from tests.support.live import ADMIN, wait_until

OURS, PROVIDERS = "of-the-installation", "of-the-provider"
SECRET = "secret-of-the-drill"
ROOM = "far-and-near"
UNDONE = "SELECT type, state, outcome, last_error, room_name FROM platforms_webhookevent ORDER BY received_at"
STEP_SECONDS = 120  # that one may take; a busy machine is slow


class Journey:
    def __init__(self, installation, provider, speech, bucket):
        self.installation = installation
        self.provider = provider
        self.speech = speech
        self.bucket = bucket
        self.first, self.second = installation.web("web-1"), installation.web("web-2")
        installation.worker("worker-1", "quick,outbound", processes=2)
        installation.worker("worker-2", "long,uploads", processes=2)
        installation.beat()

    def run(self):
        began = time.monotonic()
        for step in (self.start, self.give_logo, self.open, self.meet, self.record, self.read, self.upload, self.look):
            step()
            print(f"{time.monotonic() - began:6.1f} s  {' '.join(step.__doc__.split())}", flush=True)

    def start(self):
        """Two web processes, two workers and the scheduler run, and are ready."""
        self.installation.wait_until_up()
        for web in (self.first, self.second):
            wait_until(lambda web=web: web.call("GET", "/ready").ok, STEP_SECONDS, every=0.5)
        self.token = self.installation.sign_in(self.first)

    def give_logo(self):
        """A room is made on web-1, and is given a logo there in Admin."""
        fields = {"platform": "whereby", "recording_type": "cloud", "recording_trigger": "automatic"}
        made = self.api(self.first, "POST", "/v1/rooms", json={"name": ROOM, **fields})
        change_in_admin(self.first, f"/admin/rooms/room/{made['id']}/change/", "logo", ("logo.png", picture()))

    def open(self):
        """Its meeting opens on web-2, and a worker gives the provider the logo."""
        self.meeting = self.api(self.second, "POST", f"/v1/rooms/{ROOM}/meeting", json={})
        [asked] = wait_until(lambda: self.provider.sent("PUT", "/rooms/"), STEP_SECONDS)
        assert picture() in asked.body

    def meet(self):
        """What the provider tells web-2 of two people, web-1 shows."""
        people = [str(uuid.uuid4()) for _ in range(2)]
        for number, person in enumerate(people, 1):
            self.tell(self.second, "room.client.joined", person_of(person, number))
        wait_until(lambda: self.people_in(self.first) == 2, STEP_SECONDS)
        for number, person in enumerate(people, 1):
            self.tell(self.first, "room.client.left", person_of(person, 2 - number))
        wait_until(lambda: self.people_in(self.second) == 0, STEP_SECONDS)

    def record(self):
        """The recording that web-1 is told of is fetched and transcribed by workers."""
        from tests.support import media

        name = f"{self.room_name.strip('/')}-{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}.mp4"
        content = media.media("mp4", [media.Sound(1, 2), media.Sound(5, 2)], video=8)
        self.bucket.put_object(Bucket=PROVIDERS, Key=name, Body=content)
        self.tell(self.first, "recording.finished", {"filename": name, "recordingId": "r-1", "status": "completed"})
        recording = wait_until(self.done_recording, STEP_SECONDS)
        self.transcript = recording["transcript_id"]

    def read(self):
        """The transcript is read, found and heard on web-2."""
        path = f"/v1/transcripts/{self.transcript}"
        shown = self.api(self.second, "GET", f"{path}?transcript_format=json")
        assert [round(line["start"]) for line in shown["transcript"]] == [1, 5], shown
        found = self.api(self.second, "GET", "/v1/transcripts/search?q=something")
        assert self.transcript in [result["id"] for result in found["results"]], found
        heard = self.second.call("GET", f"{path}/audio/mp3", self.token)
        assert heard.ok, heard.text
        assert heard.content[:3] in {b"ID3", b"\xff\xfb\x90"} or heard.headers["Content-Type"] == "audio/mpeg"

    def upload(self):
        """A file of which web-1 got the one half and web-2 the other is transcribed too."""
        from tests.support import media

        content = media.with_audio()
        made = self.api(self.first, "POST", "/v1/transcripts", json={"name": "sent"})["id"]
        half = len(content) // 2
        for number, (web, piece) in enumerate([(self.first, content[:half]), (self.second, content[half:])]):
            query = {"chunk_number": number, "total_chunks": 2}
            path, files = f"/v1/transcripts/{made}/record/upload", {"chunk": ("talk.mp4", piece, "video/mp4")}
            self.api(web, "POST", path, params=query, files=files)
        wait_until(lambda: self.api(self.first, "GET", f"/v1/transcripts/{made}")["status"] == "ended", STEP_SECONDS)

    def look(self):
        """No machine keeps a file that another one would need: all are in the bucket."""
        kept = [path for node in self.installation.nodes for path in node.folder.rglob("*") if path.is_file()]
        print("        kept on machines:", ", ".join(sorted({path.name for path in kept})) or "nothing")
        needed = [path for path in kept if not path.name.startswith(("beat-schedule", "celery"))]
        assert not needed, needed
        objects = [found["Key"] for found in self.bucket.list_objects_v2(Bucket=OURS)["Contents"]]
        print(f"        in the bucket: {len(objects)} objects")
        assert any(key.startswith("logos/") for key in objects), objects

    # What it takes

    def api(self, node, method, path, **kwargs):
        answer = node.call(method, path, self.token, **kwargs)
        assert answer.ok, f"{node.name}: {method} {path} was answered {answer.status_code}: {answer.text[:500]}"
        return answer.json()

    @property
    def room_name(self):
        return urlsplit(self.meeting["room_url"]).path

    def people_in(self, node):
        meetings = self.api(node, "GET", f"/v1/rooms/{ROOM}/meetings/active")
        return meetings[0]["num_clients"] if meetings else None

    def done_recording(self):
        items = self.api(self.second, "GET", f"/v1/recordings?meeting_id={self.meeting['id']}")["items"]
        return next((item for item in items if item["state"] == "done"), None)

    def tell(self, node, kind, data):
        from tests.support.whereby_provider import sign

        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        told = {"id": os.urandom(32).hex(), "apiVersion": "1.0", "createdAt": now.replace("+00:00", "Z")}
        body = json.dumps({**told, "type": kind, "data": {"roomName": self.room_name, **data}}).encode()
        answer = node.call("POST", "/v1/whereby/webhook", data=body, headers=sign(body, SECRET).headers)
        assert answer.status_code == 200, answer.text


def person_of(key, present):
    return {"participantId": key, "displayName": "Ada", "roleName": "visitor", "numClients": present}


def picture():
    content = io.BytesIO()
    Image.new("RGB", (400, 100)).save(content, "PNG")
    return content.getvalue()


def change_in_admin(node, path, name, file):
    """As a browser does it: the form is sent back as it came, with the file."""
    with requests.Session() as browser:
        log_in(browser, node)
        page = browser.get(node.url + path, timeout=60)
        form = Form()
        form.feed(page.text)
        fields = [*form.fields, ("_save", "Save")]
        answer = browser.post(node.url + path, fields, files={name: (*file, "image/png")}, timeout=60)
        assert answer.ok, answer.text
        assert "errornote" not in answer.text, answer.text


def log_in(browser, node):
    address = f"{node.url}/login"
    browser.get(address, timeout=60)
    fields = {"username": "admin", "password": ADMIN["password"], "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    assert browser.post(address, fields, allow_redirects=False, timeout=60).status_code == 302


class Form(HTMLParser):
    """What a browser would send of the page's form of changes."""

    def __init__(self):
        super().__init__()
        self.fields = []
        self._is_inside = False
        self._select = self._area = None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self._is_inside = given.get("id", "").endswith("_form") and given.get("method") == "post"
        if not self._is_inside:
            return
        if tag == "input" and given.get("name") and given.get("type") not in {"file", "submit"}:
            if given.get("type") not in {"checkbox", "radio"} or "checked" in given:
                self.fields.append((given["name"], given.get("value") or "on" * (given.get("type") == "checkbox")))
        elif tag == "select":
            self._select = given.get("name")
        elif tag == "option" and self._select and "selected" in given:
            self.fields.append((self._select, given.get("value", "")))
        elif tag == "textarea":
            self._area = (given.get("name"), "")

    def handle_data(self, data):
        if self._area:
            self._area = (self._area[0], self._area[1] + data)

    def handle_endtag(self, tag):
        if tag == "textarea" and self._area:
            self.fields.append((self._area[0], self._area[1].removeprefix("\n")))
            self._area = None
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self._is_inside = False


def variables(aws, provider, speech):
    from tests.support.aws import CREDENTIALS, REGION
    from tests.support.speech_service import KEY

    return {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_S3_REGION": REGION,
        "RECORDINGS_STORAGE_BUCKET": OURS,
        "RECORDINGS_STORAGE_REGION": REGION,
        "RECORDINGS_STORAGE_ACCESS_KEY_ID": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "RECORDINGS_STORAGE_ACCESS_KEY_SECRET": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "WHEREBY_API_URL": provider.url,
        "WHEREBY_API_KEY": "key",
        "WHEREBY_WEBHOOK_SECRET": SECRET,
        "AWS_WHEREBY_S3_BUCKET": PROVIDERS,
        "AWS_WHEREBY_S3_REGION": REGION,
        "AWS_WHEREBY_ACCESS_KEY_ID": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "AWS_WHEREBY_ACCESS_KEY_SECRET": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "RECORDING_PROCESSOR": "openai",
        "TRANSCRIPTION_API_URL": speech.url,
        "TRANSCRIPTION_API_KEY": KEY,
        "OUTBOUND_ALLOWED_HOSTS": ",".join(urlsplit(url).netloc for url in (aws.url, provider.url, speech.url)),
        "RECORDINGS_KEEP_FREE_MB": "4",
    }


def main():
    from tests.support.aws import running_aws
    from tests.support.speech_service import SpeechService
    from tests.support.stub_provider import StubProvider
    from tests.support.whereby_provider import whereby_stub

    with ExitStack() as stack:
        aws = stack.enter_context(running_aws())
        provider = stack.enter_context(whereby_stub())
        speech = SpeechService(stack.enter_context(StubProvider()))
        for bucket in (OURS, PROVIDERS):
            aws.bucket(bucket)
        installation = stack.enter_context(running_installation(**variables(aws, provider, speech)))
        installation.manage("collectstatic", "--no-input", "--verbosity=0")
        try:
            Journey(installation, provider, speech, aws.client("s3")).run()
        except AssertionError as error:
            print(f"\nIt ends here: {error}")
            for row in installation.database.rows(UNDONE):
                print("  ", *row, file=sys.stderr)
            for node in installation.nodes:
                print(f"== {node.name}\n{node.log()[-3000:]}", file=sys.stderr)
            return 1
    print("\nAll is well.")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(main())
