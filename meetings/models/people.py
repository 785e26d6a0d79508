"""Who was in a meeting, as its provider tells."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from meetings.models.meeting import Meeting
from meetings.models.moments import earliest, latest
from platforms.visible import visible


class ParticipantSession(models.Model):
    """One connection of one person, or bot, to a meeting, under the provider's own id.

    The methods merge what is told about it. Told again, or in another order, the same things give the same row.
    """

    # The fields that are merged.
    MERGED: ClassVar[tuple[str, ...]] = (
        *("user_id", "user_name", "named_at", "is_bot"),
        *("joined_at", "last_joined_at", "left_at", "left_is_observed"),
    )

    # The unique constraint's index begins with the meeting.
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="sessions", db_index=False)
    session_id = models.CharField(max_length=255)
    user_id = models.CharField(max_length=255, blank=True, default="")
    user_name = models.CharField(max_length=255, blank=True, default="")
    named_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_bot = models.BooleanField(default=False)
    joined_at = models.DateTimeField(null=True, blank=True)
    # Later than joined_at where a provider gives a person who comes back the same id.
    last_joined_at = models.DateTimeField(null=True, blank=True, editable=False)
    left_at = models.DateTimeField(null=True, blank=True)
    # left_at is when they were found gone; when they went is not known.
    left_is_observed = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["joined_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "session_id"], name="one_row_per_provider_session"),
        ]

    def __str__(self) -> str:
        return self.user_name or self.session_id

    @property
    def is_open(self) -> bool:
        return self.left_at is None

    def record_join(self, at: datetime) -> None:
        self.joined_at = earliest(self.joined_at, at)
        self.last_joined_at = latest(self.last_joined_at, at)
        if self.left_at and self.left_at < at:
            self._reopen()

    def record_leave(self, at: datetime) -> None:
        """The provider's own word, which replaces what was observed."""
        if self.last_joined_at and at < self.last_joined_at:
            return  # the end of an earlier stay
        self.left_at = at if self.left_is_observed else latest(self.left_at, at)
        self.left_is_observed = False

    def mark_present(self, at: datetime) -> None:
        if self.left_at and self.left_is_observed and self.left_at < at:
            self._reopen()

    def mark_absent(self, at: datetime) -> None:
        """Found gone, or the meeting is over."""
        if self.left_at is None:
            self.left_at = latest(self.last_joined_at, at)
            self.left_is_observed = True

    def set_name(self, user_id: str | None, user_name: str | None, at: datetime) -> None:
        """The newest name counts. An id does not change during a connection; were there two, the greater counts."""
        self.user_id = max(self.user_id, user_id or "")
        user_name = visible(user_name or "")
        if user_name and (self.named_at is None or (at, user_name) > (self.named_at, self.user_name)):
            self.user_name, self.named_at = user_name, at

    def state(self) -> tuple[Any, ...]:
        """All that can change; equal when there is nothing to save."""
        return self.user_id, self.user_name, self.joined_at, self.last_joined_at, self.left_at, self.left_is_observed

    def _reopen(self) -> None:
        self.left_at = None
        self.left_is_observed = False


def people_in(sessions: Iterable[ParticipantSession]) -> int:
    return sum(session.is_open and not session.is_bot for session in sessions)
