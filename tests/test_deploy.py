"""What is installed elsewhere: the Procfile, the units of systemd, the image and the containers.

Each runs the same commands. No engine for containers is needed: the image's steps are done in a folder.
"""

import configparser
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
import yaml
from compose_spec import PyCompose

from tests.support.live import ROOT, free_port, fresh_database, wait_until
from tests.test_architecture import tracked

PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
WORKERS = {name: command for name, command in PROCFILE.items() if " worker " in command}
DOCKERFILE = ROOT / "Dockerfile"
TOKEN = "token-of-this-test"
BUILT_IN = "/tmp/build"  # noqa: S108  (in the image)
KEY = "made-up-for-the-tests-of-deployment-4711"


# What the files say


def test_the_readme_names_the_same_commands():
    readme = (ROOT / "README.md").read_text()
    for name in ("web", *WORKERS, "beat"):
        assert re.sub(r" -[nc] \S+", "", PROCFILE[name]) in readme


def units(name):
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(ROOT / "deploy/systemd" / name)
    return parser


def test_the_units_start_each_process_of_the_procfile():
    target = (ROOT / "deploy/systemd/rooms.target").read_text()
    assert set(re.findall(r"rooms@(\w+)\.service", target.partition("[Unit]")[2])) == PROCFILE.keys() - {"release"}
    service = units("rooms@.service")["Service"]
    assert service["ExecStart"] == "/opt/rooms/deploy/run %i"
    assert (service["Restart"], service["NoNewPrivileges"], service["ProtectSystem"]) == ("always", "yes", "strict")
    assert (ROOT / "deploy/run").stat().st_mode & 0o111
    assert "run release" in (ROOT / "deploy/systemd/rooms-release.service").read_text()


@pytest.fixture(scope="module")
def compose():
    """With the variables put in as Compose does: `${NAME:-default}`, `${NAME:?why it is needed}`."""
    text = (ROOT / "compose.yaml").read_text()
    while re.search(r"(?<!\$)\$\{", text):
        text = re.sub(r"(?<!\$)\$\{(\w+)(?::([-?])([^{}]*))?\}", lambda m: m[3] if m[2] == "-" else "given", text)
    return yaml.safe_load(text)


def test_compose_takes_the_file(compose):
    parsed = PyCompose.from_json(json.dumps(compose))
    parsed.validate()
    assert len(parsed.service_names()) == len(compose["services"])


def test_each_process_is_a_container_of_the_one_image_without_rights(compose):
    ours = {name: service for name, service in compose["services"].items() if service.get("build")}
    commands = {name: command for name, command in PROCFILE.items() if name != "release"}
    defaults = {"LIVE_PORT": "8001", "LONG_WORKERS": "1"}
    commands = {name: re.sub(r"\$\{(\w+)[^}]*\}", lambda m: defaults[m[1]], text) for name, text in commands.items()}
    assert {name: service["command"] for name, service in ours.items()} == {**commands, "migrate": PROCFILE["release"]}
    for service in ours.values():
        assert (service["cap_drop"], service["read_only"]) == (["ALL"], True)
        assert "ports" not in service  # the proxy alone is reached from outside
    assert not [name for name, service in compose["services"].items() if service.get("privileged")]
    described = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
    assert ours["web"]["environment"].keys() - described == set()


def test_the_proxy_sends_connections_that_stay_to_their_own_process():
    caddy = (ROOT / "deploy/Caddyfile").read_text()
    assert "@live path /v1/events /v1/transcripts/*/events /events/*" in caddy
    assert ("live:8001" in caddy, "web:8000" in caddy) == (True, True)


