"""The audit trail: what makes an entry, what is in it, and that nobody changes one."""

import importlib
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from config.audit.table import ACTS, NO_ENTRY
from meetings.opening import open_meeting
from platforms.audit import retention, trail
from platforms.models import AuditEntry
from recordings.models import Transcript
from rooms.models import ApiKey, Room
from tests.conftest import api_for, make_user
from tests.support.tables import table_away
from tests.support.transcripts import make_transcript

HOOK = {"webhook_url": "https://hooks.example.com/unspoken-hook", "webhook_secret": "unspoken-secret"}


def entries(**fields):
    found = AuditEntry.objects.filter(**fields).order_by("pk")
    return [(entry.person, entry.action, entry.kind, entry.object_id, entry.what) for entry in found]


def routes(resolver=None, prefix=""):
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path, pattern
        else:
            yield from routes(pattern, path)


# The table


def unsafe():
    """Each way of changing something by the API or on a page: by the names that the table has for it."""
    for path, pattern in routes():
        if not path.startswith("admin/"):
            for method in methods_of(pattern.callback) & {"POST", "PATCH", "PUT", "DELETE"}:
                yield f"{method} {path}", f"{method} {pattern.name}"


def methods_of(view):
    """Of classes, those that they have; of functions, what `require_POST` and its like let through."""
    if viewed := getattr(view, "view_class", getattr(view, "cls", None)):
        is_ours = not viewed.__module__.startswith("django.views")  # such as a redirect
        methods = {method for method in ("post", "patch", "put", "delete") if is_ours and hasattr(viewed, method)}
        # A form's page takes PUT as POST; no browser sends it.
        return {method.upper() for method in methods - ({"put"} if hasattr(viewed, "form_class") else set())}
    while view:
        captured = dict(zip(view.__code__.co_freevars, view.__closure__ or (), strict=True))
        if "request_method_list" in captured:
            return set(captured["request_method_list"].cell_contents)
        view = getattr(view, "__wrapped__", None)
    return set()


def test_every_way_of_changing_something_has_a_row():
    ways = list(unsafe())
    assert len(ways) > 40
    known = ACTS.keys() | NO_ENTRY.keys()
    assert [path for path, name in ways if not {path, name} & known] == []


def test_every_row_is_of_an_address_that_there_is():
    there = {path for path, _ in routes()} | {pattern.name for _, pattern in routes() if pattern.name}
    assert [row for row in ACTS.keys() | NO_ENTRY.keys() if row.partition(" ")[2] not in there] == []


def test_the_part_that_names_the_thing_is_a_part_of_the_address():
    patterns = {name: pattern for path, pattern in routes() for name in (path, pattern.name)}
    for row, act in ACTS.items():
        if act.key:
            assert act.key in patterns[row.partition(" ")[2]].pattern.regex.groupindex.keys() | set(
                patterns[row.partition(" ")[2]].pattern.converters
            ), row


# What is done by people


@pytest.mark.django_db
def test_what_an_owner_does_with_a_room_is_there_without_what_was_set(owner):
    api = api_for(owner)
    room = api.post("/v1/rooms", {"name": "audited", **HOOK}).json()
    api.patch(f"/v1/rooms/{room['id']}", {"ics_url": "https://calendar.example.com/unspoken.ics", "is_locked": True})
    assert api.patch(f"/v1/rooms/{room['id']}", {"is_locked": "perhaps"}).status_code == 422
    api.delete(f"/v1/rooms/{room['id']}")
    assert entries() == [
        ("owner", "created", "room", room["id"], ""),
        ("owner", "changed", "room", room["id"], ""),
        ("owner", "deleted", "room", room["id"], ""),
    ]
    changed = AuditEntry.objects.get(action="changed")
    assert changed.details == {"fields": ["ics_url", "is_locked"]}
    assert (changed.person_id, changed.via, changed.address) == (owner.pk, "api", "127.0.0.1")
    assert "unspoken" not in str(list(AuditEntry.objects.values()))


