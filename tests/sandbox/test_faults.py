"""Each way to misbehave does what it says, and only to the platform that it was asked of."""

import time
from types import SimpleNamespace

import av
import pytest
import requests

from platforms.sandbox.wire.faults import Faults
from platforms.sandbox.world.model import SandboxError
from tests.sandbox.calls import BUCKET, CLOUD, Api, daily_room, mock_room, recorded, whereby_room
from tests.sandbox.product import Product
from tests.support.daily import SECRET
from tests.support.live import wait_until
from tests.support.stub_provider import Answer


@pytest.fixture
def product(sandbox):
    with Product() as product:
        for provider in sandbox.providers.values():
            provider.register(product.url, SECRET)
        yield product


def set_faults(sandbox, platform, **values):
    answer = requests.post(f"{sandbox.url}/controls/{platform}", json=values, timeout=10)
    assert answer.status_code == 200, answer.text


# Calls of the API


@pytest.mark.parametrize("platform", ["daily", "whereby"])
@pytest.mark.parametrize("status", [500, 503, 429])
def test_so_many_next_calls_fail(sandbox, platform, status):
    path = {"daily": "/rooms", "whereby": "/meetings"}
    set_faults(sandbox, platform, failing_calls=2, failing_status=status)
    api = Api(sandbox, platform)
    assert [api.get(path[platform]).status_code for _ in range(3)] == [status, status, 200]


def test_the_other_platforms_are_well(sandbox):
    set_faults(sandbox, "daily", failing_calls=5)
    assert Api(sandbox, "whereby").get("/meetings").status_code == 200
    assert requests.get(f"{sandbox.url}/mock/standup/presence", timeout=10).status_code == 200


def test_the_mocks_calls_fail_too(sandbox):
    set_faults(sandbox, "mock", failing_calls=1, failing_status=503)
    assert requests.get(f"{sandbox.url}/mock/standup/presence", timeout=10).status_code == 503


def test_answers_are_delayed(sandbox):
    set_faults(sandbox, "daily", api_delay=0.3)
    started = time.monotonic()
    Api(sandbox, "daily").get("/rooms")
    assert time.monotonic() - started >= 0.3


def test_lists_of_everybody_are_old(sandbox):
    room, api = daily_room(sandbox), Api(sandbox, "daily")
    set_faults(sandbox, "daily", stale_presence=3600)
    sandbox.world.join(room, "Ada")
    assert list(api.get("/presence").json()) == ["standup"]
    sandbox.world.close(room)
    assert list(api.get("/presence").json()) == ["standup"]
    assert Api(sandbox, "daily").get("/rooms/standup/presence").json()["data"] == []
    set_faults(sandbox, "daily", stale_presence=0)
    assert api.get("/presence").json() == {}


# Webhooks


def come_and_go(sandbox, room, *names):
    for name in names:
        sandbox.world.leave(room, sandbox.world.join(room, name).session_id)


def test_webhooks_get_lost(sandbox, product):
    set_faults(sandbox, "mock", lose_webhooks=True)
    come_and_go(sandbox, mock_room(sandbox), "Ada")
    set_faults(sandbox, "mock", lose_webhooks=False)
    come_and_go(sandbox, mock_room(sandbox, "another"), "Bo")
    product.wait_for("participant.left")
    assert {sent.json["room_name"] for sent in product.received} == {"another"}


def test_webhooks_come_twice(sandbox, product):
    set_faults(sandbox, "whereby", duplicate_webhooks=True)
    room, _ = whereby_room(sandbox)
    sandbox.world.join(room, "Ada")
    first, second = product.wait_for_all(2)
    assert first.body == second.body


def test_webhooks_overtake_each_other(sandbox, product):
    set_faults(sandbox, "daily", reorder_webhooks=True)
    room = daily_room(sandbox)
    ada = sandbox.world.join(room, "Ada")
    sandbox.world.leave(room, ada.session_id)
    product.wait_for_all(2)
    assert product.kinds() == ["participant.left", "participant.joined"]


