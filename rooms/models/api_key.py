"""The keys of programs, and what each may be used for."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

AREAS = ("rooms", "meetings", "recordings", "transcripts", "platforms", "rollout", "zulip")
SCOPES = tuple(f"{area}:{access}" for area in AREAS for access in ("read", "write"))


def known_scopes(scopes: Any) -> None:
    unknown = [scope for scope in scopes if scope not in SCOPES] if isinstance(scopes, list) else [scopes]
    if unknown:
        raise ValidationError(f"Unknown scope: {unknown[0]}. There are: {', '.join(SCOPES)}.")


class ApiKey(models.Model):
    """A long-lived credential for programs. Only its hash is kept; the key itself is shown once."""

    MOST = 100  # of one account
    USE_PRECISION = timedelta(minutes=1)  # so that a busy key costs no write for each request

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, null=True, blank=True)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        validators=[known_scopes],
        help_text=_("What it may be used for; empty: for all that its user may do."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: never."))
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text=_("To the minute."))

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name or str(self.id)

    @staticmethod
    def hash(key: str) -> str:
        """SHA-256 is enough: a key is 256 random bits, so there is nothing to guess slowly."""
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def issue(
        cls, user: Any, name: str | None, scopes: Iterable[str] = (), expires_at: datetime | None = None
    ) -> tuple["ApiKey", str]:
        key = secrets.token_urlsafe(32)
        fields = {"name": name, "scopes": list(scopes), "expires_at": expires_at}
        return cls.objects.create(user=user, key_hash=cls.hash(key), **fields), key

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def allows(self, area: str, *, writing: bool) -> bool:
        """Whoever may write in an area may read there."""
        return not self.scopes or f"{area}:write" in self.scopes or (not writing and f"{area}:read" in self.scopes)

    @property
    def is_use_to_note(self) -> bool:
        return self.last_used_at is None or self.last_used_at <= timezone.now() - self.USE_PRECISION

    def note_use(self) -> None:
        """One of several requests at the same time does."""
        now = timezone.now()
        not_noted = Q(last_used_at=None) | Q(last_used_at__lte=now - self.USE_PRECISION)
        ApiKey.objects.filter(not_noted, pk=self.pk).update(last_used_at=now)
