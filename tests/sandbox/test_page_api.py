"""What the meeting page asks of the sandbox, over HTTP and without a browser."""

import time

import pytest
import requests

from platforms.sandbox.server import running_sandbox
from platforms.sandbox.web import page
from platforms.sandbox.world import connections
from platforms.sandbox.world.model import Rules
from tests.sandbox.calls import Tab
from tests.support.live import wait_until


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox(storage=False) as sandbox:
        yield sandbox


@pytest.fixture
def room(sandbox):
    room = sandbox.world.make_room("mock", "standup", Rules(recording="cloud"))
    yield room
    sandbox.world.forget(room)


@pytest.mark.parametrize("name", ["", "   ", None])
def test_people_say_who_they_are(sandbox, room, name):
    tab = Tab(sandbox.url, name)
    assert (tab.joined.status_code, room.people) == (400, [])
    assert "name" in tab.state["error"]


def test_names_are_cut_where_they_are_too_long(sandbox, room):
    assert len(Tab(sandbox.url, "x" * 500).state["people"][0]["name"]) == page.NAME_LIMIT


def test_a_room_that_is_over_lets_nobody_in(sandbox, room):
    sandbox.world.close(room)
    tab = Tab(sandbox.url)
    assert (tab.joined.status_code, tab.state["reason"]) == (403, "no-room")


def test_what_is_not_there(sandbox, room):
    assert requests.get(f"{sandbox.url}/elsewhere/standup", timeout=10).status_code == 404
    assert "does not exist" in requests.get(f"{sandbox.url}/daily/nowhere", timeout=10).text
    assert Tab(sandbox.url).post("leave", connection="made-up").status_code == 404
    assert Tab(sandbox.url).news().status_code == 200
    assert Tab(sandbox.url).post("recording", {"on": True}, connection="made-up").status_code == 404


def test_the_page_may_be_framed_but_takes_nothing_from_elsewhere(sandbox):
    answer = requests.get(f"{sandbox.url}/mock/standup", timeout=10)
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors" not in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_names_are_not_taken_for_markup(sandbox):
    answer = requests.get(f"{sandbox.url}/mock/standup", params={"name": "</script><script>alert(1)"}, timeout=10)
    assert "<script>alert" not in answer.text


def test_news_come_at_once(sandbox, room):
    ada = Tab(sandbox.url, "Ada")
    began = time.monotonic()
    assert ada.news(ada.state["seen"]).json() == {key: ada.state[key] for key in ada.state if key != "connection"}
    assert page.NEWS_AFTER_SECONDS - 0.1 < time.monotonic() - began < page.NEWS_AFTER_SECONDS + 5
    bo = Tab(sandbox.url, "Bo")
    began = time.monotonic()
    assert [one["name"] for one in ada.news(ada.state["seen"]).json()["people"]] == ["Ada", "Bo"]
    assert time.monotonic() - began < page.NEWS_AFTER_SECONDS - 0.3
    bo.post("leave")
    assert [one["name"] for one in ada.news().json()["people"]] == ["Ada"]


def test_who_asks_for_news_stays(sandbox, room, monkeypatch):
    monkeypatch.setattr(connections, "CONNECTION_TIMEOUT_SECONDS", 1.0)
    ada, bo = Tab(sandbox.url, "Ada"), Tab(sandbox.url, "Bo")
    seen = ada.state["seen"]
    wait_until(lambda: [one["name"] for one in ada.news(seen).json()["people"]] == ["Ada"], seconds=5)
    assert bo.news().status_code == 404
    assert [person.name for person in room.people] == ["Ada"]


