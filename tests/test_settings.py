"""Starting with good and bad settings, in a process of its own as it is for an operator."""

import os
import subprocess
import sys

import pytest

from tests.live import ROOT

PRODUCTION = {
    "SECRET_KEY": "k5!vQ8#zL2@wX9$rT4%yU7&pI1*oA6(sD3)fG0-hJ_lZ+xC=vB",
    "PUBLIC_URL": "https://rooms.example.com",
    "WHEREBY_API_KEY": "key",
    "WHEREBY_WEBHOOK_SECRET": "secret",
    "AWS_WHEREBY_S3_BUCKET": "recordings",
    "AWS_WHEREBY_ACCESS_KEY_ID": "id",
    "AWS_WHEREBY_ACCESS_KEY_SECRET": "secret",
    "DAILY_API_KEY": "key",
    "DAILY_WEBHOOK_SECRET": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}


def manage(*arguments, folder, **variables):
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": "", "DATA_DIR": str(folder), **variables}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


def test_production_settings_pass_the_deployment_check(tmp_path):
    done = manage("check", "--deploy", "--fail-level", "WARNING", folder=tmp_path, **PRODUCTION)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (2 silenced).\n"), done.stderr


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
    ],
)
def test_a_bad_value_stops_the_start_with_one_line_that_names_the_variable(tmp_path, name, value, said):
    done = manage("check", folder=tmp_path, **{**PRODUCTION, name: value})
    assert done.returncode != 0
    assert done.stderr.startswith(f"Settings: {name} {said}")
    assert done.stderr.count("\n") == 1


def setting(expression, folder, **variables):
    """What a setting is, as text, with these variables."""
    script = f"from django.conf import settings; print({expression})"
    done = manage("shell", "--no-imports", "-c", script, folder=folder, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n")


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
    options = setting("settings.DATABASES['default']['OPTIONS']", tmp_path, **PRODUCTION, DATABASE_URL=address)
    assert options == "{'connect_timeout': 2, 'sslmode': 'require'}"


def test_missing_credentials_are_named_at_the_start(tmp_path):
    done = manage("check", folder=tmp_path, SECRET_KEY=PRODUCTION["SECRET_KEY"])
    assert "Whereby is not configured: set WHEREBY_API_KEY." in done.stderr
    assert "Daily is not configured: set DAILY_API_KEY." in done.stderr
    assert "No video platform is configured: no meeting can open." in done.stderr


def test_the_mock_platform_is_not_there_in_production_unless_asked_for(tmp_path):
    script = "from platforms import get_available_platforms; print(get_available_platforms())"
    shell = ("shell", "--no-imports", "-c", script)
    assert manage(*shell, folder=tmp_path, **PRODUCTION).stdout == "['whereby', 'daily']\n"
    by_name = manage(*shell, folder=tmp_path, **PRODUCTION, MOCK_PLATFORM_ENABLED="true")
    assert by_name.stdout == "['whereby', 'daily', 'mock']\n"


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
