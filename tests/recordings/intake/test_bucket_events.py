"""What messages say of objects, in all the shapes in which they come."""

import contextlib
import json
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from platforms.testing.malformed import MALFORMED_BODIES, damaged
from recordings.intake.bucket_events import NewObject, Unreadable, new_objects

PAYLOADS = Path(__file__).parent.parent.parent / "payloads" / "aws"
KEY = "cloud/team a+b-2026-01-02T03:04:12Z.mp4"


def payload(name):
    return json.loads((PAYLOADS / f"{name}.json").read_bytes())


def said(message):
    return [(new.bucket, new.key) for new in new_objects(json.dumps(message))]


def test_an_event_of_the_bucket_itself():
    assert said(payload("s3")) == [("recordings-of-provider", KEY)]


def test_an_event_in_the_envelope_of_a_topic():
    assert said(payload("sns")) == [("recordings-of-provider", KEY)]


def test_an_event_of_the_event_bridge_whose_key_is_not_encoded():
    assert said(payload("eventbridge")) == [("recordings-of-provider", "cloud/100%25+x-2026-01-02T03:04:12Z.mp4")]


@pytest.mark.parametrize("envelope", ["s3-test", "sns-test"])
def test_the_event_by_which_a_configuration_is_tried_out_says_nothing(envelope):
    assert said(payload(envelope)) == []


def test_several_records_are_several_objects():
    message = payload("s3")
    other = json.loads(json.dumps(message["Records"][0]))
    other["s3"]["object"]["key"] = "cloud/other-2026-01-02T03:04:12Z.mp4"
    message["Records"].append(other)
    assert [key for _, key in said(message)] == [KEY, "cloud/other-2026-01-02T03:04:12Z.mp4"]


@pytest.mark.parametrize("key", ["a b.mp4", "a+b.mp4", "a%2Fb.mp4", "Zoë/日本.mp4", "x-2026-01-02T03:04:12Z.mp4"])
@pytest.mark.parametrize("safe", ["", "/"])
def test_keys_are_decoded_once(key, safe):
    message = payload("s3")
    message["Records"][0]["s3"]["object"]["key"] = quote_plus(key, safe=safe)
    assert said(message) == [("recordings-of-provider", key)]


@pytest.mark.parametrize("how", ["Put", "Post", "Copy", "CompleteMultipartUpload", "SomethingNew"])
@pytest.mark.parametrize("prefix", ["", "s3:"])
def test_an_object_may_be_made_in_any_way(how, prefix):
    message = payload("s3")
    message["Records"][0]["eventName"] = f"{prefix}ObjectCreated:{how}"
    assert len(said(message)) == 1


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "ObjectRestore:Completed", "ObjectCreated", "", None])
def test_what_was_not_made_is_not_reported(name):
    message = payload("s3")
    message["Records"][0]["eventName"] = name
    assert said(message) == []
    bridge = {**payload("eventbridge"), "detail-type": "Object Deleted"}
    assert said(bridge) == []


def test_every_version_of_the_event_is_read_and_members_may_be_missing():
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}
    assert new_objects(json.dumps({"Records": [record]})) == [NewObject("b", "k")]


@pytest.mark.parametrize("body", ["", " ", "x", "null", "[]", '"x"', "{", "{}", "\ud800", "[" * 100_000])
def test_what_is_no_json_object_is_unreadable(body):
    with pytest.raises(Unreadable):
        new_objects(body)


def test_an_envelope_around_something_else_is_unreadable():
    with pytest.raises(Unreadable):
        said({"Type": "Notification", "Message": "hello"})
    nested = '{"Records": []}'
    for _ in range(5):
        nested = json.dumps({"Type": "Notification", "Message": nested})
    with pytest.raises(Unreadable):
        new_objects(nested)


@pytest.mark.parametrize("body", MALFORMED_BODIES)
def test_any_body_is_read_or_unreadable(body):
    text = body.decode("utf-8", "replace")
    with contextlib.suppress(Unreadable):
        new_objects(text)


@pytest.mark.parametrize("name", ["s3", "sns", "eventbridge", "s3-test", "sns-test"])
def test_any_damage_is_read_or_unreadable(name):
    for body in damaged(payload(name)):
        try:
            found = new_objects(body.decode("utf-8", "replace"))
        except Unreadable:
            continue
        assert all(new.bucket and new.key and "\x00" not in new.key for new in found)


def test_a_key_longer_than_keys_are_names_no_object():
    message = payload("s3")
    message["Records"][0]["s3"]["object"]["key"] = "x" * 5000
    assert said(message) == []
