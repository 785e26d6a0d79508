"""What `manage.py doctor` looks at: each check says what is wrong and how to mend it, and no secret.

The checks really use what they look at: they write a file and read a part of it, ask each platform, connect to the
mail server. None changes anything that stays.
"""

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import redis
import requests
from django.conf import settings
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.mail import get_connection

from config import readiness
from platforms.abilities import WebhookRegistration
from platforms.exceptions import PlatformError
from platforms.handler import (
    create_platform_client,
    get_available_platforms,
    get_platform_config,
    platform_label,
    why_unavailable,
)
from platforms.health import heartbeats, probing, states
from platforms.webhooks import subscriptions
from platforms.work.models import job_models
from recordings.intake.sqs import Queue
from recordings.storage.reader import open_stored
from recordings.transcription.processors.handler import create_processor

CLOCK_SECONDS = 20.0  # webhooks that were signed a minute ago may be refused
CONTENT = b"0123456789" * 100


@dataclass(frozen=True)
class Finding:
    check: str
    problem: str  # empty where all is well
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        return not self.problem


Check = Callable[[], Iterator[tuple[str, str]]]  # gives a problem and its remedy


def settings_() -> Iterator[tuple[str, str]]:
    for message in checks.run_checks(include_deployment_checks=not settings.DEBUG):
        if message.level >= checks.WARNING and not message.is_silenced():
            yield message.msg, message.hint or ""


def of_readiness(name: str, remedy: str) -> Check:
    def look() -> Iterator[tuple[str, str]]:
        try:
            problem = readiness.CHECKS[name]()
        except Exception as error:  # noqa: BLE001  (each service's library has errors of its own)
            problem = f"it does not answer ({type(error).__name__})"
        if problem:
            yield problem, remedy

    return look


def workers() -> Iterator[tuple[str, str]]:
    missing = {model.QUEUE for model in job_models()} - heartbeats.queues_worked()
    for queue in sorted(missing):
        yield f"no worker lives for the queue {queue}", f"start one: celery -A config worker -Q {queue}"


def cache() -> Iterator[tuple[str, str]]:
    if settings.REDIS_URL:
        client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=3, socket_timeout=3)
        try:
            client.ping()
        except redis.RedisError as error:
            yield f"Redis does not answer ({type(error).__name__})", "see REDIS_URL, and whether Redis runs"


def storage() -> Iterator[tuple[str, str]]:
    """Write, read from the middle, delete."""
    its = storages["recordings"]
    step = "written"
    try:
        name = its.save(f"doctor/{uuid.uuid4().hex}", ContentFile(CONTENT))
        step = "read"
        with open_stored(name) as file:
            file.seek(500)
            if file.read(10) != CONTENT[500:510]:
                yield "a part of a file is not what was written", "the storage must answer requests for ranges"
        step = "deleted"
        its.delete(name)
    except Exception as error:  # noqa: BLE001  (each storage has errors of its own)
        yield (
            f"no file can be {step} ({type(error).__name__})",
            "see RECORDINGS_STORAGE_* and what its key may do, or who owns the folder recordings of DATA_DIR",
        )


def queue() -> Iterator[tuple[str, str]]:
    if settings.AWS_PROCESS_RECORDING_QUEUE_URL:
        try:
            Queue().count_dead_letters()
        except Exception as error:  # noqa: BLE001  (errors of several libraries)
            remedy = "see AWS_PROCESS_RECORDING_QUEUE_URL, and what the README says that its key must be allowed"
            yield f"the queue of the bucket cannot be read ({type(error).__name__})", remedy


def platforms() -> Iterator[tuple[str, str]]:
    usable = 0
    for name in get_available_platforms():
        if why_unavailable(name) is not None:
            continue
        usable += 1
        if states.can_be_checked(name) and (error := probing.check_platform(name).check_error):
            yield f"{platform_label(name)} does not let this server in: {error}", "see its API key"
    if not usable:
        yield "no platform can be used", "set the key of one, as the README says"


