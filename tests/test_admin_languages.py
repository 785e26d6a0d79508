"""Admin, and what models are called in it, in the reader's language; what is stored there stays English."""

import importlib

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.functional import Promise

from meetings.models import Meeting
from platforms.models import WebhookEvent
from recordings.models import Recording, Segment, Transcript
from rooms.admin_moves import fingerprint
from rooms.models import Change, Room
from rooms.rollout.decide import decide
from tests.support.catalogues import CATALOGUES, read
from tests.support.transcripts import make_meeting
from tests.test_languages import GERMAN

GIVEN_BY_DJANGO = {"ID"}
MODELS = [
    model
    for app in settings.TRANSLATED_APPS
    for model in apps.get_app_config(app).get_models()
    if not model.__name__.startswith("Historical")
]
ADMINS = [
    one for one in admin.site._registry.values() if type(one).__module__.split(".")[0] in settings.TRANSLATED_APPS
]


@pytest.fixture(scope="module")
def translated():
    found = set()
    for key in CATALOGUES:
        for message in read(*key):
            found.update(message.id if isinstance(message.id, tuple) else [message.id])
    return found


def texts_of(model):
    meta = model._meta
    yield from (meta.verbose_name, meta.verbose_name_plural)
    for field in (*meta.local_fields, *meta.local_many_to_many):
        yield from (field.verbose_name, field.help_text)
        if field.name != "platform" and not field.name.endswith("_platform"):
            yield from (label for _, label in field.flatchoices)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_all_texts_of_a_model_are_translated(model, translated):
    for text in filter(None, texts_of(model)):
        assert isinstance(text, Promise), text
        assert str(text) in translated | GIVEN_BY_DJANGO


@pytest.mark.parametrize("app", [app for app in settings.TRANSLATED_APPS if app != "config"])
def test_the_names_listed_for_the_catalogue_are_those_that_there_are(app):
    models = [model for model in MODELS if model._meta.app_label == app]
    assert {str(text) for model in models for text in texts_of(model)} >= importlib.import_module(
        f"{app}.model_names"
    ).NAMES


@pytest.mark.parametrize("one", ADMINS, ids=lambda one: one.opts.label)
@pytest.mark.django_db
def test_all_texts_of_a_page_of_admin_are_for_translation(one, staff):
    request = RequestFactory().get("/")
    request.user = staff
    said = [one.search_help_text, *(title for title, _ in one.get_fieldsets(request))]
    said += [inline.verbose_name_plural for inline in one.inlines if "verbose_name_plural" in vars(inline)]
    said += [getattr(one, name).short_description for name in one.actions if isinstance(name, str)]
    for name in (*one.get_list_display(request), *one.get_readonly_fields(request)):
        shown = getattr(one, name, None) if isinstance(name, str) else name
        said.append(getattr(shown, "short_description", None))
    assert [text for text in said if text and not isinstance(text, Promise)] == []


def shown(client, address):
    answer = client.get(address, headers=GERMAN)
    assert answer.status_code == 200
    markup = answer.content.decode()
    assert '<html lang="de"' in markup
    return markup


