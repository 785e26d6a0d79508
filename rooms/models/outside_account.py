from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class OutsideAccount(models.Model):
    """Who somebody is to an issuer of tokens, and the user that they are here."""

    class Rights(models.TextChoices):
        NONE = "", _("None")
        STAFF = "staff", _("Staff")
        ADMIN = "admin", _("Admin")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="outside_accounts")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    rights = models.CharField(
        max_length=8, choices=Rights, blank=True, default=Rights.NONE, help_text=_("Given here by the issuer's groups.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="one_account_per_subject")]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"
