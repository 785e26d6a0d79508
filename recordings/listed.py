"""The recordings that lists show to somebody, read by few statements that are written once."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet, prefetch_related_objects

from platforms.listing import Kept, Listing
from recordings.models import Recording, RecordingQuerySet, tracks
from rooms.permissions import staff_may_view


def _all_of_them(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    return recordings


class RecordingLists:
    """One kind of list, of whoever asks: `read` says what of each recording is read, `narrow` which are shown."""

    def __init__(
        self,
        read: Callable[[], RecordingQuerySet],
        narrow: Callable[[QuerySet[Recording]], QuerySet[Recording]] = _all_of_them,
    ) -> None:
        self._of_staff = Kept(lambda: read().all_listed().narrowed(narrow))
        self._of_person = Kept(
            lambda user_id: read().listed_for_person(user_id).narrowed(narrow),
            user_id=lambda: (get_user_model()._meta.pk, -7),
        )

    def of(self, user: Any) -> Listing[Recording]:
        """As `RecordingQuerySet.listed_for`; `read_tracks` is to be told of those that are shown."""
        return self._of_staff.of() if staff_may_view(user, Recording) else self._of_person.of(user_id=user.pk)


def read_tracks(recordings: Sequence[Recording]) -> None:
    prefetch_related_objects(recordings, tracks())
