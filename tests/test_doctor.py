"""`manage.py doctor` finds what was broken on purpose, says how to mend it, and gives no secret away."""

import io
import json
import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from celery import Celery
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from config import doctor, readiness
from platforms.health import heartbeats
from platforms.models import Heartbeat
from tests.support.live import free_port
from tests.support.stub_provider import Answer, StubProvider

pytestmark = pytest.mark.django_db
SECRET = "unspoken-secret"
AWAY = "amqp://127.0.0.1:1//"
NOBODY = "http://127.0.0.1:{port}"


@pytest.fixture
def provider(settings):
    """A platform on loopback, as the only one there is."""
    with StubProvider() as stub:
        stub.on("GET", "/meetings", Answer(200, {"results": []}))
        options = {"api_url": stub.url, "api_key": SECRET, "webhook_secrets": [SECRET]}
        settings.VIDEO_PLATFORMS = {"whereby": {**settings.VIDEO_PLATFORMS["whereby"], "OPTIONS": options}}
        yield stub


@pytest.fixture
def healthy(settings, provider, tmp_path):
    """All that the checks look at, in order."""
    settings.DATA_DIR = tmp_path
    settings.REDIS_URL = ""
    settings.RECORDING_PROCESSOR = "null"
    settings.DEBUG = True
    Heartbeat.objects.create(name=heartbeats.SCHEDULER, at=timezone.now())
    Heartbeat.objects.create(name="all@here", queues="quick,outbound,long,uploads", at=timezone.now())
    return settings


def problems(check):
    return list(doctor.CHECKS[check]())


@pytest.mark.usefixtures("healthy")
@pytest.mark.parametrize("check", [name for name in doctor.CHECKS if name != "settings"])
def test_what_is_in_order_is_well(check):
    assert problems(check) == []


def bucket(settings, **options):
    where = NOBODY.format(port=free_port())
    options = {"bucket_name": "recordings", "endpoint_url": where, "access_key": "a", "secret_key": SECRET, **options}
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "recordings": backend}


def read_only(settings, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    options = {"location": tmp_path / "file" / "recordings"}
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "recordings": backend}


def unmigrated(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(readiness, "_is_migrated", False)
    monkeypatch.setattr(readiness.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])


def smtp(settings):
    settings.EMAIL_IS_SENT, settings.EMAIL_BACKEND = True, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()


def production(settings, url):
    settings.DEBUG, settings.PUBLIC_URL = False, url


