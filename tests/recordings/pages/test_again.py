"""Having a transcript written anew in another language, and what is said where it cannot be written."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from playwright.sync_api import expect

from platforms.exceptions import PlatformUnavailable
from recordings.models import Recording, Submission, Transcript, TranscriptEvent, Upload
from recordings.transcription.processors.base import PERCENT
from recordings.transcription.processors.whisper import (
    ENGLISH_ONLY,
    OTHER_LANGUAGE,
    UNCERTAIN,
    UNHEARD,
    UNKNOWN_LANGUAGE,
)
from recordings.transcription.submit import MODEL_MISSING, NOT_CONFIGURED
from tests.browser.chromium import chromium
from tests.browser.test_accessibility import TELEPHONE, overflow, serious_violations
from tests.recordings.pages.test_upload import send
from tests.support.media import media, silence, speech, track
from tests.support.speech_service import PATH, SpeechService
from tests.support.stub_provider import Answer, StubProvider
from tests.support.transcripts import make_meeting, make_transcript
from tests.support.visits import visitors

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]

State = Recording.State
WHISPER = "recordings.transcription.processors.whisper.WhisperProcessor"


@pytest.fixture
def service(settings):
    with StubProvider() as stub:
        service = SpeechService(stub)
        settings.RECORDING_PROCESSORS = {
            "openai": {
                "BACKEND": "recordings.transcription.processors.openai.OpenAIProcessor",
                "OPTIONS": {"api_url": service.url, "model": "m", "timeout": 5},
            },
            "english": {"BACKEND": WHISPER, "OPTIONS": {"model": "tiny.en"}},
            "null": {"BACKEND": "recordings.transcription.processors.null.NullProcessor"},
            "http": {
                "BACKEND": "recordings.transcription.processors.http.HttpProcessor",
                "OPTIONS": {"url": "", "secrets": []},
            },
        }
        settings.RECORDING_PROCESSOR = "openai"
        yield service


@pytest.fixture
def transcript(service, owner):
    """Of a meeting."""
    recording = Recording.objects.create(
        platform="mock",
        meeting=make_meeting(owner),
        state=State.PROCESSING,
        file=storages["recordings"].save("1/file", ContentFile(track(*speech(0)))),
        duration=2.0,
    )
    return make_transcript(owner, recording=recording, title="Budget", talk=[(0.0, 1.0, "", "Goot mohning.")])


def again(client, transcript, user=None, **fields):
    if user:
        client.force_login(user)
    return client.post(f"/transcripts/{transcript.pk}/again", fields, follow=True)


def page(client, transcript, user):
    client.force_login(user)
    return client.get(f"/transcripts/{transcript.pk}").content.decode()


def work():
    """What is to be transcribed is, however it ends."""
    Submission.objects.filter(state="waiting").update(next_attempt_at="2026-01-01T00:00:00Z")
    for job in Submission.objects.all():
        Submission.run(job.pk)


def test_the_owner_says_the_language_and_all_is_written_anew(client, owner, service, transcript):
    answer = again(client, transcript, owner, language="de").content.decode()
    assert "It is being transcribed again." in answer
    assert "Checked, waiting to be transcribed" in answer
    assert "Goot mohning." in answer  # until the new one is there
    assert TranscriptEvent.objects.filter(kind=TranscriptEvent.Kind.STATUS, value="uploaded").exists()
    work()
    assert [sent.fields["language"] for sent in service.sent] == ["de"]
    text = page(client, transcript, owner)
    assert "Something at 0.0." in text
    assert "Goot mohning." not in text
    assert '<option value="de" selected>German</option>' in text


def test_the_language_that_was_chosen_last_holds(client, owner, service, transcript):
    again(client, transcript, owner, language="de")
    work()
    again(client, transcript, owner, language="")
    work()
    assert [sent.fields.get("language") for sent in service.sent] == ["de", None]


def test_of_an_upload_it_takes_the_place_of_what_was_said_first(client, owner, service):
    send(client, owner, language="fr")
    transcript = Transcript.objects.get()
    work()
    assert '<option value="fr" selected>French</option>' in page(client, transcript, owner)
    again(client, transcript, owner, language="de")
    work()
    assert [sent.fields["language"] for sent in service.sent] == ["fr", "de"]


def test_what_was_kept_of_another_language_is_not_used(client, owner, service, transcript):
    """As after a failure half-way."""
    again(client, transcript, owner, language="fr")
    work()
    kept = {"0:0.0+2.5": ["fr", [[0, 1, "", "Bonjour.", []]]]}
    Submission.objects.update(checkpoint={**kept, "about": "another"})
    again(client, transcript, owner, language="de")
    work()
    assert len(service.sent) == 2
    assert "Bonjour." not in page(client, transcript, owner)


def test_only_the_owner_is_offered_it_and_may(client, owner, colleague, staff, transcript):
    Transcript.objects.update(share_mode="public")
    assert 'id="again"' in page(client, transcript, owner)
    for user in (colleague, staff):
        assert 'id="again"' not in page(client, transcript, user)
        assert again(client, transcript, user, language="de").status_code == 403
    client.logout()
    assert again(client, transcript).redirect_chain[-1][0].startswith("/login")
    client.force_login(owner)
    assert client.get(f"/transcripts/{transcript.pk}/again").status_code == 405
    assert Recording.objects.get().state == State.DONE


@pytest.mark.parametrize("language", ["xx", "de\x00", "German"])
def test_another_language_than_those_offered_changes_nothing(client, owner, transcript, language):
    answer = again(client, transcript, owner, language=language).content.decode()
    assert "Please choose one of the languages that are offered." in answer
    assert Recording.objects.get().state == State.DONE


@pytest.mark.parametrize(
    "values",
    [{"deleted_at": "2026-01-01T00:00:00Z"}, {"file": ""}, {"state": State.PROCESSING}, {"state": State.STORED}],
)
def test_it_is_not_offered_where_it_leads_to_nothing(client, owner, transcript, values):
    Recording.objects.update(**values)
    assert 'id="again"' not in page(client, transcript, owner)


def test_what_is_locked_or_has_no_audio_stays(client, owner, transcript):
    Transcript.objects.update(locked=True)
    assert 'id="again"' not in page(client, transcript, owner)
    assert "It is locked" in again(client, transcript, owner, language="de").content.decode()
    Transcript.objects.update(locked=False)
    Recording.objects.update(file="")
    assert "It cannot be transcribed again" in again(client, transcript, owner, language="de").content.decode()
    assert Transcript.objects.get().status == "ended"


def test_who_understands_nothing_offers_nothing_and_english_only_says_so(client, owner, transcript, settings):
    settings.RECORDING_PROCESSOR = "null"
    assert 'id="again"' not in page(client, transcript, owner)
    again(client, transcript, owner)
    assert Recording.objects.get().state == State.DONE
    settings.RECORDING_PROCESSOR = "english"
    text = page(client, transcript, owner)
    assert "This server writes down English only." in text
    assert 'id="id_language"' not in text


@pytest.mark.parametrize("note", [ENGLISH_ONLY, OTHER_LANGUAGE, UNCERTAIN, UNHEARD, UNKNOWN_LANGUAGE])
def test_each_note_that_another_choice_may_help_leads_to_it(client, owner, transcript, note):
    Transcript.objects.update(note=note)
    assert 'href="#again-form"' in page(client, transcript, owner)


def test_the_owner_is_led_from_the_note_to_the_languages(client, owner, colleague, transcript, settings):
    Transcript.objects.update(note=OTHER_LANGUAGE.format(heard="German", language="French"), share_mode="public")
    link = '<a href="#again-form">Choose the language and transcribe it again</a>'
    assert link in page(client, transcript, owner)
    assert '<details class="stack stack-small" id="again" open>' in page(client, transcript, owner)
    text = page(client, transcript, colleague)
    assert "The language seems to be German" in text
    assert link not in text
    settings.RECORDING_PROCESSOR = "english"
    assert link not in page(client, transcript, owner)  # there is no other to choose
    settings.RECORDING_PROCESSOR = "openai"
    Transcript.objects.update(note="The track of Ada is not there.")
    assert link not in page(client, transcript, owner)


# What becomes of files that cannot be written down


def upload(client, owner, content=None):
    send(client, owner, **({"content": content} if content else {}))
    return Transcript.objects.get()


@pytest.mark.parametrize(
    ("model", "package"), [("/srv/models/nowhere", "faster_whisper"), ("lost", "faster_whisper"), ("small", "nowhere")]
)
def test_a_model_that_is_not_there_or_cannot_be_loaded_is_said_without_its_folder(
    client, owner, settings, monkeypatch, model, package
):
    speech_model = str(settings.BASE_DIR / "tests/recordings/speech_model")
    monkeypatch.syspath_prepend(speech_model)
    monkeypatch.setenv("PYTHONPATH", speech_model)
    monkeypatch.setenv("LOADED", "/dev/null")
    monkeypatch.setattr("recordings.transcription.processors.whisper.PACKAGE", package)
    settings.RECORDING_PROCESSORS = {"whisper": {"BACKEND": WHISPER, "OPTIONS": {"model": model, "device": "cpu"}}}
    settings.RECORDING_PROCESSOR = "whisper"
    transcript = upload(client, owner)
    work()
    text = page(client, transcript, owner)
    assert MODEL_MISSING in text
    assert "Transcribing" not in text
    assert "/srv" not in text
    assert Submission.objects.get().last_error not in ("", MODEL_MISSING)  # for staff


def test_a_service_that_is_not_set_up_is_said_and_tried_again_by_hand(client, owner, service, settings):
    settings.RECORDING_PROCESSOR = "http"
    transcript = upload(client, owner)
    work()
    text = page(client, transcript, owner)
    assert NOT_CONFIGURED in text
    assert "RECORDING_PROCESSOR_URL" not in text
    settings.RECORDING_PROCESSOR = "openai"
    again(client, transcript, owner, language="de")
    work()
    assert "Something at 0.0." in page(client, transcript, owner)


def test_a_result_that_is_awaited_is_no_failure(client, owner, service, settings):
    options = {"url": f"{service.stub.url}/jobs", "secrets": ["secret"]}
    settings.RECORDING_PROCESSORS = {
        "http": {"BACKEND": "recordings.transcription.processors.http.HttpProcessor", "OPTIONS": options}
    }
    settings.RECORDING_PROCESSOR = "http"
    service.stub.on("POST", "/jobs", Answer(202))
    transcript = upload(client, owner)
    work()
    text = page(client, transcript, owner)
    assert "Transcribing<" in text
    assert "is tried again later" not in text


@pytest.mark.parametrize(
    ("percent", "words"),
    [(None, "Transcribing<"), (0, "Transcribing<"), (40, "Transcribing, 40 %<"), (100, "Transcribing<")],
)
def test_the_page_says_how_far_a_long_one_is(client, owner, percent, words):
    transcript = upload(client, owner)
    Recording.objects.update(state=State.PROCESSING)
    Transcript.objects.update(status="processing")
    Submission.objects.all().delete()
    checkpoint = {"0:0.0+600.0": ["en", []]} | ({} if percent is None else {PERCENT: percent})
    Submission.objects.create(recording=Recording.objects.get(), checkpoint=checkpoint)
    assert words in page(client, transcript, owner)


def test_a_service_that_fails_is_tried_again_and_the_page_says_so(client, owner, service):
    service.stub.on("POST", PATH, Answer(503))
    transcript = upload(client, owner)
    for left in reversed(range(Submission.MAX_ATTEMPTS)):
        with pytest.raises(PlatformUnavailable, match="transcription service"):
            work()
        text = page(client, transcript, owner)
        assert ("Transcribing failed, and is tried again later" in text) == (left > 0)
    text = page(client, transcript, owner)
    assert ">Failed<" in text
    assert "The transcription service failed" in text


@pytest.mark.parametrize(
    ("sounds", "answer", "note"),
    [
        ([silence(0, 3)], None, "Nothing was heard in it."),
        (speech(0), {"text": "", "segments": []}, "Sound was heard in it, but no speech: it may be music or noise."),
    ],
)
def test_silence_and_music_are_told_apart(client, owner, service, sounds, answer, note):
    if answer:
        service.stub.on("POST", PATH, Answer(json=answer))
    transcript = upload(client, owner, media("mp4", sounds))
    work()
    text = page(client, transcript, owner)
    assert note in text
    assert "Nothing was said" not in text  # which would be said twice, or be untrue
    assert "Not ready yet" not in text


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_by_keyboard(live_server, owner, transcript, scheme):
    with chromium(microphone=False) as browser, visitors(browser, live_server) as visit:
        shown = visit(f"/transcripts/{transcript.pk}", owner, color_scheme=scheme)
        shown.locator("#again summary").press("Enter")
        language = shown.get_by_label("Language")
        expect(language).to_be_visible()
        assert serious_violations(shown) == []
        shown.set_viewport_size(TELEPHONE)
        assert overflow(shown) <= 0
        shown.keyboard.press("Tab")
        expect(language).to_be_focused()
        shown.keyboard.type("Germ")
        shown.keyboard.press("Tab")
        expect(shown.get_by_role("button", name="Transcribe again")).to_be_focused()
        shown.keyboard.press("Enter")
        expect(shown.get_by_text("It is being transcribed again.")).to_be_visible()
        expect(shown.get_by_text("Checked, waiting to be transcribed")).to_be_visible()
        work()
        expect(shown.get_by_text("Something at 0.0.")).to_be_visible(timeout=30_000)
        expect(shown.get_by_text("It is being transcribed again.")).to_have_count(0)
    assert Submission.objects.get().language == "de"
    assert not Upload.objects.exists()
