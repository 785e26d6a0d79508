"""Times that PostgreSQL gives are read as Django's own loader reads them."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def time_of(text, zone="UTC"):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
        cursor.execute("SELECT %s::timestamptz", [text])
        [[time]] = cursor.fetchall()
    return time


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Europe/Berlin"])
@pytest.mark.parametrize("fraction", ["", ".5", ".000120", ".123456"])
def test_a_time_is_given_in_utc(zone, fraction):
    time = time_of(f"2026-07-02 03:04:05{fraction}Z", zone)
    assert time == datetime.fromisoformat(f"2026-07-02T03:04:05{fraction}+00:00")
    assert time.tzinfo is UTC


@pytest.mark.parametrize("text", ["infinity", "-infinity", "0044-03-15 12:00:00Z BC", "12026-01-01 00:00:00Z"])
def test_what_python_cannot_say_is_an_error(text):
    with pytest.raises(DataError):
        time_of(text)
