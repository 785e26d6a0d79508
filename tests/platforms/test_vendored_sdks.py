"""The platforms' browser code is kept as published, with its licences."""

import json
import shutil

import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def copy(settings, tmp_path):
    """A project with only these files, so that a test may spoil them."""
    folder = tmp_path / "static/platforms/vendor"
    shutil.copytree(settings.BASE_DIR / "static/platforms/vendor", folder)
    settings.BASE_DIR = tmp_path
    return folder


def test_the_files_are_those_that_were_published(capsys):
    call_command("vendor_sdks", "--check")
    assert "@whereby.com/browser-sdk@3.30.3 (MIT)" in capsys.readouterr().out


def test_every_file_is_named_with_its_sum(copy):
    named = {target for sdk in json.loads((copy / "sdks.json").read_text()) for target, _ in sdk["files"].values()}
    kept = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert kept == {*named, "sdks.json"}
    assert {"daily/daily.js", "daily/LICENSE", "whereby/v3-embed.js", "whereby/LICENSE"} <= named


def test_a_changed_or_missing_file_is_noticed(copy):
    (copy / "daily/daily.js").write_text("changed")
    with pytest.raises(CommandError, match=r"daily/daily\.js is not what"):
        call_command("vendor_sdks", "--check")
    (copy / "daily/daily.js").unlink()
    with pytest.raises(CommandError, match=r"daily/daily\.js is not what"):
        call_command("vendor_sdks", "--check")
