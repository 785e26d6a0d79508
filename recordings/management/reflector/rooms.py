"""Rooms, with their webhook, calendar and recipients. What they may be is decided by the rules of the API."""

from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Model

from recordings.management.reflector.people import People
from recordings.management.reflector.source import Row, Source, Table
from recordings.management.reflector.steps import LeftOut, Step, is_other
from recordings.management.reflector.tally import Tally
from recordings.management.reflector.values import ROOM, moment, text
from rooms import history, names, zulip_settings
from rooms.api.serializers import ClientsRoomSerializer
from rooms.api.views import save_room
from rooms.models import FormerName, Room
from rooms.webhooks.names import EVENTS

NOTE = "Brought from Reflector"
RENAMED = "the name that they had: it is taken, or none for an address"
# The one event that its receivers know.
MUTED = [name for name in EVENTS if name != "transcript.completed"]
# What a room has as a whole or not at all.
TOGETHER = {
    "webhook": ("webhook_url", "webhook_secret", "webhook_muted"),
    "calendar": ("ics_url", "ics_enabled", "ics_fetch_interval"),
    "posting to Zulip": zulip_settings.FIELDS,
}
SAME = ("is_locked", "room_mode", "recording_type", "recording_trigger", "is_shared", "skip_consent", "store_video")
TEXTS = ("platform", "zulip_stream", "zulip_topic", "webhook_url", "webhook_secret", "ics_url", "email_transcript_to")


class Rooms(Step):
    kind = ROOM
    model: ClassVar[type[Model]] = Room
    table = Table(
        "room",
        "id name user_id created_at is_locked room_mode recording_type recording_trigger",
        "is_shared zulip_auto_post zulip_stream zulip_topic platform webhook_url webhook_secret ics_url "
        "ics_fetch_interval ics_enabled skip_consent email_transcript_to store_video",
    )
    order = ("created_at", "id")

    def __init__(self, source: Source, is_dry_run: bool, people: People) -> None:
        super().__init__(source, is_dry_run)
        self._people = people
        self._given: set[str] = set()  # names, in small letters
        self.parts = {"webhook": Tally("webhooks"), "calendar": Tally("calendars")}

    def also_read(self) -> list[str]:
        return [self.source.owner_email()]

    def label(self, row: Row) -> str:
        return text(row["name"])

    def plan(self, row: Row) -> tuple[ClientsRoomSerializer, dict[str, Any]]:
        email = self._people.owner_of(row)
        name = self._free_name(text(row["name"]))
        serializer = self._checked({**_settings(row), "name": name, "title": _title(row, name)}, row)
        self._given.add(name.lower())
        if name != (known := text(row["name"])):
            self.tally.lacking.add(RENAMED, f"{known} → {name}")
        for part, tally in self.parts.items():
            tally.new += TOGETHER[part][0] in serializer.validated_data
        extra = {"owner_id": self._people.account(email), "source": row}
        return serializer, extra

    def write(self, pk: UUID, plan: tuple[ClientsRoomSerializer, dict[str, Any]]) -> None:
        serializer, extra = plan
        row = extra.pop("source")
        with history.changed_by(None, NOTE):
            room = save_room(serializer, id=pk, **extra)
        if created_at := moment(row["created_at"]):
            Room.objects.filter(pk=pk).update(created_at=created_at)
        former = text(row["name"]).lower()
        if former != room.name.lower() and len(former) <= names.MAX_LENGTH and Room.objects.find(former) is None:
            FormerName.objects.create(name=former, room=room)

    def differs(self, stored: Any, row: Row) -> bool:
        serializer = self._checked({**_settings(row), "name": stored.name})
        return is_other(stored, serializer.validated_data)

    def _free_name(self, name: str) -> str:
        """As it is there, if it can be an address here and is free; else what comes nearest."""
        base = name if _is_usable(name) else names.address_of(name) or "room"
        tries = [base, *(f"{base[: names.MAX_LENGTH - 5]}-{number}" for number in range(2, 1000))]
        for wanted in tries:
            if _is_usable(wanted) and wanted.lower() not in self._given and Room.objects.find(wanted) is None:
                return wanted
        raise LeftOut("its name is taken, and so are those that come nearest")

    def _checked(self, data: dict[str, Any], row: Row | None = None) -> ClientsRoomSerializer:
        """With what of it the API would take; what it would not is noted for a row that is to come."""
        while True:
            serializer = ClientsRoomSerializer(data=data)
            if serializer.is_valid():
                return serializer
            field, errors = next(iter(serializer.errors.items()))
            part, fields = next((it for it in TOGETHER.items() if field in it[1]), (field, (field,)))
            if field == "name" or not data.keys() & set(fields):
                raise LeftOut(f"{field}: {errors[0]}")
            if row is not None and part in self.parts:
                self.parts[part].left_out.add(str(errors[0]), self.label(row))
            elif row is not None:
                self.tally.lacking.add(f"{part}: {errors[0]}", self.label(row))
            data = {key: value for key, value in data.items() if key not in fields}


def _settings(row: Row) -> dict[str, Any]:
    """Without what is not said, which is then as in a new room."""
    found = {name: row.get(name) for name in SAME} | {name: text(row.get(name)) for name in TEXTS}
    if found["webhook_url"]:
        found["webhook_muted"] = MUTED
    else:
        found["webhook_secret"] = None
    if found["ics_url"]:
        found |= {"ics_enabled": row.get("ics_enabled"), "ics_fetch_interval": row.get("ics_fetch_interval")}
    found["zulip_auto_post"] = row.get("zulip_auto_post")
    return {name: value for name, value in found.items() if value not in (None, "")}


def _title(row: Row, name: str) -> str:
    """What people knew it by, where that cannot be its name."""
    known = text(row["name"])
    return "" if known == name else known[: names.MAX_TITLE_LENGTH]


def _is_usable(name: str) -> bool:
    try:
        names.url_safe(name)
        names.not_reserved(name)
    except ValidationError:
        return False
    return 0 < len(name) <= names.MAX_LENGTH
