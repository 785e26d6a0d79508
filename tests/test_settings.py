"""Starting with good and bad settings, in a process of its own as it is for an operator."""

import os
import re
import subprocess
import sys

import pytest

from tests.support import product_settings
from tests.support.live import ROOT

PRODUCTION = {
    "TRUSTED_PROXIES": "1",
    "DATABASE_URL": "postgres://rooms:password@127.0.0.1:1/rooms",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "k5!vQ8#zL2@wX9$rT4%yU7&pI1*oA6(sD3)fG0-hJ_lZ+xC=vB",
    "FIELD_ENCRYPTION_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "PUBLIC_URL": "https://rooms.example.com",
    "WHEREBY_API_KEY": "key",
    "WHEREBY_WEBHOOK_SECRET": "secret",
    "AWS_WHEREBY_S3_BUCKET": "recordings",
    "AWS_WHEREBY_ACCESS_KEY_ID": "id",
    "AWS_WHEREBY_ACCESS_KEY_SECRET": "secret",
    "DAILY_API_KEY": "key",
    "DAILY_WEBHOOK_SECRET": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}


WHEREBY = {name for name in PRODUCTION if "WHEREBY" in name}
DAILY = {name for name in PRODUCTION if "DAILY" in name}
ONLY_WHEREBY = {name: value for name, value in PRODUCTION.items() if name not in DAILY}
ONLY_DAILY = {name: value for name, value in PRODUCTION.items() if name not in WHEREBY} | {
    "DEFAULT_VIDEO_PLATFORM": "daily",
    "DAILY_MIGRATION_ENABLED": "true",
}


def manage(*arguments, folder, **variables):
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": "", "DATA_DIR": str(folder), **variables}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


CHECK = ("check", "--deploy", "--fail-level", "WARNING")