# What is broken -> how, and what the finding or its remedy says.
BROKEN = {
    "no worker": ("workers", lambda *_: Heartbeat.objects.filter(name="all@here").delete(), "-Q uploads"),
    "worker that died": (
        "workers",
        lambda *_: Heartbeat.objects.filter(name="all@here").update(at=timezone.now() - timedelta(minutes=3)),
        "no worker lives for the queue long",
    ),
    "no scheduler": ("scheduler", lambda *_: Heartbeat.objects.filter(name="scheduler").delete(), "config beat"),
    "no broker": (
        "broker",
        lambda s, m, _: m.setattr(readiness, "celery", Celery(broker=AWAY, set_as_current=False)),
        "CELERY_BROKER_URL",
    ),
    "unmigrated": ("migrations", unmigrated, "manage.py migrate"),
    "no Redis": ("cache", lambda s, *_: setattr(s, "REDIS_URL", f"redis://127.0.0.1:{free_port()}"), "REDIS_URL"),
    "folder that takes no file": ("storage", read_only, "no file can be written"),
    "bucket that is away": ("storage", lambda s, *_: bucket(s), "RECORDINGS_STORAGE_"),
    "queue without a bucket": (
        "queue",
        lambda s, *_: setattr(s, "AWS_PROCESS_RECORDING_QUEUE_URL", NOBODY.format(port=free_port())),
        "AWS_PROCESS_RECORDING_QUEUE_URL",
    ),
    "no platform": ("platforms", lambda s, *_: setattr(s, "VIDEO_PLATFORMS", {}), "no platform can be used"),
    "service that transcribes without an address": (
        "transcriber",
        lambda s, *_: setattr(s, "RECORDING_PROCESSOR", "http"),
        "RECORDING_PROCESSOR_URL",
    ),
    "no mail server": ("e-mail", lambda s, *_: smtp(s), "EMAIL_URL"),
    "full disk": ("disk", lambda s, *_: setattr(s, "RECORDINGS_KEEP_FREE", 2**62), "RECORDINGS_KEEP_FREE_MB"),
    "public address where nobody is": (
        "proxy",
        lambda s, *_: production(s, NOBODY.format(port=free_port())),
        "PUBLIC_URL does not answer",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_was_broken_is_found_with_what_to_do(healthy, monkeypatch, tmp_path, name):
    check, spoil, words = BROKEN[name]
    spoil(healthy, monkeypatch, tmp_path)
    found = problems(check)
    assert words in " ".join(text for pair in found for text in pair)
    assert all(remedy for _, remedy in found)
    assert SECRET not in str(found)


@pytest.mark.usefixtures("healthy")
def test_a_key_that_the_platform_refuses_is_found(provider):
    provider.on("GET", "/meetings", Answer(401))
    [(problem, remedy)] = problems("platforms")
    assert "does not let this server in" in problem
    assert remedy == "see its API key"


@pytest.mark.usefixtures("healthy")
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_wrong_is_found(monkeypatch, hours):
    told = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    monkeypatch.setattr(doctor.requests, "head", lambda url, timeout: type("Told", (), {"headers": {"Date": told}}))
    [(problem, _)] = problems("clock")
    assert "the clock is 3" in problem


@pytest.mark.usefixtures("healthy")
def test_a_proxy_that_does_not_say_https_is_found(settings):
    with StubProvider() as site:
        site.on("GET", "/health", Answer(200, {}))
        site.on("GET", "/login", Answer(301, headers={"Location": f"{site.url}/login"}))
        production(settings, site.url)
        [(problem, remedy)] = problems("proxy")
    assert "redirected to themselves" in problem
    assert "TRUSTED_PROXIES" in remedy


@pytest.mark.usefixtures("healthy")
def test_a_proxy_that_does_not_reach_the_web_server_is_found(settings):
    with StubProvider() as site:
        site.on("GET", "/health", Answer(502))
        site.on("GET", "/login", Answer(502))
        production(settings, site.url)
        assert problems("proxy") == [("PUBLIC_URL answers /health with 502", "see the proxy in front")]


@pytest.mark.usefixtures("healthy")
def test_a_provider_that_sends_its_webhooks_elsewhere_is_found(settings):
    with StubProvider() as stub:
        stub.on("GET", "/webhooks", Answer(200, []))
        options = {"api_url": stub.url, "api_key": SECRET, "webhook_secrets": []}
        backend = "platforms.backends.daily.DailyClient"
        settings.VIDEO_PLATFORMS = {"daily": {"BACKEND": backend, "OPTIONS": options}}
        [(problem, remedy)] = problems("webhooks")
    assert problem == "Daily sends its webhooks elsewhere, or nowhere"
    assert remedy == "manage.py webhooks register --platform daily"


@pytest.mark.usefixtures("healthy")
def test_a_check_that_breaks_is_a_finding_and_stops_no_other(monkeypatch):
    def broken():
        raise RuntimeError(SECRET)
        yield

    monkeypatch.setattr(doctor, "CHECKS", {"disk": broken, "cache": doctor.cache})
    disk, cache = doctor.examine()
    assert (disk.check, disk.problem) == ("disk", "it could not be looked at (RuntimeError)")
    assert cache.is_well


@pytest.mark.usefixtures("healthy")
def test_the_command_says_a_line_each_and_its_exit_tells(monkeypatch, settings):
    monkeypatch.setattr(doctor, "CHECKS", {"cache": doctor.cache, "disk": doctor.disk})
    out = io.StringIO()
    call_command("doctor", stdout=out)
    assert out.getvalue().splitlines() == ["ok    cache", "ok    disk"]
    settings.RECORDINGS_KEEP_FREE = 2**62
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"Not well: disk."):
        call_command("doctor", "--json", stdout=out)
    cache, disk = json.loads(out.getvalue())
    assert cache == {"check": "cache", "problem": "", "remedy": ""}
    assert disk["problem"].endswith("MB are left in DATA_DIR")


@pytest.mark.usefixtures("healthy")
@pytest.mark.usefixtures("healthy")
def test_of_the_log_nothing_stands_between_its_lines(monkeypatch, capfd):
    monkeypatch.setattr(doctor, "CHECKS", {"platforms": doctor.CHECKS["platforms"]})
    call_command("doctor")
    assert tuple(capfd.readouterr()) == ("ok    platforms\n", "")


def test_nothing_is_left_in_the_storage(settings):
    assert problems("storage") == []
    folder = Path(settings.STORAGES["recordings"]["OPTIONS"]["location"])
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    shutil.rmtree(folder)
