import uuid
from collections.abc import Iterable
from copy import copy
from typing import Any

from django.conf import settings
from django.core.validators import MaxLengthValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from platforms.handler import platform_choices
from platforms.listing import NEWEST_FIRST, Listing
from platforms.statements import StatementOfKeys
from rooms import names
from rooms.history import changer
from rooms.models.change import RoomRecord
from rooms.models.keeping import keep_changes
from rooms.models.sealed import SealedTextField, SealedURLField, is_set
from rooms.permissions import staff_may_change, staff_may_delete, staff_may_view
from rooms.webhooks.names import known_events
from rooms.webhooks.signing import new_secret


class RoomQuerySet(models.QuerySet["Room"]):
    def listed_for(self, user: Any) -> Listing["Room"]:
        """A person's own rooms and those that are shared; shared ones only for people who are not signed in."""
        if not user.is_authenticated:
            return Listing(self, [Room.objects.filter(is_shared=True)], NEWEST_FIRST)
        return self.listed_for_person(user.pk)

    def listed_for_person(self, user_id: int) -> Listing["Room"]:
        """The same of somebody who is signed in; their co-owners are not read with them."""
        rooms = Room.objects.order_by()
        shared_with = Room.co_owners.through.objects.filter(user=user_id).values("room")
        not_own = rooms.exclude(owner=user_id)
        parts = [
            rooms.filter(owner=user_id),
            not_own.filter(pk__in=shared_with),
            not_own.filter(is_shared=True).exclude(pk__in=shared_with),
        ]
        return Listing(self, parts, NEWEST_FIRST)

    def among_those_listed_for(self, user: Any) -> "RoomQuerySet":
        """The same as one queryset, to look for some of them or to order them in another way."""
        listed = models.Q(is_shared=True)
        if user.is_authenticated:
            shared_with = Room.co_owners.through.objects.filter(user=user).values("room")
            listed |= models.Q(owner=user) | models.Q(pk__in=shared_with)
        return self.filter(listed)

    def named(self, name: str) -> "RoomQuerySet":
        """The room of this name; capital letters do not count."""
        return self.alias(small_name=Lower("name")).filter(small_name=name.lower())

    def from_a_to_z(self) -> "RoomQuerySet":
        label = models.Case(models.When(title="", then=models.F("name")), default=models.F("title"))
        return self.order_by(Lower(label), "pk")

    def find(self, name: str) -> "Room | None":
        """The room of this name, or the one that had it last and was renamed."""
        if "\x00" in name:
            return None
        return self.named(name).first() or self.filter(former_names__name=name.lower()).first()

    def update(self, **values: Any) -> int:
        """What rooms were is kept, also where `bulk_update` changes them, which comes here."""
        tracked = [field.name for field in Room.history.model.tracked_fields]
        if not {name.removesuffix("_id") for name in values} & set(tracked):
            return super().update(**values)
        with transaction.atomic():
            before = {room.pk: room for room in self.order_by().select_related(None).only(*tracked)}
            updated = super().update(**values)
            after = Room.objects.filter(pk__in=before).only(*tracked)
            keep_changes(Room.history.model, ((before[room.pk], room) for room in after))
        return updated