@pytest.mark.django_db
class TestPages:
    @pytest.fixture
    def client(self, staff):
        client = Client()
        client.force_login(staff)
        return client

    def test_the_first_page_and_its_sidebar(self, client, room):
        page = shown(client, "/admin/")
        for text in (
            "Wo Besprechungen jetzt öffnen",
            "Besprechungen",
            "Aufnahmen",
            "Aufträge",
            "Auslaufen lassen",
        ):
            assert text in page
        for text in ("Where meetings open now", "Background work", "Cordon"):
            assert text not in page

    def test_a_list(self, client, room):
        page = shown(client, "/admin/rooms/room/")
        for text in ("Raum hinzufügen", "Besitzer", "Öffnet auf", "Für diesen Raum gewählt.", "1 Raum"):
            assert text in page
        assert "Chosen for this room" not in page

    def test_a_form(self, client, room):
        page = shown(client, f"/admin/rooms/room/{room.pk}/change/")
        for text in (
            "Aufnahme und Zustimmung",
            "Ist abgeschlossen",
            "Personen klopfen an",
            "Automatisch ab der zweiten Person",
        ):
            assert text in page

    def test_a_meeting_and_a_recording(self, client, staff, room):
        meeting = make_meeting(staff, room)
        assert "Wie der Raum beim Öffnen eingestellt war" in shown(
            client, f"/admin/meetings/meeting/{meeting.pk}/change/"
        )
        recording = Recording.objects.create(meeting=meeting, platform="mock", provider_recording_id="1")
        page = shown(client, f"/admin/recordings/recording/{recording.pk}/change/")
        assert "Erneut transkribieren" in page
        assert "Gemeldet" in page

    def test_the_rollout_and_what_a_decision_would_mean(self, client, room):
        page = shown(client, "/admin/rooms/rollout/1/change/")
        for text in (
            "Noch hat niemand entschieden",
            "Zielplattform:",
            "Fehlgeschlagene Öffnungen",
            "Hauptschalter ist an",
        ):
            assert text in page
        address = f"/admin/rooms/room/{room.pk}/move/automatic/"
        assert "1 Raum bekommt eine andere eigene Plattform." in shown(client, address)

    def test_a_decision_is_stored_in_english(self, client, room):
        answer = client.post(
            f"/admin/rooms/room/{room.pk}/move/automatic/",
            {"_confirm": "yes", "seen": fingerprint(Room.objects.all())},
            headers=GERMAN,
        )
        assert answer.status_code == 302
        assert Change.objects.get().summary == "standup now following the rollout."
        with translation.override("de"):
            change = decide({"target_platform": "mock", "failover_allowed": False})
        assert change.summary == "Target platform from Daily to Mock; Failing over from on to off."

    def test_what_was_done_is_stored_in_english(self, client, staff, room):
        meeting = make_meeting(staff, room)
        recording = Recording.objects.create(
            meeting=meeting, platform="mock", provider_recording_id="1", state="failed"
        )
        sent = {"action": "fetch_again", "_selected_action": [str(recording.pk)]}
        page = client.post("/admin/recordings/recording/", sent, headers=GERMAN, follow=True).content.decode()
        assert "Wird erneut abgerufen: 1 Aufnahme." in page
        assert LogEntry.objects.get().change_message == "To be fetched again."

    def test_a_meeting_that_a_german_page_opens_says_in_english_why_there(self, room, owner):
        client = Client()
        client.force_login(owner)
        client.get(f"/{room.name}", headers=GERMAN)
        client.post(f"/{room.name}", headers=GERMAN)
        for meeting in Meeting.objects.all():
            assert meeting.platform_reason == "Chosen for this room."

    def test_background_work(self, client):
        WebhookEvent.objects.create(
            id="00000000-0000-0000-0000-000000000001", platform="mock", body=b"{}", state="failed"
        )
        page = shown(client, "/admin/background-work/")
        for text in ("Webhook-Ereignisse", "Braucht einen Blick", "Fehlgeschlagen", "Erneut ausführen"):
            assert text in page


@pytest.mark.django_db
def test_a_transcript_in_german(owner, room):
    transcript = Transcript.objects.create(name="standup", room=room, user=owner, source_kind="room", status="ended")
    Segment.objects.create(transcript=transcript, start=0, end=2, text="Hello there.")
    client = Client()
    client.force_login(owner)
    page = shown(client, f"/transcripts/{transcript.pk}")
    for text in ("Herunterladen", "Stimme 1", "Wer hat das gesagt?", "Es gibt keinen Ton zum Abspielen."):
        assert text in page
    api = client.get(f"/v1/transcripts/{transcript.pk}/topics/with-words", headers=GERMAN)
    assert "Stimme" not in api.content.decode()


@pytest.mark.django_db
def test_the_api_and_its_document_are_in_english(client, staff):
    client.force_login(staff)
    for address in ("/openapi.json", "/v1/rollout", "/v1/platforms"):
        german, english = (client.get(address, headers=headers) for headers in (GERMAN, {}))
        assert german.status_code == 200, address
        assert german.content == english.content
