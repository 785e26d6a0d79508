"""What a move to another platform means for a room: what is lost, what stays where it is, and what platforms can do."""

from typing import Any

from django.db.models import Q, TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import find_platform_client_class, get_available_platforms, platform_label, why_unavailable
from rooms.lost_features import lost_features
from rooms.models import Room
from rooms.selection import RolloutPolicy, Selection, select_for_room

AUTOMATIC = gettext_lazy("Automatic")  # the label of a room's platform when it has none of its own
# The state of a meeting that people can be in; meetings are not imported here, they import rooms.
LIVE = Q(meetings__state="live")

ABILITIES = {
    "supports_logo": gettext_lazy("Shows the room's logo"),
    "supports_locking": gettext_lazy("People can be made to knock"),
    "supports_presence": gettext_lazy("Says who is in the room"),
    "supports_closing": gettext_lazy("Rooms can be closed from here"),
    "supports_join_tokens": gettext_lazy("Lets people in by personal token"),
}
COUNTED: dict[str, Any] = {
    "room": ngettext_lazy("%(number)d room", "%(number)d rooms", "number"),
    "listed room": ngettext_lazy("%(number)d listed room", "%(number)d listed rooms", "number"),
    "meeting": ngettext_lazy("%(number)d meeting", "%(number)d meetings", "number"),
    "recording": ngettext_lazy("%(number)d recording", "%(number)d recordings", "number"),
}
VARIETIES: dict[str, tuple[Any, type[TextChoices]]] = {
    "room_modes": (gettext_lazy("Room modes"), Room.Mode),
    "recording_types": (gettext_lazy("Recording types"), Room.RecordingType),
    "recording_triggers": (gettext_lazy("Recording starts"), Room.RecordingTrigger),
}


def select_or_refusal(room: Room, policy: RolloutPolicy) -> Selection:
    """What the room opens on; platform "" with the reason where nothing can be opened."""
    try:
        return select_for_room(room, policy)
    except PlatformNotConfigured as error:
        return Selection("", str(error))


def choice_label(platform: str) -> str:
    """A room's own choice of platform, for people."""
    return platform_label(platform) if platform else str(AUTOMATIC)


def compare_platforms(room: Room | None = None) -> list[tuple[str, list[str]]]:
    """Rows of a table with a column for each platform; the first row holds the names."""
    names = get_available_platforms()
    classes = [find_platform_client_class(name) for name in names]
    rows = [
        (_("Platform"), [platform_label(name) for name in names]),
        (_("Meetings can open there"), [why_unavailable(name) or _("yes") for name in names]),
        *((str(words), [_yes_or_no(found, ability) for found in classes]) for ability, words in ABILITIES.items()),
        *(
            (str(words), [_variety(found, name, known) for found in classes])
            for name, (words, known) in VARIETIES.items()
        ),
    ]
    if room:
        rows.append((_("Lost by this room there"), [_lost(room, found) for found in classes]))
    return rows


def _yes_or_no(client_class: type[VideoPlatformClient] | None, attribute: str) -> str:
    if client_class is None:
        return _("unknown")
    return _("yes") if getattr(client_class, attribute) else _("no")


def _variety(client_class: type[VideoPlatformClient] | None, attribute: str, known: type[TextChoices]) -> str:
    """Known values in the order of the room's own choices, so that columns can be compared."""
    if client_class is None:
        return _("unknown")
    offered = getattr(client_class, attribute)
    return ", ".join(value for value in known.values if value in offered) or _("no")


def _lost(room: Room, client_class: type[VideoPlatformClient] | None) -> str:
    if client_class is None:
        return _("unknown")
    return "; ".join(lost_features(room, client_class)) or _("nothing")


def count_of(number: int, noun: str) -> str:
    return str(COUNTED[noun] % {"number": number})