@pytest.mark.django_db
def test_reading_a_rooms_secrets_is_there_and_reading_a_room_without_any_is_not(owner, colleague, room):
    assert api_for(owner).get(f"/v1/rooms/{room.pk}").status_code == 200
    assert entries() == []
    Room.objects.filter(pk=room.pk).update(webhook_url="https://hooks.example.com/in")
    for user in (owner, colleague):
        api_for(user).get("/v1/rooms/name/standup")
    assert entries() == [("owner", "read", "secrets of a room", "standup", "")]


@pytest.mark.django_db
def test_reading_a_transcript_again_and_again_is_one_entry_a_person(owner, staff):
    transcript = make_transcript(owner, share_mode="semi-private")
    address = f"/v1/transcripts/{transcript.pk}"
    for user in (owner, owner, staff, owner):
        assert api_for(user).get(address).status_code == 200
    assert api_for(owner).get(f"/transcripts/{transcript.pk}").status_code == 200
    assert api_for().get(address).status_code in (401, 403)
    read = ("read", "transcript", str(transcript.pk), "")
    assert entries() == [("owner", *read), ("staff", *read)]
    trail.looks.forget()
    api_for(owner).get(address)
    assert len(entries()) == 3


@pytest.mark.django_db
def test_what_was_ended_deleted_and_restored(owner, room):
    meeting, transcript = open_meeting(room), make_transcript(owner)
    api = api_for(owner)
    assert api.patch(f"/v1/meetings/{meeting.pk}/deactivate").status_code == 200
    assert api.delete(f"/v1/transcripts/{transcript.pk}").status_code == 200
    assert api.post(f"/v1/transcripts/{transcript.pk}/restore").status_code == 200
    assert entries() == [
        ("owner", "ended", "meeting", str(meeting.pk), ""),
        ("owner", "deleted", "transcript", str(transcript.pk), ""),
        ("owner", "restored", "transcript", str(transcript.pk), ""),
    ]


@pytest.mark.django_db
def test_an_api_key_that_was_used_is_named(owner):
    key, secret = ApiKey.issue(owner, "cron")
    transcript = make_transcript(owner)
    api = api_for()
    assert api.get(f"/v1/transcripts/{transcript.pk}", HTTP_X_API_KEY=secret).status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.person, entry.api_key_id) == ("owner", str(key.pk))


@pytest.mark.django_db
def test_what_is_made_or_changed_by_a_page_is_named(client, owner):
    client.force_login(owner)
    for path, sent in (
        ("/new", {"title": "Weekly"}),
        ("/account/keys", {"name": "cron", "access": "everything"}),
        ("/account/profile", {"first_name": "Ada", "email": owner.email}),
    ):
        assert client.post(path, sent).status_code == 302, path
    assert entries() == [
        ("owner", "created", "room", str(Room.objects.get().pk), ""),
        ("owner", "created", "API key", str(ApiKey.objects.get().pk), ""),
        ("owner", "changed", "account", str(owner.pk), ""),
    ]


@pytest.mark.django_db
def test_opening_a_meeting_makes_none(owner, room):
    assert api_for(owner).post("/v1/rooms/standup/meeting", {}).status_code == 200
    assert entries() == []


# Admin


@pytest.mark.django_db
def test_what_staff_see_and_do_in_admin(staff, room):
    api = api_for(staff)
    change = f"/admin/rooms/room/{room.pk}/change/"
    assert api.get("/admin/rooms/room/").status_code == 200
    assert api.get(change).status_code == 200
    assert api.post(change, {"name": ""}, format="multipart").status_code == 200  # not taken
    colleague = make_user("leaving")
    chosen = {"action": "delete_selected", "_selected_action": [str(colleague.pk)]}
    group = {"name": "hosts"}
    assert api.post("/admin/auth/group/add/", group, format="multipart").status_code == 302
    assert api.post("/admin/rooms/apikey/", chosen, format="multipart").status_code in (200, 302, 400)
    assert entries(kind__in=["room", "group"]) == [
        ("staff", "read", "room", str(room.pk), ""),
        ("staff", "created", "group", str(Group.objects.get().pk), ""),
    ]
    assert {entry.via for entry in AuditEntry.objects.all()} == {"admin"}


