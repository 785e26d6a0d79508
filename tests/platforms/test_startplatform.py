"""What `startplatform` refuses, without having written anything; what it writes is tried in tests/third_party."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from platforms.starter.writing import Refused, with_block, with_variables


def start(*arguments):
    call_command("startplatform", *arguments, stdout=StringIO())


@pytest.mark.parametrize("outside", [False, True], ids=["in the tree", "outside"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        *((name, "cannot be a platform's name") for name in ("Acme", "1acme", "acme-video", "acme video", "_acme")),
        *((name, "cannot be a platform's name") for name in ("", "acme__video", "acme_", "a" * 33, "../acme", "äcme")),
        *((name, "is a word of Python itself") for name in ("import", "class", "async")),
        *((name, "is reserved: the product uses it itself") for name in ("rooms", "client", "backends")),
        *((name, "There is a platform") for name in ("whereby", "daily", "mock")),
        ("zulip", "would have the variable ZULIP_API_KEY"),
        ("transcription", "would have the variable TRANSCRIPTION_API_URL"),
    ],
)
def test_a_bad_name_is_refused(tmp_path, settings, name, said, outside):
    settings.BASE_DIR = tmp_path / "tree"
    (settings.BASE_DIR / "config").mkdir(parents=True)
    real = Path(__file__).parent.parent.parent
    for file in ("env.example", "config/settings.py"):
        (settings.BASE_DIR / file).write_text((real / file).read_text())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(CommandError, match=said):
        start(name, *(["--outside", f"--folder={tmp_path}"] if outside else []))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_ability_that_there_is_not_is_refused():
    with pytest.raises(CommandError, match=r"invalid choice: 'flying' .*presence"):
        start("acme", "--can", "presence", "flying")


def test_what_is_there_already_is_left_alone(tmp_path):
    start("acme", "--outside", f"--folder={tmp_path}")
    client = tmp_path / "reflector-rooms-acme" / "reflector_rooms_acme" / "client.py"
    client.write_text("# mine")
    with pytest.raises(CommandError, match=r"pyproject\.toml is there already"):
        start("acme", "--outside", f"--folder={tmp_path}")
    assert client.read_text() == "# mine"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "reflector-rooms-acme").write_text("a file")
    with pytest.raises(CommandError, match=r"reflector-rooms-acme.*cannot be written"):
        start("acme", "--outside", f"--folder={tmp_path}")


def test_settings_of_another_shape_are_left_alone():
    with pytest.raises(Refused, match="no VIDEO_PLATFORMS"):
        with_block("VIDEO_PLATFORMS = make()\n", '"acme": {},')


def test_variables_come_last_where_the_heading_is_not_found():
    assert (
        with_variables("# A\n\n# A=\n", "# Acme\n\n# ACME_API_KEY=\n") == "# A\n\n# A=\n\n# Acme\n\n# ACME_API_KEY=\n"
    )
