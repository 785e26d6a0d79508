"""Whose things are: the accounts here that have the e-mail addresses of those there, made where there is none."""

import uuid
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from recordings.management.reflector.source import Row
from recordings.management.reflector.steps import LeftOut
from recordings.management.reflector.tally import Tally
from recordings.management.reflector.values import text
from rooms.invitations import accounts_with

GONE = "the account of whose it is, is not there any more: --owner NAME gives it to somebody"
TWO = "two accounts here have the e-mail address of whose it is"
LONGEST_EMAIL = 254


class People:
    def __init__(self, fallback: Any | None, is_dry_run: bool) -> None:
        self.tally = Tally("accounts")
        self._fallback, self._is_dry_run = fallback, is_dry_run
        self._known: dict[str, int | None] = {}  # address in small letters -> account; None: to be made
        self._counted: set[str] = set()

    def owner_of(self, row: Row) -> str:
        """The address of whose a row is, "" for the one to whom all goes that is nobody's. Raises LeftOut."""
        email = _usable(row["owner_email"])
        if not email:
            if self._fallback is None:
                raise LeftOut(GONE)
            return ""
        self.find(email)
        return email

    def find(self, email: str) -> int | None:
        """The account with that address. Raises LeftOut where that could be either of two."""
        key = email.lower()
        if key not in self._known:
            found = list(accounts_with(email).values_list("pk", flat=True)[:2])
            if len(found) > 1:
                raise LeftOut(TWO)
            self._known[key] = found[0] if found else None
        return self._known[key]

    def known(self, email: Any) -> int | None:
        """Of somebody who owns nothing: an account is not made for that."""
        try:
            return self.find(address) if (address := _usable(email)) else None
        except LeftOut:
            return None

    def account(self, email: str) -> int | None:
        """Made where there is none, without a password. None in a dry run for one that would be made."""
        if not email:
            assert self._fallback is not None  # noqa: S101  (see owner_of)
            return int(self._fallback.pk)
        pk = self.find(email)
        if email.lower() not in self._counted:
            self._counted.add(email.lower())
            self.tally.new += pk is None
            self.tally.here += pk is not None
        if pk is None and not self._is_dry_run:
            pk = self._known[email.lower()] = _make(email)
        return pk


def _usable(email: Any) -> str:
    address = text(email).strip()
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address if len(address) <= LONGEST_EMAIL else ""


def _make(email: str) -> int:
    users = get_user_model()._default_manager
    name = email[:150]
    is_free = not users.filter(username__iexact=name).exists()
    made: Any = get_user_model()(username=name if is_free else f"reflector-{uuid.uuid4().hex[:12]}", email=email)
    made.set_unusable_password()
    made.save()
    return int(made.pk)