def test_a_webhook_that_nothing_overtakes_comes_all_the_same(sandbox, product, monkeypatch):
    monkeypatch.setattr("platforms.sandbox.wire.webhooks.HOLD_SECONDS", 0.1)
    room, _ = whereby_room(sandbox)
    set_faults(sandbox, "whereby", reorder_webhooks=True)
    sandbox.world.join(room, "Ada")
    assert product.wait_for("room.client.joined")


def test_webhooks_are_late(sandbox, product):
    set_faults(sandbox, "whereby", webhook_delay=0.5)
    room, _ = whereby_room(sandbox)
    joined_at = time.monotonic()
    sandbox.world.join(room, "Ada")
    product.wait_for("room.client.joined")
    assert time.monotonic() - joined_at >= 0.5


def test_a_webhook_that_failed_sends_nothing_until_it_is_set_going_again(sandbox, product):
    set_faults(sandbox, "daily", stop_webhooks=True)
    api = Api(sandbox, "daily")
    [webhook] = api.get("/webhooks").json()
    assert webhook["state"] == "FAILED"
    room = daily_room(sandbox)
    sandbox.world.join(room, "Ada")
    assert api.post(f"/webhooks/{webhook['uuid']}", {"url": webhook["url"]}).json()["state"] == "ACTIVE"
    sandbox.world.join(room, "Bo")
    joined = product.wait_for("participant.joined")
    assert joined.json["payload"]["user_name"] == "Bo"
    assert product.kinds()[0] == "probe"


# Recordings


def sound_of(path):
    with av.open(str(path)) as media:
        return len(media.streams.audio), len(media.streams.video)


def test_recordings_have_no_audio(sandbox):
    set_faults(sandbox, "daily", recordings_without_audio=True)
    recording = recorded(sandbox, daily_room(sandbox))
    assert sound_of(recording.files[0].path) == (0, 1)
    set_faults(sandbox, "daily", recordings_without_audio=False)
    assert sound_of(recorded(sandbox, daily_room(sandbox, "another")).files[0].path) == (1, 1)


def test_tracks_without_audio_are_none(stored_sandbox):
    set_faults(stored_sandbox, "daily", recordings_without_audio=True)
    room = daily_room(stored_sandbox, recordings_bucket=BUCKET)
    recording = recorded(stored_sandbox, room, kind="raw-tracks")
    shown = Api(stored_sandbox, "daily").get(f"/recordings/{recording.id}").json()
    assert (shown["status"], shown["tracks"]) == ("finished", [])


@pytest.mark.parametrize("platform", ["daily", "mock"])
def test_recordings_fail(sandbox, product, platform):
    set_faults(sandbox, platform, recordings_fail=True)
    room = daily_room(sandbox) if platform == "daily" else mock_room(sandbox, recording="cloud")
    recording = recorded(sandbox, room)
    assert recording.state == "failed"
    kind = {"daily": "recording.error", "mock": "recording.failed"}
    assert product.wait_for(kind[platform])
    assert not {"recording.ready", "recording.ready-to-download"} & set(product.kinds())


def test_whereby_says_nothing_of_a_recording_that_fails(sandbox, product):
    set_faults(sandbox, "whereby", recordings_fail=True)
    room, _ = whereby_room(sandbox, recording=CLOUD)
    recorded(sandbox, room)
    sandbox.world.close(room)
    product.wait_for("room.session.ended")
    wait_until(lambda: sandbox.couriers["whereby"].is_idle)
    assert "recording.finished" not in product.kinds()


def test_recorders_are_busy(sandbox):
    sandbox.world.join(daily_room(sandbox), "Ada")
    set_faults(sandbox, "daily", busy_recorders=1)
    api = Api(sandbox, "daily")
    assert [api.post("/rooms/standup/recordings/start", {}).status_code for _ in range(2)] == [503, 200]


def test_a_link_is_a_sentence(sandbox):
    recording, api = recorded(sandbox, daily_room(sandbox)), Api(sandbox, "daily")
    set_faults(sandbox, "daily", sentence_links=1)
    links = [api.get(f"/recordings/{recording.id}/access-link").json()["download_link"] for _ in range(2)]
    assert [link.startswith("http") for link in links] == [False, True]


