"""A value that is nowhere else in each secret setting, and whether it comes out: in logs, answers, Admin, messages."""

import base64
import re
import subprocess
import uuid

import pytest
import requests
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.live import ADMIN, ROOT, running_product
from tests.support.stub_provider import Answer, StubProvider

SECRET_NAMES = re.compile(
    r"SECRET|PASSWORD$|TOKEN$|PRIVATE_KEY|API_KEY$|_KEYS$|EMAIL_URL|NOTICE_WEBHOOK_URL|_DSN$|_HEADERS$"
)
# What holds no secret although it is called so, or is tried elsewhere.
OTHERS = {
    "DJANGO_SUPERUSER_PASSWORD": "the tests sign in with it",
    "SENTRY_DSN": "test_telemetry",
    "OTEL_EXPORTER_OTLP_HEADERS": "test_telemetry",
}


def canary(name):
    return f"canary-{name.lower().replace('_', '-')}-{uuid.uuid4().hex}"


def pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def secrets(url):
    """Each secret variable -> its value, and what of that is looked for."""
    plain = [
        *("METRICS_TOKEN", "SECRET_KEY", "WHEREBY_API_KEY", "WHEREBY_WEBHOOK_SECRET", "AWS_WHEREBY_ACCESS_KEY_SECRET"),
        *("DAILY_API_KEY", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "AWS_LIVEKIT_ACCESS_KEY_SECRET"),
        *("JAAS_WEBHOOK_SECRET", "RECORDINGS_STORAGE_ACCESS_KEY_SECRET", "RECORDING_PROCESSOR_SECRET"),
        *("TRANSCRIPTION_API_KEY", "LLM_API_KEY", "ZULIP_API_KEY", "OIDC_CLIENT_SECRET"),
    ]
    found = {name: (value, value) for name in plain for value in [canary(name)]}
    fernet, signing, password, hook = Fernet.generate_key().decode(), canary("daily"), canary("mail"), canary("hook")
    found["FIELD_ENCRYPTION_KEYS"] = (fernet, fernet)
    found["DAILY_WEBHOOK_SECRET"] = (base64.b64encode(signing.encode()).decode(),) * 2
    found["LIVEKIT_WEBHOOK_KEYS"] = (f"other:{canary('livekit')}",) * 2
    key = pem()
    found["JAAS_PRIVATE_KEY"] = (key.replace("\n", "\\n"), key.splitlines()[3])
    found["EMAIL_URL"] = (f"smtp://rooms:{password}@127.0.0.1:1", password)
    found["NOTICE_WEBHOOK_URL"] = (f"{url}/services/{hook}", hook)
    return found


@pytest.fixture
def provider():
    """The worst of all: it refuses everything, and says again whatever it was sent."""

    def echo(request):
        said = f"refused {request.headers} {request.body.decode('utf-8', 'replace')} {request.path}"
        return Answer(403, {"error": said, "info": said, "message": said})

    with StubProvider() as stub:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            stub.on(method, "/*", echo)
        yield stub


def test_every_variable_that_is_a_secret_has_one():
    described = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
    secret = {name for name in described if SECRET_NAMES.search(name)}
    assert len(secret) > 15
    assert secret - secrets("http://localhost").keys() - OTHERS.keys() == set()


def signed_in(server):
    session = requests.Session()
    session.headers["Referer"] = server
    session.get(f"{server}/login", timeout=60)
    form = {"username": "admin", "password": ADMIN["password"], "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    assert session.post(f"{server}/login?next=/admin/", form, timeout=60).ok
    return session


def seen_in_pages(server, session):
    """All pages of Admin that are linked from its first one, and where each of their lists leads to first."""
    first = session.get(f"{server}/admin/", timeout=60).text
    links = set(re.findall(r'href="(/admin/[\w/-]*)"', first)) - {"/admin/logout/"}
    assert len(links) > 10
    pages = [first, *(session.get(server + link, timeout=60).text for link in sorted(links))]
    rows = {re.search(r'href="(/admin/[\w/-]+/change/)', page) for page in pages}
    return pages + [session.get(server + row[1], timeout=60).text for row in rows if row]


def test_no_secret_comes_out_anywhere(provider, tmp_path):
    hidden = secrets(provider.url)
    variables = {
        **{name: value for name, (value, _) in hidden.items()},
        **dict.fromkeys(("WHEREBY_API_URL", "DAILY_API_URL", "LIVEKIT_URL", "JAAS_URL"), provider.url),
        **dict.fromkeys(("TRANSCRIPTION_API_URL", "LLM_API_URL", "RECORDING_PROCESSOR_URL"), provider.url),
        "RECORDINGS_STORAGE_BUCKET": "bucket",
        "RECORDINGS_STORAGE_ENDPOINT_URL": provider.url,
        "RECORDINGS_STORAGE_ACCESS_KEY_ID": "id",
        "AWS_WHEREBY_ACCESS_KEY_ID": "id",
        "AWS_WHEREBY_S3_BUCKET": "b",
        "JAAS_APP_ID": "app",
        "JAAS_KEY_ID": "key",
        "LLM_MODEL": "m",
        "RECORDING_PROCESSOR": "openai",
        "ZULIP_REALM": provider.url,
        "ZULIP_BOT_EMAIL": "bot@example.com",
        "NOTICE_EMAILS": "ada@example.com",
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": "json",
    }
    with running_product(tmp_path, **variables) as product:
        product.manage("collectstatic", "--no-input", "--verbosity=0")
        server = product.servers[0][0]
        token = product.sign_in()
        seen = []
        for name in ("whereby", "daily", "livekit", "jaas"):
            room = {"name": f"room-{name}", "platform": name}
            seen.append(product.api("POST", "/v1/rooms", token=token, json=room).text)
            seen.append(product.api("POST", f"/v1/rooms/room-{name}/meeting", token=token, json={}).text)
            seen.append(requests.post(f"{server}/v1/{name}/webhook", json={"type": "x"}, timeout=60).text)
        paths = ["/health", "/ready", "/metrics", "/v1/config", "/v1/platforms", "/v1/zulip/streams", "/openapi.json"]
        seen += [product.api("GET", path, token=token).text for path in paths]
        bearer = {"Authorization": f"Bearer {hidden['METRICS_TOKEN'][1]}"}
        metrics = requests.get(f"{server}/metrics", headers=bearer, timeout=60)
        assert metrics.ok
        seen.append(metrics.text)
        seen += seen_in_pages(server, signed_in(server))
        code = "from platforms.health import notices, watchdog; from platforms.alerts import messages; "
        code += "from platforms.models import NoticeMessage; from platforms.work.models import run_due, sweep; "
        code += "notices.report('x', 'Something is wrong.'); messages.announce(); run_due(NoticeMessage); sweep(); "
        code += "from recordings.tasks import check_transcriber as c; c(); print(NoticeMessage.objects.values())"
        seen.append(product.tell("shell", "--no-imports", "-c", code))
        with pytest.raises(subprocess.CalledProcessError) as failed:  # it finds that all refuse it
            product.tell("doctor", "--json")
        assert "transcriber" in failed.value.stdout
        seen.append(failed.value.stdout)
        assert provider.requests
        messages = [file for file in (tmp_path / "broker").rglob("*") if file.is_file()]
        seen += [file.read_bytes().decode("utf-8", "replace") for file in messages]
    seen.append((tmp_path / "product.log").read_text())
    for word in ("request_done", "reflector_webhooks", "Audit trail"):
        assert any(word in (text or "") for text in seen)
    found = {name for name, (_, told) in hidden.items() for text in seen if told in (text or "")}
    assert found == set()