@pytest.mark.parametrize("variables", [PRODUCTION, ONLY_WHEREBY, ONLY_DAILY], ids=["both", "whereby", "daily"])
def test_production_settings_pass_the_deployment_check(tmp_path, variables):
    done = manage(*CHECK, folder=tmp_path, **variables)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (2 silenced).\n"), done.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SECRET_KEY": "not so long, but not to be guessed"}, "security.W009"),
        ({"FIELD_ENCRYPTION_KEYS": ""}, "FIELD_ENCRYPTION_KEYS is not set"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS lets every name in"),
        ({"SANDBOX_ENABLED": "true"}, "SANDBOX_ENABLED is true"),
        ({"MOCK_PLATFORM_ENABLED": "true"}, "Nobody can meet on Mock"),
        ({"DAILY_ACCEPT_UNSTAMPED_SIGNATURE": "true"}, "DAILY_ACCEPT_UNSTAMPED_SIGNATURE is true"),
        ({"TRUSTED_PROXIES": "0"}, "PUBLIC_URL is https and TRUSTED_PROXIES is 0"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set or names a SQLite file"),
        ({"RECORDING_PROCESSOR": "openai"}, "set TRANSCRIPTION_API_KEY"),
        ({"DEFAULT_VIDEO_PLATFORM": "daily", "DAILY_API_KEY": ""}, "Daily is not configured: set DAILY_API_KEY."),
        ({"WHEREBY_API_KEY": "", "DEFAULT_VIDEO_PLATFORM": "daily"}, "Whereby is not configured: set WHEREBY_API_KEY."),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_is_unfit_for_production_is_said(tmp_path, variables, said):
    done = manage(*CHECK, folder=tmp_path, **PRODUCTION | variables)
    assert done.returncode == 1
    assert said in done.stderr


def test_a_service_of_ones_own_may_need_no_key(tmp_path):
    variables = {"RECORDING_PROCESSOR": "openai", "TRANSCRIPTION_API_URL": "http://10.0.0.5:8001/v1"}
    done = manage(*CHECK, folder=tmp_path, **PRODUCTION | variables)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "http", "must be a whole number"),
        ("PORT", "99999", "must be from 1 to 65535"),
        ("DEBUG", "maybe", "must be true or false"),
        ("DATABASE_URL", "mysql://host/name", "must be sqlite:///"),
        ("PUBLIC_URL", "rooms.example.com", "must be an address"),
        ("WHEREBY_API_URL", "ftp://host", "must be an address that starts with http:// or https://"),
        ("REDIS_URL", "http://host", "must be an address that starts with redis://"),
        ("DAILY_MIGRATION_ROOM_IDS", "a,b", "must be a JSON array"),
        ("DAILY_MIGRATION_ROOM_IDS", '["standup"]', "must be a JSON array of room ids (UUIDs)"),
        ("DAILY_MIGRATION_PERCENTAGE", "101", "must be from 0 to 100"),
        ("DEFAULT_VIDEO_PLATFORM", "skype", "must be one of whereby, daily"),
        ("DEFAULT_VIDEO_PLATFORM", "mock", "must be one of whereby, daily"),
        ("SECRET_KEY", "", "is not set"),
        ("WHEREBY_API_KEY_FILE", "/there/is/no/such/file", "must name a text file that can be read"),
        ("WHEREBY_API_KEY_FILE", sys.executable, "must name a text file that can be read"),
        ("DATA_DIR", "/dev/null/data", "must lie in a folder in which files can be made"),
        ("DATABASE_URL", "sqlite:////dev/null/folder/db.sqlite3", "must lie in a folder"),
        ("DATABASE_URL", "sqlite://:memory:", "must be sqlite:///<path>"),
        ("DATABASE_URL", "postgres://user:password@host", "must be sqlite:///<path>"),
        ("PUBLIC_URL", "https://rooms example.com", "must be an address"),
        ("CORS_ORIGINS", "app.example.com", "must be origins such as https://app.example.com"),
        ("CORS_ORIGINS", "https://app.example.com,https://app.example.com/path", "must be origins"),
        ("CORS_ORIGINS", "*", "must be origins"),
        ("PUBLIC_URL", "https://rooms.example.com/rooms", "must be an address without a path"),
        ("PUBLIC_URL", "https://rooms.example.com?x=1", "must be an address without a path"),
        ("PUBLIC_URL", "https://rooms.example.com#x", "must be an address without a path"),
        ("PUBLIC_URL", "https://name:word@rooms.example.com", "must be an address without a path"),
        ("EMAIL_URL", "mail.example.com", "must be smtp+tls://"),
        ("EMAIL_URL", "smtp://", "must be smtp+tls://"),
        ("EMAIL_URL", "filemail:///tmp", "must be smtp+tls://"),
        ("EMAIL_URL", "smtp://user:password@host:port", "must be smtp+tls://"),
        ("ZULIP_REALM", "chat example.com", "must be an address"),
        ("ZULIP_REALM", "ftp://chat.example.com", "must be an address"),
        ("SECRET_KEY", "s", "can be guessed"),
        ("SECRET_KEY", "s" * 60, "can be guessed"),
    ],
)
def test_a_bad_value_stops_the_start_with_one_line_that_names_the_variable(tmp_path, name, value, said):
    done = manage("check", folder=tmp_path, **{**PRODUCTION, "DATABASE_URL": "", name: value})
    assert done.returncode != 0
    assert done.stderr.startswith(f"Settings: {name} {said}")
    assert done.stderr.count("\n") == 1


def setting(expression, folder, **variables):
    """What a setting is, as text, with these variables."""
    script = f"from django.conf import settings; print({expression})"
    done = manage("shell", "--no-imports", "-c", script, folder=folder, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("smtp+tls://me:p%40ss@mail.example.com", "mail.example.com 587 me p@ss True False"),
        ("smtp+ssl://mail.example.com", "mail.example.com 465   False True"),
        ("smtp://mail.example.com:2525", "mail.example.com 2525   False False"),
    ],
)
def test_the_mail_server_is_as_its_address_says(tmp_path, url, said):
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    expression = ", ".join(f"settings.EMAIL_{name}" for name in names)
    assert setting(expression, tmp_path, DEBUG="true", EMAIL_URL=url) == said


