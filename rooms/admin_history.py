"""What rooms and the rollout were before, a line for each field that somebody changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from rooms.models import Room
from rooms.platform_change import choice_label

LISTED = 200  # records


@dataclass(frozen=True)
class Line:
    at: datetime
    by: Any
    what: str
    left: str
    chosen: str
    note: str
    change: Any


def lines_of_room(room: Room) -> list[Line]:
    """The newest first."""
    records = room.history.select_related("history_user", "change").order_by("-history_date", "-history_id")
    return [line for now, before in pairwise(records[: LISTED + 1]) for line in _lines(now, before)]


def _lines(now: Any, before: Any) -> Iterable[Line]:
    for field in type(now).tracked_fields:
        left, chosen = getattr(before, field.attname), getattr(now, field.attname)
        if left != chosen:
            what = str(field.verbose_name).capitalize()
            left, chosen = _in_words(field, left), _in_words(field, chosen)
            yield Line(
                now.history_date, now.history_user, what, left, chosen, now.history_change_reason or "", now.change
            )


def _in_words(field: Any, value: Any) -> str:
    if field.name == "platform":
        return choice_label(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return _("none") if value in (None, "") else str(value)
