"""Makes the entries of the audit trail, once a request was answered as its caller wished."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch

from config.audit.table import ACCOUNT, ACTS, Act, admin_act
from platforms.audit import trail
from platforms.limits.callers import address_of
from platforms.models import AuditEntry
from rooms.models import ApiKey

GetResponse = Callable[[HttpRequest], HttpResponseBase]

NAMES = 50  # of what was sent, at most
OBJECTS = 1000  # that were chosen in a list of Admin, at most
SECRET_FIELDS = ("webhook_secret", "webhook_url", "ics_url")
SAFE = {"HEAD": "GET"}


def audit(get_response: GetResponse) -> GetResponse:
    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        match = request.resolver_match
        if match is not None and response.status_code < 400 and (act := act_of(request, match)):
            _note(request, response, match, act)
        return response

    return answer


def act_of(request: HttpRequest, match: ResolverMatch) -> Act | None:
    method = SAFE.get(request.method or "", request.method or "")
    if request.path_info.startswith("/admin/"):
        return _admin_act(match, method)
    return ACTS.get(f"{method} {match.view_name}") or ACTS.get(f"{method} {match.route}")


def _admin_act(match: ResolverMatch, method: str) -> Act | None:
    name = (match.view_name or "").removeprefix("admin:")
    if name in {"login", "logout"}:
        return None
    models = (
        model for model in admin.site._registry if name.startswith(f"{model._meta.label_lower.replace('.', '_')}_")
    )
    return admin_act(name, max(models, key=lambda model: len(model._meta.label), default=None), method, match.kwargs)


def _note(request: HttpRequest, response: HttpResponseBase, match: ResolverMatch, act: Act) -> None:
    is_admin = request.path_info.startswith("/admin/")
    concerned = trail.concerned_by(request)
    if is_admin and request.method == "POST" and response.status_code != 302 and not concerned:
        return  # a form that was not taken, or a page that asks whether it is meant
    data = getattr(response, "data", None)
    if act.only_secrets and not _holds_secret(data):
        return
    person: Any = request.user if request.user.is_authenticated else None
    if act.is_look and act.action == AuditEntry.Action.READ and person is None:
        return  # what everybody may read
    key = getattr(request, "auth", None)
    address = address_of(request)
    entry = AuditEntry(
        person_id=person and person.pk,
        person=person.get_username()[:150] if person else "",
        api_key_id=str(key.pk) if isinstance(key, ApiKey) else "",
        address=str(address) if address else None,
        via=trail.via_of(request),
        action=act.action,
        kind=act.kind,
        object_id=(concerned or _object_id(match, act, data, person))[:255],
        what=(act.what or "-".join(str(match.kwargs[name]) for name in ("section", "action") if name in match.kwargs))[
            :100
        ],
        details={} if act.is_look else _details(request, response, is_admin),
    )
    (trail.add_look if act.is_look else trail.add)(entry)


def _object_id(match: ResolverMatch, act: Act, data: Any, person: Any) -> str:
    if act.key:
        return unquote(str(match.kwargs[act.key]))
    if act.kind == ACCOUNT and person:
        return str(person.pk)
    return str(data.get("id", "")) if isinstance(data, dict) else ""


def _holds_secret(data: Any) -> bool:
    rows = data.get("items", [data]) if isinstance(data, dict) else data if isinstance(data, list) else []
    return any(row.get(field) for row in rows if isinstance(row, dict) for field in SECRET_FIELDS)


def _details(request: HttpRequest, response: HttpResponseBase, is_admin: bool) -> dict[str, Any]:
    """Names only: what they were set to may be a secret."""
    if is_admin:
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME) or request.POST.getlist("chosen")
        told: dict[str, Any] = {"action": request.POST["action"][:100]} if request.POST.get("action") else {}
        return told | ({"chosen": chosen[:OBJECTS]} if chosen else {})
    return {"fields": names} if (names := sorted(_names(request, response))[:NAMES]) else {}


def _names(request: HttpRequest, response: HttpResponseBase) -> Iterable[str]:
    asked = getattr(response, "renderer_context", {}).get("request")
    sent = asked.data if asked is not None else request.POST
    return {str(name)[:100] for name in sent if name != "csrfmiddlewaretoken"} if hasattr(sent, "keys") else ()