def test_a_server_of_zulip_may_be_named_by_its_host_alone(tmp_path):
    for value in ("chat.example.com", "https://chat.example.com/"):
        assert setting("settings.ZULIP_REALM", tmp_path, DEBUG="true", ZULIP_REALM=value) == "https://chat.example.com"


def test_a_variable_of_zulip_without_the_others_is_a_slip(tmp_path):
    done = manage("check", folder=tmp_path, DEBUG="true", ZULIP_REALM="chat.example.com")
    assert "its operator has to set ZULIP_BOT_EMAIL, ZULIP_API_KEY" in done.stderr


def test_without_one_mails_go_to_the_log_in_development_and_nowhere_else(tmp_path):
    expression = "settings.EMAIL_IS_SENT, settings.EMAIL_BACKEND.split('.')[-2]"
    assert setting(expression, tmp_path, DEBUG="true") == "True console"
    assert setting(expression, tmp_path, **PRODUCTION | {"DATABASE_URL": ""}) == "False dummy"


@pytest.mark.parametrize("name", ["PORT", "HOST", "PUBLIC_URL", "DATABASE_URL", "DEFAULT_VIDEO_PLATFORM", "LOG_LEVEL"])
def test_an_empty_variable_counts_as_not_set(tmp_path, name):
    expressions = "settings.PORT, settings.HOST, settings.PUBLIC_URL, settings.DATABASES['default']['NAME']"
    left_out = setting(f"({expressions})", tmp_path, DEBUG="true")
    assert setting(f"({expressions})", tmp_path, DEBUG="true", **{name: ""}) == left_out


def test_a_dollar_sign_in_a_secret_is_part_of_it(tmp_path):
    variables = {"DEBUG": "true", "SECRET_KEY": "$HOME-and-more", "DJANGO_SUPERUSER_PASSWORD": "$ecret"}
    assert setting("settings.SECRET_KEY, settings.FIRST_ADMIN['password']", tmp_path, **variables) == (
        "$HOME-and-more $ecret"
    )


def test_what_the_address_of_the_database_asks_for_is_kept(tmp_path):
    address = "postgres://user:password@host/name?sslmode=require"
    options = setting("settings.DATABASES['default']['OPTIONS']", tmp_path, **PRODUCTION | {"DATABASE_URL": address})
    assert options == "{'connect_timeout': 2, 'sslmode': 'require'}"


def test_missing_credentials_are_named_at_the_start(tmp_path):
    done = manage("check", folder=tmp_path, SECRET_KEY=PRODUCTION["SECRET_KEY"])
    assert "Whereby is not configured: set WHEREBY_API_KEY." in done.stderr
    assert "Daily is not configured: set DAILY_API_KEY." in done.stderr
    assert "No video platform is configured: no meeting can open." in done.stderr


def test_the_mock_platform_is_not_there_in_production_unless_asked_for(tmp_path):
    script = "from platforms import get_available_platforms; print(get_available_platforms())"
    shell = ("shell", "--no-imports", "-c", script)
    without, by_name = (
        manage(*shell, folder=tmp_path, **PRODUCTION, **asked).stdout
        for asked in ({}, {"MOCK_PLATFORM_ENABLED": "true"})
    )
    assert without.startswith("['whereby', 'daily'")
    assert by_name == without.replace("]", ", 'mock']")


def test_a_secret_can_be_read_from_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("from-a-file\n")
    variables = {name: value for name, value in PRODUCTION.items() if name != "WHEREBY_API_KEY"}
    script = "from platforms import get_platform_config as c; print(c('whereby').api_key)"
    shell = ("shell", "--no-imports", "-c", script)
    assert manage(*shell, folder=tmp_path, **variables, WHEREBY_API_KEY_FILE=str(file)).stdout == "from-a-file\n"


