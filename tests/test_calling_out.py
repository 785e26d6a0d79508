"""One way out: only named modules can open a connection, and only one of them to an address that people gave.

A new import of `requests` somewhere else fails here, before it can call a private address for somebody.
"""

import ast

import pytest

from tests.test_architecture import APPS, ROOT, is_in, module_name, tracked

# What can call out, in the libraries that are there. Whole modules, and names of others that are mostly harmless.
MEANS = [
    *("requests.get", "requests.post", "requests.put", "requests.patch", "requests.delete", "requests.head"),
    *("requests.options", "requests.request", "requests.Session", "requests.session", "requests.api"),
    *("requests.adapters", "requests.sessions"),
    *("urllib.request", "http.client.HTTPConnection", "http.client.HTTPSConnection", "xmlrpc.client", "ftplib"),
    *("urllib3.PoolManager", "urllib3.ProxyManager", "urllib3.request", "urllib3.connection", "urllib3.connectionpool"),
    *("socket.socket", "socket.create_connection", "asyncio.open_connection", "asyncio.open_unix_connection"),
    *("smtplib.SMTP", "smtplib.SMTP_SSL", "smtplib.LMTP", "imaplib", "poplib", "telnetlib", "nntplib"),
    *("boto3", "botocore.session", "httpx", "aiohttp", "websockets", "websocket", "pycurl", "httplib2"),
    *("sentry_sdk", "opentelemetry.exporter"),
    *("redis.Redis", "psycopg.connect", "django.core.mail.get_connection"),
]
# Who uses them, and where that leads.
CALLERS = {
    "platforms.bounded.host": "the worker that started it, by a socket that it was given",
    "platforms.bounded.children": "children of this process",
    "platforms.http.client": "services that the operator names, and platforms",
    "platforms.http.connections": "what safe_http has checked",
    "platforms.http.deadlines": "what client calls",
    "platforms.http.safe_http": "addresses that people or providers give, after a check",
    "recordings.storage.buckets": "buckets and the queue that the operator names",
    "platforms.limits.counters": "the Redis that the operator names",
    "config.doctor": "what the operator names: Redis, the mail server, PUBLIC_URL, a platform",
    "config.management.commands.serve": "the product's own ports",
    "config.telemetry.errors": "the Sentry that the operator names",
    "config.telemetry.traces": "the collector that the operator names",
    "platforms.health.certificate": "PUBLIC_URL",
    "recordings.management.reflector.source": "the database of a Reflector that the operator names",
    "recordings.transcription.reachability": "the transcription service that the operator names",
}
# The sessions for addresses that people or providers give, and who takes one: a calendar, a webhook, a download, and
# what tells a channel of notices, whose address the operator gives.
GUARDED = "platforms.http.safe_http.safe_session"
GUARDED_CALLERS = {
    "rooms.calendar.feed",
    "rooms.webhooks.sending",
    "recordings.fetching.download.sources",
    "platforms.alerts.sending",
}


def product():
    """Without the sandbox, which plays others on this machine."""
    paths = tracked(*(f"{app}/*.py" for app in [*APPS, "config"]))
    found = {module_name(path): (ROOT / path).read_text() for path in paths if "/migrations/" not in path}
    return {name: text for name, text in found.items() if not is_in(name, "platforms.sandbox")}


def names_used(text):
    """Every dotted name that the module imports or uses, by its full name whatever it is called there."""
    tree = ast.parse(text)
    known, used = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
            known |= {alias.asname or alias.name.split(".")[0]: alias.asname and alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            full = {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            used |= set(full.values())
            known |= full
    known = {name: full or name for name, full in known.items()}
    for node in ast.walk(tree):
        if (dotted := dotted_name(node)) and (head := dotted.split(".")[0]) in known:
            used.add(known[head] + dotted.removeprefix(head))
    return used


def dotted_name(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def calls_out(text):
    return {name for name in names_used(text) if any(is_in(name, means) for means in MEANS)}


def test_only_these_modules_can_open_a_connection():
    modules = product()
    assert len(modules) > 200
    assert {name for name, text in modules.items() if calls_out(text)} == CALLERS.keys()


def test_addresses_that_people_give_are_called_by_a_guarded_session_only():
    assert {name for name, text in product().items() if GUARDED in names_used(text)} == GUARDED_CALLERS


@pytest.mark.parametrize(
    "text",
    [
        "import requests\nrequests.get(url)",
        "import requests as r\nwith r.Session() as s: ...",
        "from requests import post\npost(url)",
        "from requests import Session as S",
        "from requests.adapters import HTTPAdapter",
        "import urllib.request",
        "from urllib.request import urlopen",
        "from urllib import request",
        "import http.client\nhttp.client.HTTPSConnection(host)",
        "from http.client import HTTPConnection as C",
        "import socket\nsocket.create_connection(place)",
        "from socket import socket",
        "import asyncio\nasyncio.open_connection(host)",
        "def f():\n    import httpx",
        "import boto3",
        "import smtplib\nsmtplib.SMTP(host)",
        "from urllib3 import PoolManager",
    ],
)
def test_each_way_of_calling_out_is_seen(text):
    assert calls_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "import requests\ndef f(response: requests.Response): ...",
        "from urllib.parse import urlsplit",
        "import socket\nsocket.gethostname()",
        "from http.client import HTTPException",
        "import smtplib\ntry: ...\nexcept smtplib.SMTPException: ...",
    ],
)
def test_what_calls_nobody_is_not(text):
    assert not calls_out(text)