def test_sound_is_kept_in_its_order_and_once(sandbox, room):
    ada, bo = Tab(sandbox.url, "Ada"), Tab(sandbox.url, "Bo")
    recording = ada.record(room)
    assert ada.send(recording, 0, b"one,").json() == {"count": 1}
    assert ada.send(recording, 2, b"three,").status_code == 409
    assert ada.send(recording, 1, b"two,").status_code == 200
    assert ada.send(recording, 1, b"two,").json() == {"count": 2}
    ada.send(recording, 2, b"three,")
    ada.send(recording, 0, b"again", segment=1)
    bo.send(recording, 0, b"bo")
    kept = {session: {n: bytes(s.data) for n, s in parts.items()} for session, parts in recording.audio.items()}
    assert kept == {ada.state["session"]: {0: b"one,two,three,", 1: b"again"}, bo.state["session"]: {0: b"bo"}}


def test_a_segment_began_when_its_tab_says_so(sandbox, room):
    ada = Tab(sandbox.url)
    recording = ada.record(room)
    wait_until(lambda: recording.seconds > 0.5)
    before = recording.seconds
    ada.send(recording, 0, age=400)
    [segment] = recording.audio[ada.state["session"]].values()
    offset = (segment.began_at - recording.started_at).total_seconds()
    assert before - 0.4 <= offset <= recording.seconds - 0.4


def test_the_last_sound_is_taken_until_the_recording_is_done(sandbox, room):
    ada = Tab(sandbox.url)
    recording = ada.record(room)
    ada.send(recording, 0)
    ada.post("recording", {"on": False})
    assert recording.state == "processing"
    assert ada.send(recording, 1).status_code == 200
    ada.post("audio-end", recording=recording.id)
    wait_until(lambda: recording.state == "ready")
    late = ada.send(recording, 2)
    assert (late.status_code, late.json()["error"]) == (400, "This recording is over.")


@pytest.mark.parametrize("changed", [{"segment": "x"}, {"number": ""}, {"age": "soon"}, {"recording": "another"}])
def test_odd_sound_is_refused(sandbox, room, changed):
    ada = Tab(sandbox.url)
    recording = ada.record(room)
    query = {"recording": recording.id, "segment": 0, "number": 0, "age": 0, **changed}
    assert ada.post("audio", data=b"x", **query).status_code == 400
    assert recording.audio == {}


def test_too_much_sound_at_once_is_refused(sandbox, room):
    ada = Tab(sandbox.url)
    recording = ada.record(room)
    assert ada.send(recording, 0, bytes(page.CHUNK_LIMIT_BYTES + 1)).status_code == 413
    assert recording.audio == {}


def test_only_who_may_record_does(sandbox, room):
    room.rules.recording = "none"
    answer = Tab(sandbox.url).post("recording", {"on": True})
    assert (answer.status_code, room.recordings) == (400, [])
    room.rules.recording = "cloud"
    ada = Tab(sandbox.url)
    ada.record(room)
    assert ada.post("recording", {"on": True}).json()["error"] == "The meeting is being recorded already."


def test_only_hosts_let_people_in(sandbox, room):
    host = Tab(sandbox.url, "Ada", host="key")
    visitor = Tab(sandbox.url, "Bo")
    room.rules.is_locked = True
    waiting = Tab(sandbox.url, "Cy")
    assert (waiting.state["state"], waiting.state["people"]) == ("waiting", [])
    [knock] = host.news().json()["waiting"]
    assert visitor.news().json()["waiting"] == []
    assert visitor.post("decide", {"number": knock["number"], "admit": True}).status_code == 400
    assert waiting.post("decide", {"number": knock["number"], "admit": True}).status_code == 404
    assert waiting.post("recording", {"on": True}).status_code == 404
    assert host.post("decide", {"number": 0, "admit": True}).status_code == 404
    assert host.post("decide", {"number": "x"}).status_code == 400
    assert host.post("decide", {"number": knock["number"], "admit": True}).status_code == 204
    assert waiting.news().json()["state"] == "in"


def test_who_has_been_sent_out_is_told(sandbox, room):
    ada = Tab(sandbox.url)
    sandbox.world.close(room)
    state = ada.news(ada.state["seen"]).json()
    assert (state["state"], state["closed"], state["people"]) == ("out", True, [])
