from django.conf import settings
from django.db import models


class ChosenLanguage(models.Model):
    """The one that somebody who was signed in chose for pages; their mails are in it as well."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chosen_language")
    code = models.CharField(max_length=16)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.code
