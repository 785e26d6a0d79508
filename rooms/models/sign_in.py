"""What signing in leaves behind."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LoginAttempts(models.Model):
    """How often somebody tried to log in since `since`, from one address or at one account."""

    subject = models.CharField(primary_key=True, max_length=64, help_text=_("A hash of which address or account."))
    since = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.subject


class EndedToken(models.Model):
    """A bearer token that was logged out; kept until it would have ended by itself."""

    token_id = models.CharField(primary_key=True, max_length=32)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.token_id
