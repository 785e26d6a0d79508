import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platforms.work import claims
from platforms.work.models import Job, JobQuerySet
from rooms.models.room import Room
from rooms.models.sealed import SealedTextField

OFF_AFTER = timedelta(days=5)  # of failures only


class Webhook(models.Model):
    """How the receiver of a room's events is doing; the address and the secret stand with the room."""

    room = models.OneToOneField(Room, on_delete=models.CASCADE, related_name="webhook")
    source = models.CharField(
        max_length=64, blank=True, default="", editable=False, help_text=_("Hash of the address.")
    )
    previous_secret = SealedTextField(null=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False, help_text=_("Signed with it as well until then."))
    served_at = models.DateTimeField(null=True, editable=False, help_text=_("When it was last its turn."))
    failures = models.PositiveIntegerField(default=0, help_text=_("In a row."))
    failing_since = models.DateTimeField(null=True, blank=True)
    resting_until = models.DateTimeField(null=True, editable=False, help_text=_("Nothing is sent before."))
    off_since = models.DateTimeField(null=True, blank=True)
    off_reason = models.TextField(blank=True, default="", help_text=_("Why nothing is sent any more."))

    def __str__(self) -> str:
        return f"webhook of {self.room}"

    @property
    def is_overdue(self) -> bool:
        return self.failing_since is not None and timezone.now() - self.failing_since >= OFF_AFTER


class WebhookDeliveryQuerySet(JobQuerySet):
    def run_again(self) -> int:
        """By hand: a receiver that rests is called at once."""
        Webhook.objects.filter(room__in=self.order_by().values("room")).update(resting_until=None)
        return super().run_again()


class WebhookDelivery(Job):
    """One event for the receiver of a room, tried for three days under the same id."""

    QUEUE: ClassVar[str] = "outbound"
    LINE: ClassVar[str] = "room webhooks"
    LEASE: ClassVar[timedelta] = timedelta(seconds=45)
    # 5 s, 10 s, 20 s, ... 8 h, 8 h: three days in all.
    MAX_ATTEMPTS: ClassVar[int] = 22
    FIRST_PAUSE: ClassVar[timedelta] = timedelta(seconds=5)
    LONGEST_PAUSE: ClassVar[timedelta] = timedelta(hours=8)
    SAVED_FIELDS: ClassVar[tuple[str, ...]] = ("log",)
    WATCHED: ClassVar[bool] = False  # whose server it is hears of it, not staff

    event_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="webhook_deliveries", db_index=False)
    event = models.CharField(max_length=64)
    subject = models.UUIDField(null=True, editable=False, help_text=_("Of what is told; deleted with it."))
    body = models.TextField(editable=False)
    log = models.JSONField(default=list, editable=False, help_text=_("What came of each attempt."))

    objects: ClassVar[Any] = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["room", "state", "next_attempt_at"], name="webhook_delivery_by_room"),
            models.Index(fields=["state", "next_attempt_at"], name="webhook_delivery_due"),
            models.Index(fields=["subject"], name="webhook_delivery_by_subject"),
            models.Index(fields=["created_at"], name="webhook_delivery_by_age"),
        ]

    def __str__(self) -> str:
        return gettext("{event} of {room}").format(event=self.event, room=self.room)

    def due_at(self, webhook: Webhook | None) -> datetime:
        """When it is sent at the earliest, as far as is known."""
        resting_until = webhook.resting_until if webhook else None
        return max(self.next_attempt_at, resting_until) if resting_until else self.next_attempt_at

    @classmethod
    def claim_next(cls) -> list[Self]:
        """The oldest row of the receiver that has waited longest for its turn.

        A receiver gets one event at a time, and of those that fail one at a time, so that neither one with many events
        nor one that does not answer keeps the others waiting.
        """
        now = timezone.now()
        with transaction.atomic():
            webhook = _due_webhooks(cls.rows(), now).select_for_update(skip_locked=True).first()
            if webhook is None:
                return []
            Webhook.objects.filter(pk=webhook.pk).update(served_at=now)
            return claims.claim(cls.rows().due(now).filter(room_id=webhook.room_id), 1)


def _due_webhooks(rows: JobQuerySet, now: datetime) -> models.QuerySet[Webhook]:
    mine: Any = rows.filter(room_id=OuterRef("room_id"))
    busy = mine.filter(state=Job.State.RUNNING, lease_until__gt=now)
    rested = models.Q(resting_until=None) | models.Q(resting_until__lte=now)
    webhooks = Webhook.objects.filter(rested & Exists(mine.due(now)) & ~Exists(busy))
    if Webhook.objects.filter(Exists(busy), failures__gt=0).exists():
        webhooks = webhooks.filter(failures=0)
    return webhooks.order_by(models.F("served_at").asc(nulls_first=True), "pk")
