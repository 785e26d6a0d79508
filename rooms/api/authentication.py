"""Who is calling: a bearer token, an API key, or both of the same person. Sessions are REST framework's own."""

import hashlib
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, transaction
from django.db.models import Exists
from django.utils.crypto import constant_time_compare
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from platforms.statements import Statement, example
from rooms.models import ApiKey, EndedToken
from rooms.oidc.issuer import issuer_at
from rooms.oidc.people import person_of

ALGORITHM = "HS256"
FINGERPRINT_LENGTH = 32  # characters
KEPT_TOKENS = 1000  # whose signatures a process need not check again
EXPIRY_MARGIN = timedelta(hours=1)  # by which a server's clock may be behind


# Whose a token is, unless it was ended.
_BEARER = Statement(
    lambda user_id, token_id: get_user_model()._default_manager.filter(
        ~Exists(EndedToken.objects.filter(token_id=token_id)), pk=user_id
    ),
    user_id=lambda: (get_user_model()._meta.pk, -7),
    token_id=lambda: (EndedToken._meta.pk, "an example"),
)
_KEY = Statement(
    lambda key_hash: ApiKey.objects.select_related("user").filter(key_hash=key_hash),
    key_hash=example(ApiKey, "key_hash", "an example"),
)


def issue_token(user: Any) -> tuple[str, int]:
    """A bearer token and its lifetime in seconds. It ends earlier when the person's password changes."""
    lifetime = int(settings.ACCESS_TOKEN_LIFETIME.total_seconds())
    now = int(time.time())
    claims = {
        "sub": str(user.pk),
        "email": user.email,
        "iat": now,
        "exp": now + lifetime,
        "jti": uuid.uuid4().hex,
        "session": _fingerprint(user),
    }
    return jwt.encode(claims, settings.SECRET_KEY, ALGORITHM), lifetime


class TokenAuthentication(BaseAuthentication):
    """A bearer token that is bad is refused even where none is needed; an unknown API key counts as none."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """A person, and the API key if they came by one: what it may be used for counts then."""
        by_token = _user_of_token(request)
        api_key = _key_of(request)
        if by_token and api_key and by_token.pk != api_key.user_id:
            raise AuthenticationFailed("Invalid authentication: more than one user provided", "several_users")
        if by_token:
            return by_token, "bearer"
        return (api_key.user, api_key) if api_key else None

    def authenticate_header(self, request: Request) -> str:
        """Without this header REST framework would answer 403 where 401 is meant."""
        return "Bearer"


def _user_of_token(request: Request) -> AbstractBaseUser | None:
    token = _bearer(request)
    return None if token is None else user_of_token(token)


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def end_token(request: Request) -> None:
    """The bearer token that a request came with, if it did, opens nothing any more."""
    if (token := _bearer(request)) is None:
        return
    claims = _issuers_claims(token) if _is_of_issuer(token) else _claims(token)
    now = datetime.now(UTC)
    EndedToken.objects.filter(expires_at__lt=now - EXPIRY_MARGIN).delete()
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    EndedToken.objects.get_or_create(token_id=claims["jti"], defaults={"expires_at": expires_at})


def _claims(token: str) -> Mapping[str, Any]:
    try:
        claims = _signed_claims(token, settings.SECRET_KEY)
    except jwt.InvalidTokenError as error:
        raise AuthenticationFailed("Invalid authentication", "invalid_token") from error
    if int(claims["exp"]) <= time.time():
        raise AuthenticationFailed("Invalid authentication", "invalid_token")
    return claims


@lru_cache(KEPT_TOKENS)
def _signed_claims(token: str, key: str) -> Mapping[str, Any]:
    """What stays true of a token, so that its signature is reckoned once: that it has not expired was true then.

    Raises InvalidTokenError, which is not kept.
    """
    return jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        # Servers' clocks differ a little: a token may seem to come from the future.
        options={"require": ["sub", "exp", "session", "jti"], "verify_iat": False},
    )


def _is_of_issuer(token: str) -> bool:
    """Whether it is to be checked by the issuer's keys: ours are all of one kind."""
    try:
        return bool(settings.OIDC_ISSUER) and jwt.get_unverified_header(token).get("alg") != ALGORITHM
    except jwt.InvalidTokenError:
        return False


def _issuers_claims(token: str) -> dict[str, Any]:
    """With what the token is called when it is ended before its time. Raises IssuerAway."""
    try:
        claims = issuer_at(settings.OIDC_ISSUER).claims_of(token, settings.OIDC_AUDIENCE)
    except jwt.InvalidTokenError as error:
        raise AuthenticationFailed("Invalid authentication", "invalid_token") from error
    return claims | {"jti": hashlib.sha256(token.encode()).hexdigest()[:32]}


def user_of_token(token: str) -> AbstractBaseUser:
    """Raises AuthenticationFailed for a token that is not valid, or not any more."""
    if _is_of_issuer(token):
        claims = _issuers_claims(token)
        if EndedToken.objects.filter(token_id=claims["jti"]).exists():
            raise AuthenticationFailed("Invalid authentication", "invalid_token")
        return _active(person_of(claims))
    own = _claims(token)
    user = _BEARER.first(user_id=own["sub"], token_id=own["jti"])
    if not user or not constant_time_compare(_fingerprint(user), str(own["session"])):
        raise AuthenticationFailed("Invalid authentication", "invalid_token")
    return _active(user)


def _key_of(request: Request) -> ApiKey | None:
    key = request.META.get("HTTP_X_API_KEY")
    if not key:
        return None
    found = _KEY.first(key_hash=ApiKey.hash(key))
    if found is None:
        return None
    _active(found.user)
    if found.has_expired:
        raise AuthenticationFailed("This API key has expired.", "api_key_expired")
    if found.is_use_to_note:
        with suppress(DatabaseError), transaction.atomic():  # a database that only reads still answers
            found.note_use()
    return found


def _active(user: AbstractBaseUser) -> AbstractBaseUser:
    if not user.is_active:
        raise AuthenticationFailed("Invalid authentication", "invalid_token")
    return user


def _fingerprint(user: AbstractBaseUser) -> str:
    """Changes with the password, like the sessions that Django ends then."""
    return user.get_session_auth_hash()[:FINGERPRINT_LENGTH]
