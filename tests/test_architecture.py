"""The rules that keep a platform to one file, and imports in one direction."""

import ast
import re
import subprocess
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ["platforms", "rooms", "meetings", "recordings"]  # each may import those before it
SANDBOX = "platforms.sandbox"
# Within an app: each line may import those above it, and none beside it.
ORDERS = {
    "platforms": [
        "bounded events exceptions indexing logs model_names pauses payloads signals signing statements visible",
        "types limits listing metrics updates",
        "base",
        "abilities",
        "handler",
        "work",
        "models",
        "revision",
        "health",
        "http",
        "backends checks starter testing webhooks",
        "alerts audit health.watchdog",
        "admin.paging admin.searching",
        "admin.input management",
        "work.admin",
        "admin",
        "jobs tasks",
        "apps",
        "sandbox",
    ],
    "recordings": [
        "models",
        "backlog listed model_names storage",
        "media",
        "transcripts",
        "sending telling",
        "summaries",
        "privacy",
        "transcription",
        "intake",
        "fetching",
        "api",
        "live",
        "admin management pages",
        "jobs receivers rollout_figures tasks templatetags urls",
        "apps",
    ],
}
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

LONGEST_FILE = 320  # lines
LONGER = {"config/settings.py"}  # which is read as one list


def tracked(*patterns):
    """The project's files, as git sees them, whether committed yet or not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return [name for name in names if (ROOT / name).is_file()]


def module_name(path):
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def imports():
    """Each module of the product -> those of its modules that it imports, also inside functions."""
    paths = tracked(*(f"{app}/*.py" for app in [*APPS, "config"]))
    names = {module_name(path): path for path in paths if "/migrations/" not in path}
    assert len(names) > 200
    return {name: set(imported(path, names)) - {name} for name, path in names.items()}


def imported(path, known):
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (nearest(alias.name, known) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports by a relative name"
            yield from (nearest(f"{node.module}.{alias.name}", known) for alias in node.names)


def nearest(name, known):
    """The module that holds it; the name of a class, for one, goes on behind the module's. Others are themselves."""
    parts = name.split(".")
    heads = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((head for head in heads if head in known), name)


def is_in(name, package):
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("app", APPS)
def test_an_app_imports_only_the_apps_below_it(app):
    above = set(APPS[APPS.index(app) + 1 :])
    found = {name: {other for other in others if other.split(".")[0] in above} for name, others in of(app).items()}
    assert {name: others for name, others in found.items() if others} == {}


def of(package):
    return {name: others for name, others in imports().items() if is_in(name, package)}


@pytest.mark.parametrize("app", ORDERS)
def test_a_part_of_an_app_imports_only_those_below_it(app):
    ranks = {f"{app}.{part}": rank for rank, parts in enumerate(ORDERS[app]) for part in parts.split()}
    parts = {name: part_of(name, ranks) for name in of(app) if name != app}
    assert [name for name, part in parts.items() if part is None] == []
    pairs = [(name, other) for name in parts for other in imports()[name] if is_in(other, app)]
    assert len(pairs) > 100
    assert [pair for pair in pairs if not is_below(parts[pair[0]], parts.get(pair[1]), ranks)] == []


def part_of(name, ranks):
    return max((part for part in ranks if is_in(name, part)), key=len, default=None)


def is_below(part, other, ranks):
    return other == part or (other is not None and ranks[other] < ranks[part])


def test_no_modules_import_each_other_in_a_circle():
    """CycleError names one, if there is any."""
    TopologicalSorter(imports()).prepare()


def test_the_product_runs_without_the_sandbox():
    users = {name for name, others in imports().items() if any(is_in(other, SANDBOX) for other in others)}
    assert {name for name in users if not is_in(name, SANDBOX)} == set()


def test_files_of_others_are_decoded_in_a_bounded_child_only():
    """What decodes is imported by the child's program, which its worker only names; `mixing` and the like encode."""
    decoding = {f"recordings.media.{name}" for name in ("containers", "contents", "voice")}
    users = {name for name in of("recordings") for other in decoding if other in imports()[name]}
    assert users - decoding == {"recordings.media.decoder"}
    opening = [path for path in tracked("recordings/*.py") if re.search(r'av\.open\(.*"r"', (ROOT / path).read_text())]
    assert opening == ["recordings/media/containers.py"]


def test_the_product_imports_nothing_of_the_tests():
    files = tracked("*.py", ":!tests/")
    assert len(files) > 200
    assert [path for path in files if any(is_in(name, "tests") for name in imported(path, ()))] == []


def test_no_file_is_too_long_to_be_read_at_once():
    files = tracked("*.py", "*.js", "*.css", "*.html", ":!tests/", ":!*/migrations/*", ":!static/platforms/vendor/")
    assert len(files) > 200
    found = {path for path in files if len((ROOT / path).read_text().splitlines()) > LONGEST_FILE}
    assert found - LONGER == set()


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
