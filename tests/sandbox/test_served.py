"""The product as `make run` serves it, by its own processes and its own settings."""

import requests

from tests.browser.product import served_product
from tests.sandbox.calls import Tab
from tests.support import media
from tests.support.live import wait_until


def kept_by_the_mock(product):
    return requests.get(f"{product.sandbox}/mock/recordings", timeout=10).json()


def link_to(product, recording):
    answer = requests.get(f"{product.sandbox}/mock/recordings/{recording['recording_id']}", timeout=10)
    return answer.json().get("download_url", "")


def meet(product, meeting):
    """Two people meet until they are recorded, one of them says something, both leave."""
    tabs = [
        Tab(product.sandbox, name, meeting["room_name"], recording="cloud", trigger="automatic-2nd-participant")
        for name in ("Ada", "Bo")
    ]
    [recording] = wait_until(lambda: tabs[0].news().json()["recordings"])
    tabs[0].post("audio", data=media.track(media.Sound(0, 2.0)), recording=recording["id"], segment=0, number=0, age=0)
    for tab in tabs:
        tab.post("audio-end", recording=recording["id"])
        tab.post("leave")


def test_what_somebody_refused_is_deleted_at_the_mock_as_well(tmp_path):
    with served_product(tmp_path) as product:
        product.api("POST", "/v1/rooms", json={"name": "standup", "platform": "mock"})
        meeting = product.api("POST", "/v1/rooms/standup/meeting", json={})
        meet(product, meeting)
        [recording] = wait_until(lambda: kept_by_the_mock(product))
        link = link_to(product, recording)
        assert requests.get(link, timeout=10).ok

        query = f"/v1/recordings?meeting_id={meeting['id']}"
        found = wait_until(lambda: [r for r in product.api("GET", query)["items"] if r["state"] == "done"], seconds=90)
        product.api("POST", f"/v1/meetings/{meeting['id']}/consent", json={"consent_given": False})
        transcript = f"/v1/transcripts/{found[0]['transcript_id']}"
        wait_until(lambda: product.api("GET", transcript)["audio_deleted"], seconds=90)
        assert kept_by_the_mock(product) == []
        assert requests.get(link, timeout=10).status_code == 404
