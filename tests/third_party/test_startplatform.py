"""`manage.py startplatform`: from nothing to an adapter that keeps the contract, in this tree and in a package."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from platforms.abilities import ABILITIES
from platforms.starter.rendering import OPTIONS, context_of, render
from tests.support.live import ROOT
from tests.support.stub_provider import Answer, StubProvider
from tests.test_architecture import tracked

OF_THE_TESTS = {"ENV_FILE": "", "DEBUG": "true", "SANDBOX_ENABLED": "false", "PATH": "/usr/bin:/bin"}
OPEN_A_ROOM = """
import json
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient
from rooms.models import Room
owner = get_user_model().objects.create_user("owner")
room = Room.objects.create(name="standup", owner=owner, platform="acme")
api = APIClient()
api.force_login(owner)
meeting = api.post("/v1/rooms/standup/meeting", {}).json()
page = api.get(f"/standup/{meeting['id']}").content.decode()
script = api.get("/static/platforms/acme.js")
print(json.dumps({**meeting, "shows its script": "platforms/acme.js" in page, "script": script.status_code}))
"""


def run(*command, folder, python=sys.executable, **variables):
    """What a command prints; it fails with all that was said."""
    environment = {**OF_THE_TESTS, "DATA_DIR": str(folder / "var"), **variables}
    done = subprocess.run(
        [python, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def tree(tmp_path):
    """A copy of the project."""
    folder = tmp_path / "tree"
    for name in tracked(":!*.png", ":!*.opus"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def test_an_adapter_of_this_tree_keeps_the_contract_in_under_a_minute(tree):
    started = time.monotonic()
    run("manage.py", "startplatform", "acme_video", "--can", *OPTIONS, folder=tree)
    run("manage.py", "startplatform", "least", folder=tree)
    backends = [f"tests/platforms/backends/test_{name}.py" for name in ("acme_video", "least")]
    described = "tests/test_architecture.py::test_every_variable_that_settings_read_is_described_in_env_example"
    said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *backends, described, folder=tree)
    assert time.monotonic() - started < 60
    assert re.search(r"^\d{3} passed in", said, re.MULTILINE), said
    places = ("platforms/backends", "tests/platforms/backends", "config")
    run("-m", "ruff", "check", "-q", *places, folder=tree)
    run("-m", "ruff", "format", "-q", "--check", *places, folder=tree)


@pytest.fixture
def fresh_python(tmp_path):
    """The Python of an environment of its own, in which the product's dependencies are at hand and nothing else."""
    home = tmp_path / "fresh"
    run("-m", "uv", "venv", "-q", "--offline", "--python", sys.executable, str(home), folder=tmp_path)
    python = home / "bin" / "python"
    packages = run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=tmp_path, python=python)
    (Path(packages.strip()) / "product.pth").write_text(sysconfig.get_path("purelib"))
    return str(python)


def test_a_package_of_ones_own_keeps_the_contract_and_opens_a_room(tmp_path, fresh_python):
    run("manage.py", "startplatform", "acme", "--outside", f"--folder={tmp_path}", "--can", "closing", folder=ROOT)
    package = tmp_path / "reflector-rooms-acme"
    script = package / "reflector_rooms_acme" / "static" / "platforms" / "acme.js"
    script.parent.mkdir(parents=True)
    script.write_text('export { embed } from "../meetings/frame.js";\n')
    install = ("uv", "pip", "install", "-q", "--offline", "--no-deps", "--no-cache", "--python", fresh_python)
    run("-m", *install, str(package), folder=tmp_path)
    shutil.copytree(package / "tests", tmp_path / "tests")
    shutil.copy(package / "pyproject.toml", tmp_path / "pyproject.toml")
    shutil.rmtree(package)  # what was built and installed is all that there is
    pytest_ = ("-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path))
    assert "passed" in run(*pytest_, folder=ROOT, python=fresh_python, DATA_DIR=str(tmp_path / "data"))

    with StubProvider() as stub:
        stub.on("POST", "/rooms", Answer(json={"id": "id-1", "url": f"{stub.url}/meet"}))
        where = {"python": fresh_python, "folder": ROOT, "DATA_DIR": str(tmp_path / "data")}
        its_own = {"ACME_API_URL": stub.url, "ACME_API_KEY": "key", "DEFAULT_VIDEO_PLATFORM": "acme"}
        run("manage.py", "migrate", "--verbosity=0", **where, **its_own)
        said = run("manage.py", "shell", "--no-imports", "-c", OPEN_A_ROOM, **where, **its_own)
        opened = json.loads(said.splitlines()[-1])
        assert "platform" in opened, opened
        assert (opened["platform"], opened["room_url"]) == ("acme", f"{stub.url}/meet")
        assert (opened["shows its script"], opened["script"]) == (True, 200)
        assert stub.sent("POST")[0].headers["authorization"] == "Bearer key"


def test_each_ability_can_be_asked_for_alone(tmp_path):
    """What is left of the file then is well-formed, and names nothing that it does not have."""
    assert len(OPTIONS) == len(ABILITIES)
    for option, ability in OPTIONS.items():
        context = context_of("acme", [ability], "platforms.backends.acme")
        for file in ("client.py", "test_client.py"):
            (tmp_path / f"{option}_{file}").write_text(render(file, context))
        assert f"class AcmeClient({ability.__name__}):" in (tmp_path / f"{option}_client.py").read_text()
    style = f"--config={ROOT / 'pyproject.toml'}"
    run("-m", "ruff", "check", "-q", style, "--extend-ignore=S101,N999,I001", ".", folder=tmp_path)
    run("-m", "ruff", "format", "-q", "--check", style, ".", folder=tmp_path)
