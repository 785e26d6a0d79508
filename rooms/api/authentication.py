"""Who is calling: a bearer token, an API key, or both of the same person. Sessions are REST framework's own."""

import time
from typing import Any

import jwt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils.crypto import constant_time_compare
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from rooms.models import ApiKey

ALGORITHM = "HS256"
FINGERPRINT_LENGTH = 32  # characters


def issue_token(user: Any) -> tuple[str, int]:
    """A bearer token and its lifetime in seconds. It ends earlier when the person's password changes."""
    lifetime = int(settings.ACCESS_TOKEN_LIFETIME.total_seconds())
    now = int(time.time())
    claims = {
        "sub": str(user.pk),
        "email": user.email,
        "iat": now,
        "exp": now + lifetime,
        "session": _fingerprint(user),
    }
    return jwt.encode(claims, settings.SECRET_KEY, ALGORITHM), lifetime


class TokenAuthentication(BaseAuthentication):
    """A bearer token that is bad is refused even where none is needed; an unknown API key counts as none."""

    def authenticate(self, request: Request) -> tuple[Any, str] | None:
        by_token = _user_of_token(request)
        by_key = _user_of_key(request)
        if by_token and by_key and by_token.pk != by_key.pk:
            raise AuthenticationFailed("Invalid authentication: more than one user provided")
        if by_token:
            return by_token, "bearer"
        return (by_key, "api-key") if by_key else None

    def authenticate_header(self, request: Request) -> str:
        """Without this header REST framework would answer 403 where 401 is meant."""
        return "Bearer"


def _user_of_token(request: Request) -> AbstractBaseUser | None:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return user_of_token(token.strip()) if scheme.lower() == "bearer" else None


def user_of_token(token: str) -> AbstractBaseUser:
    """Raises AuthenticationFailed for a token that is not valid, or not any more."""
    try:
        claims = jwt.decode(
            token,
            settings.SECRET_KEY,
            algorithms=[ALGORITHM],
            # Servers' clocks differ a little: a token may seem to come from the future.
            options={"require": ["sub", "exp", "session"], "verify_iat": False},
        )
    except jwt.InvalidTokenError as error:
        raise AuthenticationFailed("Invalid authentication") from error
    user = get_user_model().objects.filter(pk=claims["sub"]).first()
    if not user or not constant_time_compare(_fingerprint(user), str(claims["session"])):
        raise AuthenticationFailed("Invalid authentication")
    return _active(user)


def _user_of_key(request: Request) -> AbstractBaseUser | None:
    key = request.META.get("HTTP_X_API_KEY")
    if not key:
        return None
    found = ApiKey.objects.select_related("user").filter(key_hash=ApiKey.hash(key)).first()
    return _active(found.user) if found else None


def _active(user: AbstractBaseUser) -> AbstractBaseUser:
    if not user.is_active:
        raise AuthenticationFailed("Invalid authentication")
    return user


def _fingerprint(user: AbstractBaseUser) -> str:
    """Changes with the password, like the sessions that Django ends then."""
    return user.get_session_auth_hash()[:FINGERPRINT_LENGTH]
