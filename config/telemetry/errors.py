"""Errors to Sentry, or to what speaks its protocol: which error it was, where in the code, and the ids of the log.

Nothing that came from outside goes along: no address, header, cookie, body, argument or variable, and no lines of the
log from before. An event is made anew of what is known to be harmless, so that a newer library sends no more.
"""

import logging
import re
from typing import Any
from urllib.parse import unquote_plus

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from config.telemetry.cleaning import cleaned
from platforms import logs

KEPT = ("event_id", "timestamp", "platform", "level", "logger", "environment", "release", "server_name", "sdk")
KEPT_OF_FRAME = ("filename", "module", "function", "lineno", "in_app", "pre_context", "context_line", "post_context")
SHORTEST_WORD = 8  # characters of an address, that are hidden where an error says them again
NAMED_BY_CODE = ("route", "task", "component", "view")  # where the name of what ran comes from; others hold addresses


def begin() -> None:
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            AtexitIntegration(callback=lambda pending, timeout: None),
            DedupeIntegration(),
            ExcepthookIntegration(),
            LoggingIntegration(level=None, event_level=logging.ERROR),
            ThreadingIntegration(propagate_hub=False),
            DjangoIntegration(middleware_spans=False, signals_spans=False, cache_spans=False),
            CeleryIntegration(propagate_traces=False),
        ],
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        max_breadcrumbs=0,
        before_breadcrumb=lambda breadcrumb, hint: None,
        before_send=harmless,
        auto_session_tracking=False,
        send_client_reports=False,
        trace_propagation_targets=[],
    )


def harmless(event: Any, hint: dict[str, Any]) -> Any:
    asked = _words_of_address(event.get("request", {}))
    kept = {name: event[name] for name in KEPT if name in event}
    kept["tags"] = dict(logs.current())
    if event.get("transaction_info", {}).get("source") in NAMED_BY_CODE:
        kept["transaction"] = event.get("transaction")
    if "exception" in event:
        kept["exception"] = {"values": [_exception(value, asked) for value in event["exception"]["values"]]}
    if "logentry" in event:
        entry = event["logentry"]
        kept["logentry"] = {
            name: cleaned(entry[name], asked) for name in ("message", "formatted") if isinstance(entry.get(name), str)
        }
    return kept


def _words_of_address(request: dict[str, Any]) -> list[str]:
    """What an error may say again of the address that was called."""
    address = f"{request.get('url') or ''}?{request.get('query_string') or ''}"
    words = re.split(r"[/?&=]", f"{address}?{unquote_plus(address)}")
    return [word for word in words if len(word) >= SHORTEST_WORD]


def _exception(value: dict[str, Any], asked: list[str]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames", [])
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": cleaned(str(value.get("value") or ""), asked),
        "stacktrace": {
            "frames": [{name: frame[name] for name in KEPT_OF_FRAME if name in frame} for frame in frames],
        },
    }
