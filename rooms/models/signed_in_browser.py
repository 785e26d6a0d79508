from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class SignedInBrowser(models.Model):
    """Whose a session is, which the session itself tells only once it is read; gone with the session."""

    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="browser")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="browsers")
    label = models.CharField(max_length=60, blank=True, help_text=_("Such as Firefox on Linux."))
    since = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now, help_text=_("To ten minutes."))

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        """The label is stored in English."""
        browser, joined, system = (self.label or "A browser").partition(" on ")
        name = gettext("A browser") if browser == "A browser" else browser
        return gettext("%(browser)s on %(system)s") % {"browser": name, "system": system} if joined else name
