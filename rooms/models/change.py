"""What staff decided at once, and can take back at once."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Change(models.Model):
    """One decision: of the rollout, or of the platform of some rooms. The records of history that it made bear it."""

    class Kind(models.TextChoices):
        ROLLOUT = "rollout", _("Rollout")
        ROOMS = "rooms", _("Rooms")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind)
    summary = models.TextField(help_text=_("What it changed, as a sentence."))
    note = models.TextField(blank=True, default="", help_text=_("Why, in the words of who decided."))
    at = models.DateTimeField(default=timezone.now, db_index=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("Nobody: a guard of the plan, a shell or a command."),
    )
    via = models.CharField(max_length=32, blank=True, default="", help_text=_("What decided where nobody did."))
    undoes = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="undone_by")

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = "decision"

    def __str__(self) -> str:
        return self.summary


class ChangeRecord(models.Model):
    """A base of models of history: which decision made the record."""

    change = models.ForeignKey(Change, on_delete=models.SET_NULL, null=True, related_name="%(class)s_set")

    class Meta:
        abstract = True


class RoomRecord(ChangeRecord):
    """What a room was after a change, and whether that moved it: "" stands for automatic."""

    left = models.CharField(max_length=32, blank=True, default="", help_text=_("The room's own platform before."))
    moved = models.BooleanField(default=False)

    class Meta:
        abstract = True
