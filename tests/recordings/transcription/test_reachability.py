"""Whether what transcribes is there: looked at also while no recording is under way."""

import pytest

from platforms.health import notices
from recordings.tasks import check_transcriber
from tests.support.live import free_port
from tests.support.stub_provider import Answer, StubProvider

pytestmark = pytest.mark.django_db
KEY = "key-that-is-for-nobody-else"


@pytest.fixture
def use(settings):
    def use(alias, address):
        options = {
            "openai": {"api_url": address, "api_key": KEY, "model": "whisper-1"},
            "http": {"url": f"{address}/jobs", "secrets": [KEY]},
        }
        processors = settings.RECORDING_PROCESSORS
        settings.RECORDING_PROCESSORS = {alias: {**processors[alias], "OPTIONS": options[alias]}}
        settings.RECORDING_PROCESSOR = alias

    return use


def look(times=2):
    for _ in range(times):
        check_transcriber()
    return [notice.text for notice in notices.shown()]


@pytest.mark.parametrize("alias", ["openai", "http"])
def test_one_that_is_away_is_told_of_from_the_second_look_on_until_it_is_back(use, alias):
    use(alias, f"http://127.0.0.1:{free_port()}")
    assert look(times=1) == []
    [text] = look(times=1)
    assert "does not answer" in text
    with StubProvider() as stub:
        stub.on("GET", "/*", Answer(405))  # what is there need not like being asked
        use(alias, stub.url)
        assert look(times=1) == []
        [request] = stub.requests
        assert KEY not in str(request.headers)


def test_a_proxy_that_answers_for_it_is_not_it(use):
    with StubProvider() as stub:
        stub.on("GET", "/*", Answer(502))
        use("openai", stub.url)
        [text] = look()
        assert "502" in text


def test_what_transcribes_in_this_process_is_always_there(settings):
    settings.RECORDING_PROCESSOR = "null"
    assert look() == []
