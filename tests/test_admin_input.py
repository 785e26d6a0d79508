"""Whatever stands in an address of Admin, or is sent to it, is answered, never by a failure, and lets nobody guess."""

from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from meetings.opening import open_meeting
from platforms.admin.input import CarefulAdmin
from platforms.models import WebhookEvent
from recordings.models import Recording, Transcript
from rooms.models import ApiKey, Room

CLASSES = admin.site._registry  # by model
MODELS = [pytest.param(model, id=model._meta.label) for model in CLASSES]
GARBAGE = ["a\x00", "'(\\", "9" * 30, "-1", "abc", "🎉", "", "0001-01-01 00:00:00+14:00", "2025-02-30"]
TOO_LONG = ["b" * 60_000, "c " * 2000]
SHOWN_TO_NOBODY = {
    Room: ["webhook_secret", "ics_last_etag"],
    ApiKey: ["key_hash"],
    Recording: ["source_url"],
    WebhookEvent: ["lease_token", "body"],
}


@pytest.fixture
def client(client, staff):
    client.force_login(staff)
    return client


@pytest.fixture(autouse=True)
def _rows(owner, room):
    meeting = open_meeting(room)
    Recording.objects.create(meeting=meeting, platform="mock", provider_recording_id="rec-1", state="failed")
    Transcript.objects.create(user=owner, name="talk")
    ApiKey.issue(owner, "ci")


def address(model, view="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


def failures(client, addresses):
    """Those that are answered by a failure."""
    client.raise_request_exception = False
    return [each[:200] for each in addresses if client.get(each).status_code >= 500]


def filters_of(model):
    """The names by which the filters of a list read an address, and some more of the same fields."""
    lookups = ["", "__exact", "__gte", "__isnull", "__id__exact", "__regex"]
    filters = CLASSES[model].list_filter
    names = [item if isinstance(item, str) else item[0] for item in filters if not callable(item)]
    return [
        *(f"{name}{lookup}" for name in names for lookup in lookups),
        *(f.parameter_name for f in filters if callable(f)),
    ]


def test_every_class_of_admin_is_careful():
    assert [each for each in CLASSES.values() if not isinstance(each, CarefulAdmin)] == []


@pytest.mark.parametrize("model", MODELS)
def test_no_list_fails_by_what_its_filters_are_asked(client, model):
    names = [*filters_of(model), "q", "o", "p", "_to_field"]
    addresses = [f"{address(model)}?{name}={quote(value)}" for name in names for value in GARBAGE]
    addresses += [f"{address(model)}?q={quote(value)}" for value in TOO_LONG]
    assert failures(client, addresses) == []


@pytest.mark.parametrize("model", MODELS)
def test_a_list_is_asked_about_nothing_but_by_its_filters(client, model):
    filters = CLASSES[model].linked_lookups | set(filters_of(model))
    fields = [field.name for field in model._meta.get_fields() if not field.auto_created and not field.is_relation]
    for lookup in {f"{name}{end}" for name in fields for end in ("", "__startswith")} - filters:
        assert client.get(f"{address(model)}?{lookup}=a").status_code == 400, lookup


@pytest.mark.parametrize("model", SHOWN_TO_NOBODY)
def test_what_no_page_shows_cannot_be_guessed(client, model):
    for name in SHOWN_TO_NOBODY[model]:
        for lookup in ("", "__startswith", "__contains", "__gt", "__regex", "__isnull"):
            assert client.get(f"{address(model)}?{name}{lookup}=1").status_code == 400


def test_nor_what_belongs_to_a_row_of_another_table(client):
    for lookup in ("owner__password", "meetings__host_room_url__contains", "owner__api_keys__key_hash"):
        assert client.get(f"{address(Room)}?{lookup}=a").status_code == 400


def test_a_value_that_cannot_be_leads_to_the_whole_list_which_says_so(client):
    response = client.get(f"{address(Room)}?platform=%00")
    assert (response.status_code, response["Location"]) == (302, f"{address(Room)}?e=1")
    assert "There can be no such row" in client.get(response["Location"]).content.decode()


def test_what_completes_an_owner_never_fails(client):
    lookup = "/admin/autocomplete/?app_label=rooms&model_name=room&field_name=owner"
    texts = [quote(text) for text in GARBAGE + TOO_LONG]
    addresses = [*(f"{lookup}&term={text}" for text in texts), *(f"{lookup}&term=o&page={text}" for text in texts)]
    assert failures(client, [*addresses, *(f"/admin/autocomplete/?app_label={text}" for text in texts)]) == []


@pytest.mark.parametrize("model", MODELS)
def test_no_page_of_a_row_fails_by_its_key(client, model):
    keys = [quote(value) or "x" for value in GARBAGE]
    addresses = [address(model, view, key) for view in ("change", "history", "delete") for key in keys]
    kind = ContentType.objects.get_for_model(model).pk
    assert failures(client, [*addresses, *(f"/admin/r/{kind}/{key}/" for key in keys), "/admin/r/%00/x/"]) == []


FILLED_IN = {"rooms_room": ["owner", "platform", "logo"], "auth_user": ["groups"], "auth_group": ["permissions"]}


@pytest.mark.parametrize(("form", "names"), FILLED_IN.items())
def test_no_form_fails_by_what_an_address_fills_in(client, form, names):
    blank = reverse(f"admin:{form}_add")
    assert failures(client, [f"{blank}?{name}={quote(value)}" for name in names for value in GARBAGE]) == []


@pytest.mark.parametrize("value", GARBAGE)
def test_no_form_fails_by_what_is_sent(client, room, value):
    client.raise_request_exception = False
    fields = ["name", "owner", "platform", "room_mode", "recording_retention_days", "logo"]
    for where in (address(Room, "add"), address(Room, "change", room.pk)):
        assert client.post(where, dict.fromkeys(fields, value)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_an_action_is_done_to_rows_of_the_list_only(client, model):
    client.raise_request_exception = False
    for action in CLASSES[model].get_actions(client.get("/admin/").wsgi_request):
        for value in GARBAGE:
            sent = {"_selected_action": value, "action": action, "index": value, "select_across": value}
            assert client.post(address(model), sent).status_code < 500, (action, value)
