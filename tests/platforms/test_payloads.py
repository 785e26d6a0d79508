import json
from datetime import UTC, datetime, timedelta

import pytest

from platforms import payloads
from platforms.testing.malformed import MALFORMED_BODIES, MALFORMED_VALUES

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


# Whole bodies


@pytest.mark.parametrize("body", MALFORMED_BODIES, ids=lambda body: ascii(body[:30]))
def test_any_body_is_read_as_an_object(body):
    assert isinstance(payloads.load(body), dict)


@pytest.mark.parametrize("value", MALFORMED_VALUES, ids=lambda value: ascii(value[:30]))
def test_an_odd_field_does_not_hide_the_others(value):
    assert payloads.load(b'{"odd":' + value + b',"type":"x"}')["type"] == "x"


def test_an_object_is_read_as_it_is():
    event = {"id": "1", "data": {"names": ["Zoë", "💥"], "n": 1, "t": 1.5, "no": None, "yes": True}}
    assert payloads.load(json.dumps(event).encode()) == event
    assert payloads.load(json.dumps(event, ensure_ascii=False).encode()) == event
    assert payloads.load(b"\xef\xbb\xbf" + json.dumps(event).encode()) == event


def test_a_name_cut_inside_a_letter_is_read_with_a_mark_in_its_place():
    assert payloads.load(b'{"name":"Zo\xc3"}') == {"name": "Zo\ufffd"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000])
def test_numbers_that_cannot_be_kept_are_nothing(number):
    assert payloads.load(f'{{"n":{number}}}'.encode()) == {"n": None}


# Text


def test_the_first_named_field_with_text_counts():
    source = {"a": None, "b": "", "c": 7, "d": "x"}
    assert payloads.text(source, "missing", "a", "b", "d") == "x"
    assert payloads.text(source, "c", "d") == "7"
    assert payloads.text(source) == payloads.text(source, "a") == ""


@pytest.mark.parametrize("value", [None, True, False, 1.5, [], ["x"], {}, {"a": "x"}, 2**63])
def test_what_is_no_text_is_empty(value):
    assert payloads.text({"a": value}, "a") == ""


def test_text_can_be_stored():
    assert payloads.text({"a": 10**5000}, "a") == ""
    assert payloads.text({"a": "\x00a\ud800b\x00"}, "a") == "a?b"
    assert payloads.text({"a": "\x00", "b": "x"}, "a", "b") == "x"
    assert len(payloads.text({"a": "x" * 5000}, "a")) == 255
    assert len(payloads.text({"a": "x" * 5000}, "a", limit=1024)) == 1024


# Numbers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (-1.5, -1.5),
        ("2.5", 2.5),
        (" 3 ", 3.0),
        ("1e3", 1000.0),
        (True, None),
        (None, None),
        ("", None),
        ("x", None),
        ("nan", None),
        ("inf", None),
        (float("inf"), None),
        (10**400, None),
        ([], None),
        ({}, None),
    ],
)
def test_a_number_is_finite_or_nothing(value, expected):
    assert payloads.number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (2.9, 2),
        (-2.9, -2),
        ("7", 7),
        ("7.0", 7),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        ("1e300", None),
        (False, None),
        ("x", None),
        (None, None),
        ([1], None),
        (float("nan"), None),
        (-(2**63), None),
    ],
)
def test_a_whole_number_fits_a_database(value, expected):
    assert payloads.integer(value) == expected


# Times


@pytest.mark.parametrize(
    "value",
    [
        1767225600,
        1767225600.0,
        1767225600000,
        "1767225600",
        "1767225600000",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01 00:00:00",
        " 2026-01-01T00:00Z ",
    ],
)
def test_a_time_is_read_in_every_notation(value):
    found = payloads.moment(value)
    assert found == NEW_YEAR
    assert found
    assert found.tzinfo is UTC


def test_fractions_of_a_second_are_kept():
    assert payloads.moment(1767225600.25) == payloads.moment(1767225600250) == NEW_YEAR + timedelta(milliseconds=250)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "x",
        0,
        -1,
        1e300,
        10**400,
        "nan",
        [],
        {},
        "9999-99-99",
        "1999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2101-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time_of_this_century_is_nothing(value):
    assert payloads.moment(value) is None


# The rest


def test_only_an_object_is_a_mapping():
    assert payloads.mapping({"a": 1}) == {"a": 1}
    values: list[object] = [None, [], "x", 1, True]
    for value in values:
        assert payloads.mapping(value) == {}


def test_a_key_is_equal_for_equal_parts_only():
    keys = {payloads.key_of(*parts) for parts in (["ab"], ["a", "b"], ["b", "a"], ["", "ab"], [b"ab", ""], [])}
    assert len(keys) == 6
    assert payloads.key_of("ab") == payloads.key_of(b"ab")
    assert len(payloads.key_of("\ud800")) == 64


def test_the_end_of_what_lasted_is_told_only_where_it_can_be():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert payloads.after(start, "90.5") == start + timedelta(seconds=90.5)
    assert [payloads.after(start, seconds) for seconds in (None, -1, 1e9, "soon", True)] == [None] * 5
    assert payloads.after(None, 5) is None


def test_the_first_field_that_holds_a_time_counts():
    source = {"a": "no", "b": None, "c": 1767258062, "d": 1}
    assert payloads.first_moment(source, "a", "b", "c", "d") == datetime.fromtimestamp(1767258062, UTC)
    assert payloads.first_moment(source, "a", "b") is None


def test_the_objects_of_a_list_are_read_bare_or_by_name():
    assert payloads.objects([{"a": 1}, None, 5], "data") == [{"a": 1}]
    assert payloads.objects({"data": [{"a": 1}]}, "data") == [{"a": 1}]
    assert [payloads.objects(answer, "data") for answer in ({}, {"data": {}}, None, "x", 5)] == [None] * 5