@pytest.mark.django_db
def test_what_staff_make_in_a_window_that_another_form_opened_is_there(staff):
    made = api_for(staff).post("/admin/auth/group/add/", {"name": "hosts", "_popup": "1"}, format="multipart")
    assert made.status_code == 200
    assert entries() == [("staff", "created", "group", str(Group.objects.get().pk), "")]


@pytest.mark.django_db
def test_the_trail_is_shown_to_who_may_see_it_and_changed_by_nobody(staff, owner):
    AuditEntry.objects.create(person="owner", via="api", action="deleted", kind="room", object_id="r-1")
    api = api_for(staff)
    for query in ("", "?kind=room", "?action__exact=deleted", "?via__exact=api", "?q=owner", "?q=r-1"):
        page = api.get(f"/admin/platforms/auditentry/{query}")
        assert (page.status_code, "r-1" in page.content.decode()) == (200, True), query
    assert "r-1" not in api.get("/admin/platforms/auditentry/?q=r").content.decode().partition("result_list")[2]
    pk = AuditEntry.objects.get(object_id="r-1").pk
    address = f"/admin/platforms/auditentry/{pk}"
    assert api.get(f"{address}/change/").status_code == 200
    assert api.post(f"{address}/change/", {"kind": "x"}, format="multipart").status_code == 403
    assert api.post(f"{address}/delete/", {"post": "yes"}, format="multipart").status_code == 403
    assert api_for(make_user("clerk", is_staff=True)).get("/admin/platforms/auditentry/").status_code == 403


# Nobody changes it


@pytest.fixture
def entry(db):
    return AuditEntry.objects.create(via="api", action="read", kind="room", at=timezone.now() - timedelta(days=29))


def test_the_code_cannot_change_or_delete_one(entry):
    for change in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(kind=""),
    ):
        with pytest.raises(TypeError, match="only added to"):
            change()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE platforms_auditentry SET kind = ''",
        "DELETE FROM platforms_auditentry",
        "SET LOCAL audit.pruning = 'on'; DELETE FROM platforms_auditentry",
        "SET LOCAL audit.truncating = 'off'; TRUNCATE platforms_auditentry",
    ],
)
@pytest.mark.usefixtures("entry")
def test_postgresql_refuses_it_whoever_asks(statement):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's tables have no such triggers: whoever can write the file can write all of it")
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.count() == 1


def test_what_is_old_goes_by_the_one_way_there_is(entry, settings, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for days in (31, 400, 731, 732, 900):
        AuditEntry.objects.create(via="api", action="read", kind="room", at=timezone.now() - timedelta(days=days))
    settings.AUDIT_RETENTION_DAYS = 0
    assert retention.prune() == 0
    settings.AUDIT_RETENTION_DAYS = 730
    assert retention.prune() == 3
    settings.AUDIT_RETENTION_DAYS = 1  # never so few
    assert retention.prune() == 2
    assert AuditEntry.objects.get().pk == entry.pk


def test_the_least_age_is_the_same_in_the_trigger():
    migration = importlib.import_module("platforms.migrations.0008_audit_trail")
    assert f"interval '{retention.LEAST_DAYS} days'" in migration.POSTGRESQL[0]


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_written_is_in_the_log_and_stops_nobody(owner, caplog):
    transcript = make_transcript(owner)
    with table_away(AuditEntry):
        assert api_for(owner).get(f"/v1/transcripts/{transcript.pk}").status_code == 200
    assert (
        f"audit_not_written error=OperationalError person={owner.pk}" in caplog.text
        or "audit_not_written" in caplog.text
    )
    api_for(owner).get(f"/v1/transcripts/{transcript.pk}")
    assert len(entries(action="read")) == 1
    assert Transcript.objects.filter(pk=transcript.pk).exists()
