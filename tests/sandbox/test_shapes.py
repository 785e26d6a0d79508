"""The comparison of shapes itself: what it must notice, and what it must let pass."""

import pytest

from tests.sandbox.shapes import Notes, differences, notes

UUID, OTHER = "0f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f60", "1f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f61"


@pytest.mark.parametrize(
    ("actual", "recorded"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": 2.5}),
        ({"a": "x"}, {"a": "y z"}),
        ({"a": [1, 2]}, {"a": [3]}),
        ({"a": []}, {"a": [{"b": 1}]}),
        ([{"a": None}, {"a": {"b": 1}}], [{"a": {"b": 2}}, {"a": None}]),
        (UUID, OTHER),
        (f"join-{UUID}-1767258062001", f"join-{OTHER}-1767258062002"),
        ("2026-01-01T09:01:02.000Z", "2027-01-01T09:01:02.999Z"),
    ],
)
def test_the_same_shape_has_no_differences(actual, recorded):
    assert list(differences(actual, recorded)) == []


@pytest.mark.parametrize(
    ("actual", "recorded", "said"),
    [
        ({}, {"a": 1}, "$.a is missing"),
        ({"a": 1}, {}, "$.a is new"),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, "$.a.b is new"),
        ({"a": "1"}, {"a": 1}, "$.a is a str"),
        ({"a": True}, {"a": 1}, "$.a is a bool"),
        ({"a": 1.5}, {"a": 1}, "$.a is a float"),
        ({"a": None}, {"a": 1}, "$.a is None"),
        ({"a": 1}, {"a": None}, "$.a is 1"),
        ({"a": []}, {"a": {}}, "$.a is no object"),
        ({"a": {}}, {"a": []}, "$.a is no array"),
        ({"a": [1]}, {"a": []}, "$.a was empty"),
        ([{"a": 1}, {"b": 1}], [{"a": 1}], "$[].a is missing"),
        ("words", UUID, "$ is 'words'"),
        ("2026-01-01T09:01:02Z", "2026-01-01T09:01:02.000Z", "$ is"),
        ("2026-01-01T09:01:02+00:00", "2026-01-01T09:01:02.000Z", "$ is"),
        (f"join-{UUID}-1767258062", f"join-{UUID}-1767258062001", "$ is"),
        (f"left-{UUID}", f"join-{UUID}", "$ is"),
        (f"standup-{UUID}", f"/standup-{UUID}", "$ is"),
    ],
)
def test_every_difference_is_told(actual, recorded, said):
    found = list(differences(actual, recorded))
    assert found
    assert any(sentence.startswith(said) for sentence in found)


def test_what_is_noted_may_differ():
    noted = notes(optional="$.a $.b", nullable="$.c $.d", free="$.e", maps="$.f", either="$.g", fractions="$.h")
    actual = {"b": 1, "c": None, "d": 1, "e": "x", "f": {"any": 1}, "g": [1], "h": 1.5}
    recorded = {"a": 1, "c": 1, "d": None, "e": UUID, "f": {"other": 2}, "g": True, "h": 1}
    assert list(differences(actual, recorded, noted)) == []
    assert list(differences(actual, recorded, Notes()))


def test_what_is_in_a_map_is_compared_all_the_same():
    assert list(differences({"any": "x"}, {"other": 1}, notes(maps="$"))) == ["$.* is a str, was a int"]
