"""Secrets and addresses that are secrets, encrypted in the database under FIELD_ENCRYPTION_KEYS."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from rooms.keyring import WrongKey
from rooms.models import Room, WebhookDelivery
from tests.conftest import api_for
from tests.support.migrations import migrated

TEXTS = {
    "ics_url": "https://calendar.example.com/unspoken.ics",
    "webhook_url": "https://hooks.example.com/unspoken",
    "webhook_secret": "unspoken ü",
}


@pytest.fixture
def sealed(owner):
    room = Room.objects.create(name="standup", owner=owner, platform="mock", **TEXTS)
    return Room.objects.get(pk=room.pk)


@pytest.fixture
def other_key(settings):
    """As after somebody lost the key and made another."""

    def change(*also):
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *also]

    return change


def columns():
    with connection.cursor() as cursor:
        cursor.execute("SELECT ics_url, webhook_url, webhook_secret FROM rooms_room ORDER BY name")
        return [dict(zip(TEXTS, row, strict=True)) for row in cursor.fetchall()]


def read(room):
    return {name: getattr(room, name) for name in TEXTS}


def test_nothing_of_them_stands_in_the_database(sealed):
    [stored] = columns()
    assert all(value.startswith("fernet:") and "unspoken" not in value for value in stored.values())
    assert read(sealed) == TEXTS


@pytest.mark.parametrize("way", ["save", "update", "bulk_update", "bulk_create"])
def test_whatever_way_they_are_written(sealed, owner, way):
    match way:
        case "save":
            sealed.webhook_url = "https://new.example.com/unspoken"
            sealed.save(update_fields=["webhook_url"])
        case "update":
            Room.objects.update(webhook_url="https://new.example.com/unspoken")
        case "bulk_update":
            sealed.webhook_url = "https://new.example.com/unspoken"
            Room.objects.bulk_update([sealed], ["webhook_url"])
        case "bulk_create":
            Room.objects.all().delete()
            Room.objects.bulk_create(
                [Room(name="a", owner=owner, **TEXTS | {"webhook_url": "https://new.example.com/unspoken"})]
            )
    assert "unspoken" not in str(columns())
    assert Room.objects.get().webhook_url == "https://new.example.com/unspoken"


def test_what_is_empty_stays_empty_and_can_be_asked_for(sealed, owner):
    Room.objects.create(name="empty", owner=owner, webhook_url="", ics_url=None)
    assert columns()[0] == {"ics_url": None, "webhook_url": "", "webhook_secret": None}
    assert list(Room.objects.filter(webhook_url__gt="")) == [sealed]


def test_a_save_of_something_else_leaves_them_as_they_are(sealed, other_key):
    before = columns()
    assert read(sealed) == TEXTS
    other_key()
    room = Room.objects.get()
    room.is_shared = True
    room.save()
    assert columns() == before


def test_with_another_key_reading_fails_and_never_gives_what_is_stored(sealed, other_key):
    other_key()
    room = Room.objects.get()
    for name in TEXTS:
        with pytest.raises(WrongKey, match="FIELD_ENCRYPTION_KEYS"):
            getattr(room, name)
    assert "fernet" not in repr(list(Room.objects.values_list(*TEXTS)))


def test_with_another_key_meetings_open_and_events_are_kept(sealed, other_key):
    other_key()
    assert api_for().post("/v1/rooms/standup/meeting", {}).status_code == 200
    assert WebhookDelivery.objects.filter(event="meeting.started").exists()


def test_with_another_key_the_api_says_so_and_what_is_written_anew_can_be_read(sealed, other_key, owner, caplog):
    other_key()
    answer = api_for(owner).get(f"/v1/rooms/{sealed.pk}")
    assert (answer.status_code, "keys were changed" in answer.json()["detail"]) == (503, True)
    assert api_for().get("/v1/rooms/name/standup").status_code == 200
    answer = api_for(owner).patch(f"/v1/rooms/{sealed.pk}", TEXTS)
    assert answer.status_code == 200, answer.content
    assert read(Room.objects.get()) == TEXTS
    assert "unspoken" not in caplog.text


def test_keys_are_replaced_without_losing_anything(sealed, other_key, settings):
    other_key(*settings.FIELD_ENCRYPTION_KEYS)
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    assert "Encrypted with the first key: 1." in out.getvalue()
    settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS[:1]
    assert read(Room.objects.get()) == TEXTS
    changed_at = Room.objects.get().updated_at
    assert changed_at == sealed.updated_at


def test_replacing_keys_tells_what_no_key_opens(sealed, other_key):
    before = columns()
    other_key()
    err = StringIO()
    with pytest.raises(CommandError, match="1"):
        call_command("rotate_keys", stderr=err, stdout=StringIO())
    assert str(sealed.pk) in err.getvalue()
    assert columns() == before


@pytest.mark.django_db(transaction=True)
def test_what_was_stored_before_is_encrypted_and_can_be_brought_back(owner):
    with migrated("rooms", "0006_webhook_deliveries") as apps:
        old = apps.get_model("rooms", "Room")
        old.objects.create(name="full", owner_id=owner.pk, **TEXTS)
        old.objects.create(name="none", owner_id=owner.pk, webhook_url="")
    assert "unspoken" not in str(columns())
    assert read(Room.objects.get(name="full")) == TEXTS
    assert Room.objects.get(name="none").webhook_url == ""
    with migrated("rooms", "0006_webhook_deliveries"):
        assert columns()[0] == TEXTS
