"""Lines of .env as people and their editors write them."""

import pytest

from config import env_file
from tests.support.live import ROOT
from tests.test_settings import PRODUCTION, manage, setting


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("NAME = value", "value"),
        ("  NAME=value  ", "value"),
        ("export NAME=value", "value"),
        ("\ufeffNAME=value", "value"),
        ("NAME=value\r", "value"),
        ("NAME=", ""),
        ("NAME= # what it is for", ""),
        ("NAME=value # what it is for", "value"),
        ("NAME=value\t# what it is for", "value"),
        ("NAME=va#lue", "va#lue"),
        ("NAME=#value", "#value"),
        ("NAME='va # lue'", "va # lue"),
        ('NAME="va # lue" # what it is for', "va # lue"),
        ("NAME='va\\lue'", "va\\lue"),
        ('NAME="va\\"lue"', 'va"lue'),
        ('NAME="va\\\\lue"', "va\\lue"),
        ('NAME="va\\nlue"', "va\\nlue"),
        ("NAME=$HOME=x", "$HOME=x"),
        ("NAME=first\n# NAME=second\n\nNAME=last", "last"),
    ],
)
def test_what_is_understood(tmp_path, line, value):
    file = tmp_path / ".env"
    file.write_text(f"{line}\n", "utf-8")
    assert env_file.read(file) == {"NAME": value}


@pytest.mark.parametrize(
    "line",
    [
        "SECRET",
        "SECRET KEY=value",
        "SECRET-KEY=value",
        "KEY: value",
        "1KEY=value",
        "KEY='value",
        'KEY="value"b',
        "=value",
    ],
)
def test_what_is_not_understood_ends_the_start_and_is_not_shown(tmp_path, line):
    file = tmp_path / "variables"
    file.write_text(f"# a comment\nDEBUG=true\n{line.replace('value', 'hidden')}\n")
    done = manage("check", folder=tmp_path, **{**PRODUCTION, "ENV_FILE": str(file)})
    assert done.returncode == 1
    assert done.stderr.startswith(f"Settings: {file}, line 3, ")
    assert "hidden" not in done.stderr + done.stdout
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("content", [b"NAME=\xff\xfe", b"\xff\xfeN\x00A\x00=\x00x\x00"])
def test_a_file_that_is_no_text_ends_the_start(tmp_path, content):
    file = tmp_path / "variables"
    file.write_bytes(content)
    done = manage("check", folder=tmp_path, **{**PRODUCTION, "ENV_FILE": str(file)})
    assert (done.returncode, done.stderr) == (1, f"Settings: {file} is no text in UTF-8.\n")


def test_variables_of_the_process_go_first(tmp_path):
    file = tmp_path / "variables"
    file.write_text("\ufeffDEBUG=true\nPORT = 8123 # ours\nHOST=192.0.2.1\n", "utf-8")
    variables = {"ENV_FILE": str(file), "HOST": "192.0.2.2"}
    assert setting("settings.DEBUG, settings.PORT, settings.HOST", tmp_path, **variables) == "True 8123 192.0.2.2"


def test_the_example_holds_nothing_that_is_not_understood():
    assert env_file.read(ROOT / "env.example") == {"DEBUG": "true"}
