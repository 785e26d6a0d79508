"""Which platforms the sandbox plays, by the variables that are set."""

import json

import pytest

from tests.test_settings import PRODUCTION, manage

SHOW = """
import json
from django.conf import settings
from platforms import get_available_platforms, get_platform_config
from platforms.handler import platform_label, why_unavailable
from rooms.selection import current_policy, select_platform
platforms = {
    name: [platform_label(name), why_unavailable(name), get_platform_config(name).api_url]
    for name in get_available_platforms()
}
print(json.dumps({
    "platforms": platforms,
    "processor": settings.RECORDING_PROCESSOR,
    "queue": settings.AWS_PROCESS_RECORDING_QUEUE_URL,
    "let through": settings.OUTBOUND_ALLOWED_HOSTS,
    "hosts": settings.ALLOWED_HOSTS,
    "opens on": select_platform("", "", current_policy()).platform,
}))
"""


def shown(folder, **variables):
    done = manage("shell", "--no-imports", "-c", SHOW, folder=folder, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_in_development_it_plays_every_platform(tmp_path):
    found = shown(tmp_path, DEBUG="true", SANDBOX_PORT="9333", SANDBOX_STORAGE_PORT="9334")
    assert found["platforms"] == {
        "whereby": ["Whereby (sandbox)", None, "http://localhost:9333/whereby/v1"],
        "daily": ["Daily (sandbox)", None, "http://localhost:9333/daily/v1"],
        "mock": ["Mock", None, "http://localhost:9333/mock"],
    }
    assert found["processor"] == "sandbox"
    assert found["queue"] == "http://localhost:9334/123456789012/sandbox-whereby"
    assert found["let through"] == ["localhost:9333", "localhost:9334"]
    assert found["opens on"] == "whereby"


def test_a_platform_with_a_key_is_the_real_one(tmp_path):
    found = shown(tmp_path, DEBUG="true", WHEREBY_API_KEY="key", RECORDING_PROCESSOR="null")
    assert found["platforms"]["whereby"] == ["Whereby", None, "https://api.whereby.dev/v1"]
    assert found["platforms"]["daily"][0] == "Daily (sandbox)"
    assert (found["queue"], found["processor"]) == ("", "null")


def test_production_never_has_it_unless_asked_by_name(tmp_path):
    variables = {name: value for name, value in PRODUCTION.items() if name != "DAILY_API_KEY"}
    found = shown(tmp_path, **variables)
    assert found["platforms"]["daily"] == [
        "Daily", "Daily is not configured: set DAILY_API_KEY.", "https://api.daily.co/v1"
    ]  # fmt: skip
    assert (found["processor"], found["let through"]) == ("null", [])
    asked_for = shown(tmp_path, **variables, SANDBOX_ENABLED="true")
    assert asked_for["platforms"]["daily"][:2] == ["Daily (sandbox)", None]
    # It sends webhooks to this machine's own address.
    assert (found["hosts"], asked_for["hosts"]) == (["rooms.example.com"], ["rooms.example.com", "127.0.0.1"])


@pytest.mark.parametrize("mode", ["cloud", "raw-tracks"])
def test_raw_tracks_have_a_bucket_in_the_sandbox_and_a_real_one_is_left_alone(tmp_path, mode):
    show = "from platforms import create_platform_client as c; print(c('daily').recording_store())"
    variables = {"DAILY_RECORDING_MODE": mode, "AWS_DAILY_S3_BUCKET": "real", "AWS_DAILY_ROLE_ARN": "arn:aws:iam::1:x"}
    done = manage("shell", "--no-imports", "-c", show, folder=tmp_path, DEBUG="true", **variables)
    assert (done.returncode, "real" in done.stdout) == (0, False), done.stderr
    assert ("endpoint_url='http://localhost:9101'" in done.stdout) == (mode == "raw-tracks")


def test_nobody_else_can_sign_events_of_the_mock(tmp_path):
    """Its code is public, and where it is asked for by name it believes what is signed."""
    show = "from platforms import get_platform_config as c; print(*c('mock').webhook_secrets)"
    found = [
        manage("shell", "--no-imports", "-c", show, folder=tmp_path, **{**PRODUCTION, **variables}).stdout
        for variables in ({"MOCK_PLATFORM_ENABLED": "true"}, {"MOCK_PLATFORM_ENABLED": "true", "SECRET_KEY": "s" * 60})
    ]
    assert len(set(found)) == 2
