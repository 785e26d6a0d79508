"""What is written is what REST framework writes."""

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ErrorDetail
from rest_framework.renderers import JSONRenderer as PlainRenderer

from recordings.models import Transcript
from rooms.api.rendering import JSONRenderer

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def is_same(data):
    return JSONRenderer().render(data) == PlainRenderer().render(data)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        "",
        {"a": 1, "b": [True, False, None], "c": {"d": 0.1, "e": -1.0, "f": 1e16}},
        (1, 2),
        {1: "a number for a key"},
        2**70,
        Decimal("1.50"),
        uuid.UUID(int=7),
        NOW,
        NOW.replace(microsecond=0),
        NOW.astimezone(timezone(timedelta(hours=5, minutes=30))),
        date(2026, 1, 2),
        timedelta(seconds=3),
        gettext_lazy("a text of later"),
        ErrorDetail("an error", "code"),
        Transcript.Status.ENDED,
        b"bytes",
        "\u2028 and \u2029, </script>, \x00, \x7f, \x1f, ä, 漢, 😀 and \\u2028",
    ],
    ids=repr,
)
def test_the_same_bytes(data):
    assert is_same({"value": data})
    assert is_same(data)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.none() | st.booleans() | st.text())))
def test_of_anything(data):
    assert is_same(data)


def test_what_no_json_can_say_is_refused_by_both():
    for renderer in (JSONRenderer(), PlainRenderer()):
        with pytest.raises(UnicodeEncodeError):
            renderer.render(["\ud800"])
        with pytest.raises(TypeError):
            renderer.render([object()])