def test_a_linter_of_dockerfiles_has_nothing_to_say():
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def instructions():
    """Of the last stage: the word and what follows it."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    last = max(number for number, (word, _) in enumerate(lines) if word == "FROM")
    return lines[last:]


def test_the_image_runs_as_nobody_and_without_what_only_developers_need():
    words = [word for word, _ in instructions()]
    assert dict(instructions())["USER"].isdecimal()
    assert words.index("USER") < words.index("CMD")
    assert "HEALTHCHECK" in words
    assert "requirements-dev" not in DOCKERFILE.read_text()


# What the commands do


def surroundings(folder, database_url, **variables):
    return {
        **{name: value for name, value in os.environ.items() if name in {"HOME", "LANG"}},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ENV_FILE": "",
        "SECRET_KEY": KEY,
        "DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "LIVE_PORT": str(free_port()),
        "WEB_PROCESSES": "1",
        "DEFAULT_VIDEO_PLATFORM": "daily",
        "METRICS_TOKEN": TOKEN,
        **variables,
    }


@contextmanager
def running(command, cwd, environment, log):
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answer(environment, path, port="PORT", **headers):
    try:
        return requests.get(f"http://127.0.0.1:{environment[port]}{path}", headers=headers, timeout=20)
    except requests.RequestException:
        return None


def is_ready(environment):
    return (said := answer(environment, "/ready")) is not None and said.status_code == 200


def queues_worked(environment):
    said = answer(environment, "/metrics", Authorization=f"Bearer {TOKEN}")
    return set(re.findall(r'reflector_queue_worked\{queue="(\w+)"\} 1', said.text)) if said is not None else set()


@pytest.mark.drill
def test_the_processes_of_the_procfile_make_a_whole_product_and_end_when_they_are_asked_to(tmp_path):
    """As systemd starts them."""
    log = tmp_path / "log"
    with fresh_database(tmp_path, is_empty=True) as database_url, ExitStack() as stack:
        environment = surroundings(tmp_path, database_url)
        done = subprocess.run(
            ["deploy/run", "release"],
            cwd=ROOT,
            env=environment,
            timeout=240,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        names = PROCFILE.keys() - {"release"}
        processes = [
            stack.enter_context(running(["deploy/run", name], ROOT, environment, log)) for name in sorted(names)
        ]
        wait_until(lambda: is_ready(environment), seconds=240, every=0.5)
        wait_until(lambda: queues_worked(environment) == set(WORKERS), seconds=240, every=0.5)
        wait_until(lambda: answer(environment, "/health", port="LIVE_PORT"), seconds=240, every=0.5)
        for process in processes:
            assert process.poll() is None, log.read_text()
            process.send_signal(signal.SIGTERM)
        codes = {process.wait(120) for process in processes}
        assert codes <= {0, -signal.SIGTERM}, log.read_text()


def test_a_process_that_there_is_not_is_refused_by_name():
    done = subprocess.run(["deploy/run", "wbe"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "no process wbe" in done.stderr) == (64, True)


def is_left_out(name):
    """As .dockerignore says, whose last line that fits decides."""
    left_out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.lstrip("!").removeprefix("**/")
            parts = [name, *map(str, Path(name).parents)]
            if pattern == "*" or any(fnmatch.fnmatch(part, pattern) for part in parts):
                left_out = not line.startswith("!")
    return left_out


@pytest.fixture
def image(tmp_path):
    """The folder of the image and its variables, made by the Dockerfile's own COPY, ENV and RUN."""
    root = tmp_path / "image"
    app = root / "app"
    app.mkdir(parents=True)
    files = [name for name in tracked() if not is_left_out(name)]
    variables, commands = {}, []
    for word, rest in instructions():
        rest = rest.replace("/app", str(app)).replace(BUILT_IN, str(root / "build"))
        if word == "COPY" and not rest.startswith("--from"):
            *sources, target = shlex.split(rest)
            for name in files:
                for source in sources:
                    if name == source or name.startswith(f"{source}/"):
                        goal = app / (name if target == "./" else target + name.removeprefix(source))
                        goal.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy2(ROOT / name, goal)
        elif word == "ENV":
            variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "RUN" and "manage.py" in rest:
            commands.append(rest)
    variables = {name: value for name, value in variables.items() if name not in {"PATH", "DATA_DIR", "HOST"}}
    for command in commands:
        environment = surroundings(tmp_path / "data", "", **variables)
        del environment["SECRET_KEY"]
        subprocess.run(["sh", "-c", command], cwd=app, env=environment, check=True, timeout=240)
    return app, variables


@pytest.mark.drill
def test_the_image_serves_without_the_sandbox_and_the_tools(image, tmp_path):
    app, variables = image
    assert not (app / "tests").exists()
    assert not (app / "platforms/sandbox").exists()
    assert not (app / "platforms/testing").exists()
    assert (app / "public/staticfiles.json").is_file()
    stated = dict(instructions())
    command = json.loads(stated["CMD"])
    probe = json.loads(re.search(r"CMD (\[.*\])", stated["HEALTHCHECK"])[1])
    with fresh_database(tmp_path, is_empty=True) as database_url, ExitStack() as stack:
        environment = surroundings(tmp_path / "data", database_url, **variables)
        migrated = subprocess.run(PROCFILE["release"].split(), cwd=app, env=environment, timeout=240, check=False)
        assert migrated.returncode == 0
        assert subprocess.run(probe, cwd=app, env=environment, timeout=60, capture_output=True, check=False).returncode
        for line in (command, PROCFILE["beat"].split()):
            stack.enter_context(running(line, app, environment, tmp_path / "log"))
        wait_until(lambda: is_ready(environment), seconds=240, every=0.5)
        subprocess.run(probe, cwd=app, env=environment, timeout=60, check=True)
        page = answer(environment, "/login", Host=f"localhost:{environment['PORT']}")
        style = re.search(r'href="(/static/site\.[0-9a-f]+\.css)"', page.text)[1]
        for path in (style, "/openapi.json", "/v1/schema/docs"):
            assert answer(environment, path, Host="localhost").status_code == 200
