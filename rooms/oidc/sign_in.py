"""Signing in by the issuer's own page: the authorization code flow, with PKCE, state and nonce.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth, https://www.rfc-editor.org/rfc/rfc7636
"""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import quote, urlencode

import jwt
from django.conf import settings
from django.utils.crypto import constant_time_compare

from platforms.exceptions import PlatformError, PlatformRejected
from platforms.http.client import ProviderAPI
from rooms.oidc.issuer import LABEL, Issuer, IssuerAway, Published, issuer_at
from rooms.oidc.people import person_of

CODE_LIMIT = 4096  # characters


class NotSignedIn(Exception):
    """The issuer did not say, or not in a way that can be believed, who somebody is."""


def is_offered() -> bool:
    return bool(settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID)


def begin() -> tuple[str, dict[str, str]]:
    """Where the browser is sent, and what it is to keep until it comes back. Raises IssuerAway."""
    endpoint = _issuer().published().authorization_endpoint
    if not endpoint:
        raise IssuerAway
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    digest = hashlib.sha256(kept["verifier"].encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": settings.OIDC_CLIENT_ID,
        "redirect_uri": redirect_uri(),
        "scope": " ".join(settings.OIDC_SCOPES),
        "state": kept["state"],
        "nonce": kept["nonce"],
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", kept


def redirect_uri() -> str:
    return f"{settings.PUBLIC_URL}/login/outside/done"


def complete(answer: dict[str, str], kept: dict[str, str]) -> Any:
    """The user, from what the browser came back with. Raises NotSignedIn and IssuerAway."""
    published = _issuer().published()
    if not constant_time_compare(answer.get("state", ""), kept["state"]):
        raise NotSignedIn("state")
    if answer.get("iss", published.name) != published.name:
        raise NotSignedIn("issuer")  # https://www.rfc-editor.org/rfc/rfc9207
    code = answer.get("code", "")
    if not 0 < len(code) <= CODE_LIMIT:
        raise NotSignedIn("code")
    claims = _claims_of(_id_token(published, code, kept["verifier"]))
    if not constant_time_compare(str(claims.get("nonce", "")), kept["nonce"]):
        raise NotSignedIn("nonce")
    user = person_of(claims)
    if not user.is_active:
        raise NotSignedIn("inactive")
    return user


def _id_token(published: Published, code: str, verifier: str) -> str:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(),
        "client_id": settings.OIDC_CLIENT_ID,
        "code_verifier": verifier,
    }
    credentials: dict[str, Any] = {}
    if settings.OIDC_CLIENT_SECRET and published.wants_secret_in_body:
        form["client_secret"] = settings.OIDC_CLIENT_SECRET
    elif settings.OIDC_CLIENT_SECRET:
        pair = settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET
        credentials["auth"] = tuple(quote(one, safe="") for one in pair)
    api = ProviderAPI("", LABEL, published.token_endpoint, secrets=(settings.OIDC_CLIENT_SECRET, code, verifier))
    try:
        answer = api.request("POST", "", data=form, **credentials)
    except PlatformRejected as error:
        raise NotSignedIn("refused") from error
    except PlatformError as error:
        raise IssuerAway from error
    token = answer.get("id_token") if isinstance(answer, dict) else None
    if not isinstance(token, str):
        raise NotSignedIn("answer")
    return token


def _claims_of(token: str) -> dict[str, Any]:
    try:
        claims = _issuer().claims_of(token, [settings.OIDC_CLIENT_ID])
    except jwt.InvalidTokenError as error:
        raise NotSignedIn("token") from error
    if claims.get("azp", settings.OIDC_CLIENT_ID) != settings.OIDC_CLIENT_ID:
        raise NotSignedIn("client")
    return claims


def _issuer() -> Issuer:
    return issuer_at(settings.OIDC_ISSUER)
