"""Which platforms the sandbox plays, by the variables that are set."""

import json

import pytest
from django.conf import settings

from tests.test_settings import PRODUCTION, manage

SHOW = """
import json
from dataclasses import replace
from django.conf import settings
from platforms import create_platform_client, get_available_platforms, get_platform_config
from platforms.handler import platform_label, why_unavailable
from rooms.selection import environment_policy, select_platform
platforms = {
    name: [platform_label(name), why_unavailable(name), get_platform_config(name).api_url]
    for name in get_available_platforms()
}
policy = replace(environment_policy(), platforms={name: why_unavailable(name) for name in platforms})
print(json.dumps({
    "platforms": platforms,
    "clients": {name: type(create_platform_client(name)).__name__ for name in platforms if not platforms[name][1]},
    "processor": settings.RECORDING_PROCESSOR,
    "queue": settings.AWS_PROCESS_RECORDING_QUEUE_URL,
    "let through": settings.OUTBOUND_ALLOWED_HOSTS,
    "hosts": settings.ALLOWED_HOSTS,
    "opens on": select_platform("", "", policy).platform,
}))
"""


def shown(folder, **variables):
    done = manage("shell", "--no-imports", "-c", SHOW, folder=folder, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_in_development_it_plays_every_platform(tmp_path):
    found = shown(tmp_path, DEBUG="true", SANDBOX_PORT="9333", SANDBOX_STORAGE_PORT="9334")
    known = {
        "whereby": ["Whereby (sandbox)", None, "http://localhost:9333/whereby/v1"],
        "daily": ["Daily (sandbox)", None, "http://localhost:9333/daily/v1"],
        "mock": ["Mock", None, "http://localhost:9333/mock"],
    }
    assert {name: found["platforms"][name] for name in known} == known
    assert found["clients"]["mock"] == "SandboxMockClient"
    for name, (label, why_unavailable, api_url) in found["platforms"].items():
        assert (why_unavailable, api_url.startswith("http://localhost:9333")) == (None, True)
        assert label.endswith(" (sandbox)") == (name != "mock")
    assert found["processor"] == ("whisper" if settings.SPEECH_MODEL else "sandbox")
    assert found["queue"] == "http://localhost:9334/123456789012/sandbox-recordings"
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
        for variables in (
            {"MOCK_PLATFORM_ENABLED": "true"},
            {"MOCK_PLATFORM_ENABLED": "true", "SECRET_KEY": "another" * 9},
        )
    ]
    assert len(set(found)) == 2


def checked(folder, **variables):
    done = manage("check", folder=folder, DEBUG="true", **variables)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_all_is_well_as_make_run_has_it(tmp_path):
    assert checked(tmp_path) == ""


def test_a_queue_that_was_given_is_the_one(tmp_path):
    queue = "https://sqs.eu-west-1.amazonaws.com/1/recordings"
    variables = {"AWS_PROCESS_RECORDING_QUEUE_URL": queue}
    assert shown(tmp_path, DEBUG="true", **variables)["queue"] == queue
    show = "from recordings.intake.sqs import Queue; print(Queue().sqs.meta.endpoint_url)"
    done = manage("shell", "--no-imports", "-c", show, folder=tmp_path, DEBUG="true", **variables)
    assert done.stdout == "https://sqs.us-east-1.amazonaws.com\n", done.stderr  # not the sandbox's


def test_what_was_given_and_is_not_used_is_named(tmp_path):
    given = ["WHEREBY_API_URL", "AWS_WHEREBY_S3_BUCKET", "AWS_WHEREBY_ACCESS_KEY_ID", "AWS_WHEREBY_ACCESS_KEY_SECRET"]
    given += ["DAILY_API_URL", "AWS_DAILY_S3_BUCKET", "AWS_DAILY_ROLE_ARN"]
    said = checked(tmp_path, **dict.fromkeys(given, "https://real.example.com"))
    for name in given:
        assert f"{name} is set and not used" in said
    assert checked(tmp_path, WHEREBY_API_KEY="key", RECORDING_PROCESSOR="null").count("is set and not used") == 0


def test_what_was_given_and_can_be_used_beside_the_sandbox_is_used(tmp_path):
    show = "from platforms import get_platform_config as c; print(c('whereby').webhook_secrets[1:], c('whereby'))"
    variables = {"WHEREBY_WEBHOOK_SECRET": "given", "WHEREBY_PRESENCE_CHECKS_PER_MINUTE": "7"}
    done = manage("shell", "--no-imports", "-c", show, folder=tmp_path, DEBUG="true", **variables)
    assert "('given',)" in done.stdout
    assert "presence_checks_per_minute=7," in done.stdout


def test_a_real_recording_does_not_go_to_a_stand_in_unnoticed(tmp_path):
    said = checked(tmp_path, DAILY_API_KEY="key", RECORDING_PROCESSOR="sandbox")
    assert "Recordings of Daily are transcribed by the sandbox, which only describes sounds." in said
    assert "transcribed by the sandbox" not in checked(tmp_path, DAILY_API_KEY="key", RECORDING_PROCESSOR="null")