def webhooks() -> Iterator[tuple[str, str]]:
    for name in get_available_platforms():
        if why_unavailable(name) is not None:
            continue
        client = create_platform_client(name)
        if isinstance(client, WebhookRegistration) and not client.is_simulated:
            remedy = f"manage.py webhooks register --platform {name}"
            try:
                found = subscriptions.find(client.list_webhooks(), subscriptions.our_urls(client))
            except PlatformError as error:
                yield f"{client.label} does not tell of its subscriptions: {error}", remedy
                continue
            if found is None:
                yield f"{client.label} sends its webhooks elsewhere, or nowhere", remedy
            else:
                yield from ((problem, remedy) for problem in subscriptions.problems(client, found))


def transcriber() -> Iterator[tuple[str, str]]:
    for problem in create_processor().problems():
        yield problem, "see RECORDING_PROCESSOR and what env.example says of it"


def mail() -> Iterator[tuple[str, str]]:
    if settings.EMAIL_IS_SENT:
        try:
            with get_connection():
                pass
        except Exception as error:  # noqa: BLE001  (of the network, of TLS and of the protocol)
            yield f"the mail server does not let this one in ({type(error).__name__})", "see EMAIL_URL"


def clock() -> Iterator[tuple[str, str]]:
    """Signatures hold the time. It is compared with what the providers' servers say when they answer."""
    for name in get_available_platforms():
        url = get_platform_config(name).api_url
        if not url or why_unavailable(name) is not None:
            continue
        try:
            told = requests.head(url, timeout=5).headers["Date"]
        except (requests.RequestException, KeyError):  # the check of the platforms tells of it
            continue
        off = abs((datetime.now(UTC) - parsedate_to_datetime(told)).total_seconds())
        if off > CLOCK_SECONDS:
            yield f"the clock is {off:.0f} s off: webhooks are refused", "run a time service, such as chrony"
        return


def disk() -> Iterator[tuple[str, str]]:
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < settings.RECORDINGS_KEEP_FREE:
        yield f"{free // 1024**2} MB are left in DATA_DIR", "make room, or set RECORDINGS_KEEP_FREE_MB lower"


def proxy() -> Iterator[tuple[str, str]]:
    """Through the address that people use: the proxy in front, its certificate and its headers."""
    if settings.DEBUG:
        return
    try:
        answer = requests.get(f"{settings.PUBLIC_URL}/health", timeout=10, allow_redirects=False)
        login = requests.get(f"{settings.PUBLIC_URL}/login", timeout=10, allow_redirects=False)
    except requests.exceptions.SSLError:
        yield "the certificate of PUBLIC_URL is not valid", "renew it at the proxy in front"
    except requests.RequestException as error:
        yield f"PUBLIC_URL does not answer ({type(error).__name__})", "see the proxy in front, and the web server"
    else:
        if answer.status_code != 200:
            yield f"PUBLIC_URL answers /health with {answer.status_code}", "see the proxy in front"
        if login.is_redirect and login.headers["Location"] == login.url:
            remedy = "the proxy must set X-Forwarded-Proto, and TRUSTED_PROXIES the number of proxies"
            yield "pages are redirected to themselves for ever", remedy


CHECKS: Mapping[str, Check] = {
    "settings": settings_,
    "database": of_readiness("database", "see DATABASE_URL, and whether the server runs"),
    "migrations": of_readiness("migrations", "manage.py migrate"),
    "broker": of_readiness("broker", "see CELERY_BROKER_URL or REDIS_URL, and whether it runs"),
    "scheduler": of_readiness("scheduler", "start one, and one only: celery -A config beat"),
    "workers": workers,
    "cache": cache,
    "storage": storage,
    "queue": queue,
    "platforms": platforms,
    "webhooks": webhooks,
    "transcriber": transcriber,
    "e-mail": mail,
    "clock": clock,
    "disk": disk,
    "proxy": proxy,
}


def examine() -> Iterator[Finding]:
    """One finding for each check, or for each of its problems. A check that breaks is a problem, too."""
    for name, look in CHECKS.items():
        try:
            found = [Finding(name, problem, remedy) for problem, remedy in look()]
        except Exception as error:  # noqa: BLE001  (whatever is broken, the others are looked at)
            remedy = "mend what is named above first" if name != "settings" else "see the settings"
            found = [Finding(name, f"it could not be looked at ({type(error).__name__})", remedy)]
        yield from found or [Finding(name, "")]
