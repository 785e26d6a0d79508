"""Opening across real processes, against a provider on loopback."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.live import running_product, wait_until
from tests.support.stub_provider import Answer, StubProvider


def new_meeting(request):
    """What the real provider answers, with a room of its own each time."""
    name = f"/room-{uuid.uuid4()}"
    meeting = {
        "meetingId": str(uuid.uuid4().int)[:8],
        "roomName": name,
        "roomUrl": f"https://acme.example.com{name}",
        "hostRoomUrl": f"https://acme.example.com{name}?roomKey=secret",
        "startDate": "2026-01-01T09:00:00.000Z",
        "endDate": request.json["endDate"],
    }
    return Answer(201, meeting, delay=0.3)


@pytest.fixture
def provider():
    with StubProvider() as stub:
        stub.on("POST", "/meetings", new_meeting)
        yield stub


def variables(provider):
    return {"WHEREBY_API_URL": provider.url, "WHEREBY_API_KEY": "key", "PROVIDER_TOTAL_TIMEOUT": "2"}


def create_room(product, token):
    answer = product.api("POST", "/v1/rooms", token=token, json={"name": "standup", "platform": "whereby"})
    assert answer.status_code == 200, answer.text


@pytest.mark.drill
def test_fifty_people_who_open_one_room_at_once_get_one_meeting(provider, tmp_path):
    with running_product(tmp_path, servers=2, **variables(provider)) as product:
        token = product.sign_in()
        create_room(product, token)
        with ThreadPoolExecutor(50) as people:
            answers = list(
                people.map(
                    lambda n: product.api("POST", "/v1/rooms/standup/meeting", server=n % 2, token=token, json={}),
                    range(50),
                )
            )
    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({answer.text for answer in answers}) == 1
    assert len(provider.sent("POST", "/meetings")) == 1


@pytest.mark.drill
def test_a_server_killed_before_it_could_note_the_providers_answer_leaves_a_room_that_opens_again(provider, tmp_path):
    with running_product(tmp_path, **variables(provider)) as product:
        token = product.sign_in()
        create_room(product, token)

        def answer_and_kill(request):
            product.kill()
            return new_meeting(request)

        provider.on("POST", "/meetings", answer_and_kill, new_meeting)
        with pytest.raises(OSError):  # noqa: PT011  (the connection dies with the server, in one of several ways)
            product.api("POST", "/v1/rooms/standup/meeting", json={})
        second = product.start()

        def opened():
            answer = product.api("POST", "/v1/rooms/standup/meeting", server=second, json={})
            assert answer.status_code in {200, 503}
            return answer.ok and answer.json()

        meeting = wait_until(opened)
        active = product.api("GET", "/v1/rooms/standup/meetings/active", server=second).json()
        assert [entry["id"] for entry in active] == [meeting["id"]]