class Room(models.Model):
    """A durable place where people meet. It has no provider room of its own: each meeting opens one."""

    class Mode(models.TextChoices):
        NORMAL = "normal", _("Normal")
        GROUP = "group", _("Group")

    class RecordingType(models.TextChoices):
        NONE = "none", _("None")
        LOCAL = "local", _("Local")
        CLOUD = "cloud", _("Cloud")

    class RecordingTrigger(models.TextChoices):
        NONE = "none", _("None")
        PROMPT = "prompt", _("Prompt")
        AUTOMATIC = "automatic", _("Automatic")
        AUTOMATIC_2ND_PARTICIPANT = "automatic-2nd-participant", _("Automatic 2Nd Participant")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=names.MAX_LENGTH,
        unique=True,
        validators=[names.url_safe, names.not_reserved],
        error_messages={"unique": _("Room name is not unique")},
    )
    title = models.CharField(
        max_length=names.MAX_TITLE_LENGTH,
        blank=True,
        default="",
        help_text=_("What people read, in any words and letters. Empty: the name."),
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rooms")
    co_owners = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="co_owned_rooms",
        help_text=_("They may do all that its owner may, but for deleting it and naming others."),
    )
    platform = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_index=True,
        choices=platform_choices,
        help_text=_("Leave empty for automatic: the rollout rules decide at each opening."),
    )
    never_elsewhere = models.BooleanField(
        default=False,
        help_text=_("While its platform may not be used, the room opens nowhere instead of on another one."),
    )
    is_locked = models.BooleanField(default=False, help_text=_("People knock, and a host lets them in."))
    room_mode = models.CharField(max_length=16, choices=Mode, default=Mode.NORMAL)
    recording_type = models.CharField(max_length=16, choices=RecordingType, default=RecordingType.CLOUD)
    recording_trigger = models.CharField(
        max_length=32, choices=RecordingTrigger, default=RecordingTrigger.AUTOMATIC_2ND_PARTICIPANT
    )
    is_shared = models.BooleanField(default=False, help_text=_("Listed for everybody, not only for its owner."))
    skip_consent = models.BooleanField(default=False, help_text=_("Do not ask people for consent to recording."))
    store_video = models.BooleanField(default=False, help_text=_("Keep the video besides the audio."))
    recording_retention_days = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Days until recordings are deleted. Empty: the default; 0: never.")
    )
    logo = models.ImageField(
        upload_to="logos/",
        blank=True,
        help_text=_("A PNG, at least 400 px wide, shown in the room where supported."),
    )
    email_transcript_to = models.TextField(null=True, blank=True)
    zulip_auto_post = models.BooleanField(default=False)
    zulip_stream = models.CharField(max_length=100, blank=True, default="")
    zulip_topic = models.CharField(max_length=100, blank=True, default="")
    ics_url = SealedURLField(max_length=2000, null=True, blank=True)
    ics_fetch_interval = models.PositiveIntegerField(
        default=300,
        validators=[MinValueValidator(1)],
        help_text=_("Seconds between two looks at the calendar; up to 60 it counts as minutes."),
    )
    ics_enabled = models.BooleanField(default=False)
    ics_all_events = models.BooleanField(
        default=False, help_text=_("Take all events of the calendar, not only those that hold the room's address.")
    )
    ics_last_sync = models.DateTimeField(null=True, blank=True, editable=False)
    ics_last_etag = models.TextField(null=True, blank=True, editable=False)
    calendar_secret = SealedTextField(null=True, editable=False, help_text=_("Of the link to the room's own calendar."))
    webhook_url = SealedURLField(max_length=2000, null=True, blank=True)
    webhook_secret = SealedTextField(null=True, blank=True, validators=[MaxLengthValidator(200)])
    webhook_participants = models.BooleanField(
        default=False, help_text=_("Tell the webhook also of each person who comes and goes.")
    )
    webhook_muted = models.JSONField(
        default=list, blank=True, validators=[known_events], help_text=_("Events that the webhook is not told of.")
    )
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RoomQuerySet.as_manager()
    # Without what only those who may change the room may see, and what looking at its calendar leaves behind.
    history = HistoricalRecords(
        bases=[RoomRecord],
        get_user=changer,
        history_change_reason_field=models.TextField(null=True),
        no_db_index=["name", "platform"],
        excluded_fields=[
            *("ics_url", "calendar_secret", "webhook_url", "webhook_secret", "email_transcript_to"),
            *("ics_last_sync", "ics_last_etag", "created_at", "updated_at"),
        ],
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="room_name_not_empty"),
            # People type addresses in any case.
            models.UniqueConstraint(
                Lower("name"), name="room_name_unique_in_any_case", violation_error_message=_("Room name is not unique")
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "created_at", "id"], name="room_by_owner"),
            # With the owner, as each person's own rooms are left out; so the index alone tells how many there are.
            models.Index(
                fields=["created_at", "id", "owner"], condition=models.Q(is_shared=True), name="room_shared_of_owner"
            ),
            models.Index(
                fields=["recording_retention_days"],
                condition=models.Q(recording_retention_days__isnull=False),
                name="room_by_retention",
            ),
            models.Index(fields=["id"], condition=models.Q(ics_enabled=True), name="room_with_calendar"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A webhook address always has a secret; one that is stored is never replaced behind its owner's back.

        What the room was is kept, where that is another now.
        """
        if self.has_webhook and not self.has_webhook_secret:
            self.webhook_secret = new_secret()
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "webhook_secret"}
        stored = None if self._state.adding else self._stored()
        if stored is None:
            with transaction.atomic():
                super().save(*args, **kwargs)
                self._take_name()
            return
        with transaction.atomic():
            self.skip_history_when_saving = True
            try:
                super().save(*args, **kwargs)
            finally:
                del self.skip_history_when_saving
            saved = self._as_saved(stored, kwargs.get("update_fields"))
            keep_changes(Room.history.model, [(stored, saved)])
            if saved.name.lower() != stored.name.lower():
                self._take_name(stored.name)

    def _take_name(self, before: str = "") -> None:
        """The name leads to this room alone, and so does the one that it had before."""
        FormerName.objects.filter(name=self.name.lower()).delete()
        if before:
            FormerName.objects.update_or_create(name=before.lower(), defaults={"room": self})

    def _stored(self) -> "Room | None":
        tracked = [field.name for field in Room.history.model.tracked_fields]
        return Room.objects.filter(pk=self.pk).only(*tracked).first()

    def _as_saved(self, stored: "Room", update_fields: Iterable[str] | None) -> "Room":
        if update_fields is None:
            return self
        saved = copy(stored)
        for name in update_fields:
            setattr(saved, name, getattr(self, name))
        return saved

    @property
    def label(self) -> str:
        """What people read."""
        return self.title or self.name

    @property
    def has_webhook(self) -> bool:
        return is_set(self, "webhook_url")

    @property
    def has_webhook_secret(self) -> bool:
        return is_set(self, "webhook_secret")

    @property
    def posts_to_zulip(self) -> bool:
        return bool(self.zulip_auto_post and self.zulip_stream and self.zulip_topic)

    def is_owned_by(self, user: Any) -> bool:
        return bool(user.is_authenticated and user.pk == self.owner_id)

    @cached_property
    def co_owner_ids(self) -> frozenset[int]:
        return frozenset(pair.user_id for pair in CO_OWNERS.rows([self.pk]))

    def is_run_by(self, user: Any) -> bool:
        """Whether a person is its owner or one of its co-owners."""
        return self.is_owned_by(user) or bool(user.is_authenticated and user.pk in self.co_owner_ids)

    def is_visible_to(self, user: Any) -> bool:
        """Whether a person may look at the room by its id, and learn why it opens where it does."""
        return self.is_run_by(user) or staff_may_view(user, Room)

    def is_editable_by(self, user: Any) -> bool:
        """Whether a person may change the room, and so sees its secrets."""
        return self.is_run_by(user) or staff_may_change(user, Room)

    def is_given_away_by(self, user: Any) -> bool:
        """Whether a person may name and remove its co-owners."""
        return self.is_owned_by(user) or staff_may_change(user, Room)

    def is_deletable_by(self, user: Any) -> bool:
        return self.is_owned_by(user) or staff_may_delete(user, Room)


# Who runs which of some rooms, without the accounts themselves.
CO_OWNERS = StatementOfKeys[Any](lambda keys: Room.co_owners.through.objects.filter(room__in=keys))


class FormerName(models.Model):
    """What a room was called before it was renamed, in small letters: its old address leads to it until another room
    takes the name.
    """

    name = models.CharField(max_length=names.MAX_LENGTH, primary_key=True)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="former_names")
    since = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name
