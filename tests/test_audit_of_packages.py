"""`make audit` where its service is away: it says that nothing was audited, and fails no pipeline."""

import json

import pytest

from tests.support import audit
from tests.support.stub_provider import Answer, StubProvider


@pytest.fixture
def service():
    with StubProvider() as stub:
        yield stub


@pytest.mark.parametrize("answer", [Answer(404), Answer(200, body=b"<html>"), Answer(200, {"info": {}})])
def test_a_service_that_knows_nothing_is_said_to_be_away(service, answer, capsys):
    service.on("POST", "/*", answer)
    assert audit.main(service.url) == 0
    assert capsys.readouterr().out.startswith(f"Nothing was audited: {service.url} does not answer")


def test_one_that_knows_of_holes_is_asked(service):
    service.on("POST", "/*", Answer(200, {}))
    assert audit.knows_of_holes(service.url)
    asked = json.loads(service.requests[0].body)
    assert asked["package"] == {"name": "django", "ecosystem": "PyPI"}
    assert asked["version"].startswith("5.2.")