def test_the_first_admin_is_made_once_and_its_password_shown_once(tmp_path):
    variables = {"DEBUG": "true", "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}
    manage("migrate", "-v0", folder=tmp_path, **variables)
    first = manage("ensure_admin", folder=tmp_path, **variables).stdout
    second = manage("ensure_admin", folder=tmp_path, **variables).stdout
    assert first.startswith("Admin login: admin (to the API: admin@example.com), password: ")
    assert len(first.split("password: ")[1].strip()) == 16
    assert second.startswith("Admin login: admin (made earlier")


def test_a_first_admin_who_was_demoted_is_left_so_and_does_not_stop_the_start(tmp_path):
    variables = {"DEBUG": "true", "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}
    manage("migrate", "-v0", folder=tmp_path, **variables)
    manage("ensure_admin", folder=tmp_path, **variables)
    demote = "from django.contrib.auth.models import User; User.objects.update(is_superuser=False)"
    manage("shell", "--no-imports", "-c", demote, folder=tmp_path, **variables)
    done = manage("ensure_admin", folder=tmp_path, **variables)
    assert done.returncode == 0
    assert done.stdout.startswith("Admin login: none; admin is no active superuser")


def test_the_generated_secret_key_stays_the_same(tmp_path):
    script = "from django.conf import settings; print(settings.SECRET_KEY)"
    shell = ("shell", "--no-imports", "-c", script)
    first = manage(*shell, folder=tmp_path, DEBUG="true").stdout
    assert len(first) > 40
    assert manage(*shell, folder=tmp_path, DEBUG="true").stdout == first


def test_the_defaults_of_the_example_are_those_of_the_settings():
    """What is written there is believed, and its lines are made ones of .env."""
    lines = [line.removeprefix("# ") for line in (ROOT / "env.example").read_text().splitlines()]
    named = dict(line.split("=", 1) for line in lines if re.fullmatch(r"[A-Z][A-Z0-9_]+=.*", line))
    assert len(named) > 60
    made_lines, left_out = (
        product_settings.read({**variables, "DEBUG": "true", "SANDBOX_ENABLED": "false"})
        for variables in (named, dict.fromkeys(named, ""))
    )
    for read in (made_lines, left_out):
        for block in read["VIDEO_PLATFORMS"].values():
            block.pop("SANDBOX")  # has no effect without the sandbox, whose own defaults are not the example's
    assert made_lines == left_out


@pytest.mark.parametrize("value", ["short", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,unspoken"])
def test_a_key_of_the_ring_that_is_none_ends_the_start_unquoted(tmp_path, value):
    done = manage("check", folder=tmp_path, **PRODUCTION | {"FIELD_ENCRYPTION_KEYS": value})
    assert done.returncode == 1
    assert done.stderr.startswith("Settings: FIELD_ENCRYPTION_KEYS must be keys of 32 random bytes")
    assert value not in done.stderr


def test_a_key_of_the_ring_is_made_once_and_kept(tmp_path):
    variables = {"DEBUG": "true", "SANDBOX_ENABLED": "false"}
    made = {
        manage("shell", "--no-imports", "-c", SHOW_KEYS, folder=tmp_path, **variables).stdout.strip() for _ in range(2)
    }
    assert made == {(tmp_path / "field_encryption_key").read_text()}
    assert (tmp_path / "field_encryption_key").stat().st_mode & 0o077 == 0


SHOW_KEYS = "from django.conf import settings; print(*settings.FIELD_ENCRYPTION_KEYS)"


@pytest.mark.parametrize(
    ("endpoint", "origins"),
    [
        ("", ["https://s3.eu-west-1.amazonaws.com", "https://kept.s3.eu-west-1.amazonaws.com"]),
        ("https://minio.example.com:9000/", ["https://minio.example.com:9000", "https://kept.minio.example.com:9000"]),
    ],
)
def test_pages_may_play_what_is_kept_in_a_bucket(tmp_path, endpoint, origins):
    bucket = {"RECORDINGS_STORAGE_BUCKET": "kept", "RECORDINGS_STORAGE_REGION": "eu-west-1"}
    bucket["RECORDINGS_STORAGE_ENDPOINT_URL"] = endpoint
    code = "from django.conf import settings; print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['media-src'])"
    shown = manage("shell", "-v", "0", "-c", code, folder=tmp_path, **PRODUCTION, **bucket).stdout
    assert all(f"'{origin}'" in shown for origin in origins)
