"""Every operation of the API's document shows an example, and each is as the document says."""

import jsonschema
import pytest

from rooms.api.examples import examples
from tests.support.documented import components, document

JSON = "application/json"
OPERATIONS = {
    operation["operationId"]: operation for methods in document()["paths"].values() for operation in methods.values()
}
# A file that is sent or answered, and answers of nothing.
SHOWS_NOTHING = {"multipart/form-data", "audio/mpeg", "application/zip"}
WITHOUT_CONTENT = {"v1_transcript_post_to_zulip"}


def contents_of(operation):
    """What is sent and what is answered, each with its media type."""
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from part.get("content", {}).items()


def problems_of(content, value):
    schema = {**content["schema"], "components": components()}
    return [problem.message for problem in jsonschema.Draft202012Validator(schema).iter_errors(value)]


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_sent_and_what_is_answered_is_shown(name):
    operation = OPERATIONS[name]
    parts = [operation["responses"]["200"], *([operation["requestBody"]] if "requestBody" in operation else [])]
    contents = [entry for part in parts for entry in part.get("content", {}).items()]
    assert contents or name in WITHOUT_CONTENT
    for media_type, content in contents:
        assert ("example" in content) == (media_type not in SHOWS_NOTHING), media_type


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_shown_is_as_the_document_says(name):
    for media_type, content in contents_of(OPERATIONS[name]):
        shown = [entry["value"] for entry in content.get("examples", {}).values()]
        for value in [*shown, *([content["example"]] if "example" in content else [])]:
            assert media_type != JSON or problems_of(content, value) == []


def test_an_error_is_shown_with_its_code():
    responses = OPERATIONS["v1_rooms_get"]["responses"]
    shown = responses["404"]["content"][JSON]["examples"]
    assert [entry["value"] for entry in shown.values()] == [{"detail": "Room not found", "code": "room_not_found"}]


def test_no_example_is_of_nothing():
    assert examples().keys() <= OPERATIONS.keys()
