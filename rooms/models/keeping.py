"""Keeping what rooms were, by whatever way they are saved. The library of history sees single rows only."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from rooms import history
from rooms.signals import platforms_changed


def keep_changes(record_class: type[Any], pairs: Iterable[tuple[Any, Any]]) -> None:
    """Write a record for each room that is another after than before; what is the same is no change."""
    names = [field.attname for field in record_class.tracked_fields]
    records = [
        _record(record_class, before, after, names)
        for before, after in pairs
        if any(getattr(before, name) != getattr(after, name) for name in names)
    ]
    record_class.objects.bulk_create(records)
    if moves := [record for record in records if record.moved]:
        platforms_changed.send(record_class, moves=moves)


def _record(record_class: type[Any], before: Any, after: Any, names: Iterable[str]) -> Any:
    doing = history.doing()
    return record_class(
        history_date=timezone.now(),
        history_type="~",
        history_user=doing.user,
        history_change_reason=doing.note or None,
        change=doing.change,
        left=before.platform,
        moved=before.platform != after.platform,
        **{name: getattr(after, name) for name in names},
    )
