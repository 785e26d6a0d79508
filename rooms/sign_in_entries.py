"""Entries of the audit trail about signing in and out.

A refusal names the account that was tried. A name that is no account's is not kept: it may be a password that was typed
into the wrong field. Once attempts are locked out, one entry within some minutes says so.
"""

from typing import Any

from django.http import HttpRequest

from platforms.audit import trail
from platforms.limits.callers import address_of, network_of
from platforms.models import AuditEntry

Action = AuditEntry.Action

ACCOUNT, ADDRESS = "account", "address"
PASSWORD, CODE, SINGLE_SIGN_ON = "password", "second factor", "single sign-on"
LOCKED_OUT = "locked out"


def signed_in(request: HttpRequest, user: Any, how: str = PASSWORD) -> None:
    trail.add(_entry(request, Action.SIGNED_IN, ACCOUNT, str(user.pk), how, user))


def signed_out(request: HttpRequest, user: Any) -> None:
    if user.is_authenticated:
        trail.add(_entry(request, Action.SIGNED_OUT, ACCOUNT, str(user.pk), "", user))


def refused(request: HttpRequest, user: Any | None, how: str) -> None:
    """`user` is whose account was tried, None where there is no such account."""
    what = how if user else "unknown name"
    trail.add(_entry(request, Action.REFUSED, ACCOUNT, str(user.pk) if user else "", what))


def locked_out(request: HttpRequest, user: Any | None = None) -> None:
    """An account, or without one the address that somebody calls from."""
    kind, key = (ACCOUNT, str(user.pk)) if user else (ADDRESS, network_of(request))
    trail.add_look(_entry(request, Action.REFUSED, kind, key, LOCKED_OUT))


def _entry(
    request: HttpRequest, action: str, kind: str, object_id: str, what: str, user: Any | None = None
) -> AuditEntry:
    address = address_of(request)
    return AuditEntry(
        person_id=user and user.pk,
        person=user.get_username()[:150] if user else "",
        address=str(address) if address else None,
        via=trail.via_of(request),
        action=action,
        kind=kind,
        object_id=object_id,
        what=what,
    )
