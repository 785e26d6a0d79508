"""Whose a token of the issuer is: an account that is made when it first comes, with the rights of its groups."""

import hashlib
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from rooms.models import OutsideAccount

Rights = OutsideAccount.Rights


def person_of(claims: dict[str, Any]) -> Any:
    """The user. `claims` are those of a token that was found good."""
    account = _known(claims) or _first_seen(claims)
    _give_rights(account, claims)
    return account.user


def _known(claims: dict[str, Any]) -> OutsideAccount | None:
    named = OutsideAccount.objects.filter(issuer=claims["iss"], subject=claims["sub"])
    return named.select_related("user").first()


def _first_seen(claims: dict[str, Any]) -> OutsideAccount:
    email = _verified_email(claims)
    try:
        return _make(claims, email)
    except IntegrityError:  # another request of theirs was quicker, or somebody else's with the same address
        return _known(claims) or _make(claims, email)


def _make(claims: dict[str, Any], email: str) -> OutsideAccount:
    with transaction.atomic():
        user = _user_with(email) or _new_user(claims, email)
        return OutsideAccount.objects.create(issuer=claims["iss"], subject=claims["sub"], user=user)


def _verified_email(claims: dict[str, Any]) -> str:
    """Empty where the issuer does not vouch for it."""
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return ""
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= 254 else ""


def _user_with(email: str) -> Any | None:
    """The one account of that address. One of the staff is never taken over by an address: rights come by groups."""
    if not email:
        return None
    found = get_user_model().objects.filter(email__iexact=email, outside_accounts=None)[:2]
    return found[0] if len(found) == 1 and not found[0].is_staff else None


def _new_user(claims: dict[str, Any], email: str) -> Any:
    """Without a password. The name is the address, or made of what the issuer calls the person."""
    users = get_user_model().objects
    digest = hashlib.sha256(f"{claims['iss']} {claims['sub']}".encode()).hexdigest()
    name = email[:150]
    is_free = bool(name) and not users.filter(username__iexact=name).exists()
    return users.create_user(name if is_free else f"oidc-{digest[:32]}", email)


def _give_rights(account: OutsideAccount, claims: dict[str, Any]) -> None:
    """As the groups of the latest token say, and taken back as well. What staff gave in Admin is left as it is.

    Where the settings let groups decide, a token that names none is one of somebody who is in none.
    """
    user, groups = account.user, claims.get("groups")
    if user.is_staff and not account.rights:
        return
    if not isinstance(groups, list):
        if not (settings.OIDC_STAFF_GROUPS or settings.OIDC_ADMIN_GROUPS):
            return
        groups = []
    if any(group in settings.OIDC_ADMIN_GROUPS for group in groups):
        rights = Rights.ADMIN
    else:
        rights = Rights.STAFF if any(group in settings.OIDC_STAFF_GROUPS for group in groups) else Rights.NONE
    if rights == account.rights:
        return
    with transaction.atomic():
        account.rights = rights
        account.save(update_fields=["rights"])
        user.is_staff, user.is_superuser = rights != Rights.NONE, rights == Rights.ADMIN
        user.save(update_fields=["is_staff", "is_superuser"])
