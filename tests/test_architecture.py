"""The rules that keep a platform to one file and the apps in one direction."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ["platforms", "rooms", "meetings", "recordings"]  # each may import those before it
VENDOR = re.compile(r"whereby|daily(?!-)|livekit|jitsi|bigbluebutton", re.IGNORECASE)
VENDORS_AT_HOME = (
    "platforms/backends/",
    "platforms/sandbox/",
    "static/platforms/",
    "templates/platforms/",
    "config/settings.py",
    "env.example",
    "tests/",
    "pyproject.toml",
)


def tracked(*patterns):
    """The project's files, as git sees them, whether committed yet or not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return [name for name in names if (ROOT / name).is_file()]


def imported_apps(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        yield from (name.split(".")[0] for name in names)


@pytest.mark.parametrize("app", APPS)
def test_an_app_imports_only_the_apps_below_it(app):
    above = set(APPS[APPS.index(app) + 1 :])
    files = tracked(f"{app}/*.py", f"{app}/**/*.py")
    assert files or app == "recordings"
    found = {path: above & set(imported_apps(path)) for path in files}
    assert {path: apps for path, apps in found.items() if apps} == {}


def test_no_vendor_is_named_outside_its_backend():
    files = [name for name in tracked("*.py", "*.html", "*.js", "*.css") if not name.startswith(VENDORS_AT_HOME)]
    assert len(files) > 20
    found = {name: VENDOR.findall((ROOT / name).read_text()) for name in files}
    assert {name: words for name, words in found.items() if words} == {}


def test_every_variable_that_settings_read_is_described_in_env_example():
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z][A-Z0-9_]+)"', (ROOT / "config/settings.py").read_text()))
    described = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
    assert read - described == set()
    assert described - read == set()
