"""Which platform automatic rooms open on, as staff decided; `rooms.rollout` says what becomes of it."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from platforms import revision
from platforms.handler import platform_choices
from rooms import history
from rooms.models.change import ChangeRecord
from rooms.models.room import Room


class Rollout(models.Model):
    """One row. While `decided_at` is null nobody decided anything, and the environment's variables hold."""

    ONLY = 1

    class OnBreach(models.TextChoices):
        PAUSE = "pause", _("Pause: no further room moves")
        STEP_BACK = "step-back", _("Go back to the stage before")

    switched_on = models.BooleanField(
        _("master switch"), default=False, help_text=_("While it is off, no meeting opens on the target platform.")
    )
    default_platform = models.CharField(max_length=32, choices=platform_choices)
    target_platform = models.CharField(max_length=32, choices=platform_choices)
    listed_rooms = models.ManyToManyField(
        Room, blank=True, related_name="+", help_text=_("Automatic rooms that go to the target platform by name.")
    )
    held_back_rooms = models.ManyToManyField(
        Room, blank=True, related_name="+", help_text=_("Automatic rooms that stay on the default platform.")
    )
    groups = models.ManyToManyField(
        Group, blank=True, related_name="+", help_text=_("Automatic rooms of these groups' people go first.")
    )
    percentage = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(100)],
        help_text=_("Of the other automatic rooms, which are in so far."),
    )
    failover_allowed = models.BooleanField(
        default=True, help_text=_("Open on another platform while the one that is wanted may not be used.")
    )
    failover_order = models.JSONField(default=list, blank=True, help_text=_("Names of platforms, the first one first."))
    stages = models.JSONField(
        default=list, blank=True, help_text=_("The plan: percentage, minimum_hours and minimum_meetings of each stage.")
    )
    guards = models.JSONField(default=dict, blank=True, help_text=_("What stops the plan, by the name of the guard."))
    on_breach = models.CharField(max_length=16, choices=OnBreach, default=OnBreach.PAUSE)
    stage = models.PositiveSmallIntegerField(default=0, help_text=_("Index of the stage that the rollout is at."))
    stage_began_at = models.DateTimeField(null=True, blank=True)
    watched_since = models.DateTimeField(
        null=True, blank=True, help_text=_("What happened before does not count for the guards.")
    )
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_because = models.TextField(blank=True, default="")
    standing = models.JSONField(
        default=dict, editable=False, help_text=_("How the plan stood when it was last looked at.")
    )
    environment = models.JSONField(
        default=dict, editable=False, help_text=_("What the variables said at the decision.")
    )
    decided_at = models.DateTimeField(null=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    version = models.PositiveIntegerField(default=0, editable=False, help_text=_("Counts decisions."))

    history = HistoricalRecords(
        bases=[ChangeRecord],
        get_user=history.changer,
        excluded_fields=["standing"],
        history_change_reason_field=models.TextField(null=True),
        m2m_fields=["listed_rooms", "held_back_rooms", "groups"],
    )

    class Meta:
        verbose_name_plural = _("rollout")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="rollout_only_one"),
            models.CheckConstraint(condition=models.Q(percentage__lte=100), name="rollout_percentage"),
        ]

    def __str__(self) -> str:
        return gettext("The rollout")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Every process hears of it at its next opening."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            revision.renew()