def test_a_link_has_expired_at_once(sandbox):
    recording, api = recorded(sandbox, daily_room(sandbox)), Api(sandbox, "daily")
    set_faults(sandbox, "daily", expired_links=1)
    links = [api.get(f"/recordings/{recording.id}/access-link").json()["download_link"] for _ in range(2)]
    assert [requests.get(link, timeout=10).status_code for link in links] == [403, 200]


# The controls themselves


def test_they_are_told_and_reset(sandbox):
    set_faults(sandbox, "daily", lose_webhooks=True, expired_links=3)
    shown = requests.get(f"{sandbox.url}/controls.json", timeout=10).json()
    assert shown["daily"]["faults"]["lose_webhooks"] is True
    assert shown["daily"]["faults"]["expired_links"] == 3
    assert shown["whereby"]["faults"] == Faults().as_json()
    assert requests.delete(f"{sandbox.url}/controls", timeout=10).status_code == 204
    assert requests.get(f"{sandbox.url}/controls.json", timeout=10).json()["daily"]["faults"] == Faults().as_json()


@pytest.mark.parametrize(
    "values",
    [
        {"unheard_of": 1},
        {"failing_status": 418},
        {"failing_calls": -1},
        {"failing_calls": 1.5},
        {"failing_calls": True},
        {"api_delay": "1"},
        {"api_delay": 1e9},
        {"lose_webhooks": 1},
        {"lose_webhooks": True, "unheard_of": 1},
    ],
    ids=str,
)
def test_what_they_do_not_know_changes_nothing(sandbox, values):
    answer = requests.post(f"{sandbox.url}/controls/daily", json=values, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox.faults["daily"].as_json() == Faults().as_json()


def test_where_webhooks_go_can_be_set(sandbox):
    with Product() as product:
        for platform in ("daily", "whereby", "mock"):
            body = {"product": f"{product.url}/", "secret": SECRET}
            assert requests.put(f"{sandbox.url}/controls/{platform}/webhook", json=body, timeout=10).status_code == 204
        sandbox.world.join(whereby_room(sandbox)[0], "Ada")
        assert product.wait_for("room.client.joined").path == "/v1/whereby/webhook"
    wrong = requests.put(f"{sandbox.url}/controls/daily/webhook", json={"product": "x", "secret": "!"}, timeout=10)
    assert wrong.status_code == 400


def test_a_form_sets_all_of_a_platforms_controls(sandbox):
    set_faults(sandbox, "mock", duplicate_webhooks=True)
    form = {"failing_calls": "2", "failing_status": "503", "lose_webhooks": "on"}
    answer = requests.post(f"{sandbox.url}/controls/mock", data=form, timeout=10)
    assert (answer.status_code, answer.url) == (200, f"{sandbox.url}/controls#mock")
    expected = SimpleNamespace(failing_calls=2, failing_status=503, lose_webhooks=True, duplicate_webhooks=False)
    assert {name: getattr(sandbox.faults["mock"], name) for name in vars(expected)} == vars(expected)
    assert 'value="2"' in answer.text
    assert (
        "Nothing was changed" in requests.post(f"{sandbox.url}/controls/mock", data={"api_delay": "x"}, timeout=10).text
    )


def test_their_page_is_strict_and_tells_what_was_sent(sandbox, product):
    product.answers(Answer(500), Answer(200))
    sandbox.world.join(mock_room(sandbox), "Ada")
    wait_until(lambda: len(sandbox.couriers["mock"].log) >= 2)
    answer = requests.get(f"{sandbox.url}/", timeout=10)
    assert answer.url == f"{sandbox.url}/controls"
    assert "participant.joined: 500" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "<script" not in answer.text
    assert "style=" not in answer.text


def test_a_fault_that_counts_is_used_up_once_for_each_time():
    faults = Faults(expired_links=2)
    assert [faults.use_up("expired_links") for _ in range(3)] == [True, True, False]
    with pytest.raises(SandboxError):
        faults.change({"expired_links": "many"})
