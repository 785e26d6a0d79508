"""Transcribed again, words stay under the names of those who said them."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from meetings.models import ParticipantSession
from recordings.intake.register import submit_again
from recordings.models import Recording, Submission, Track
from recordings.transcription.processors import Result, Segment
from recordings.transcription.processors.labels import is_anonymous, label_of
from recordings.transcription.results import save_result
from tests.conftest import api_for
from tests.support.media import speech, track
from tests.support.meeting_reports import make_meeting
from tests.support.speech_service import PATH, SpeechService
from tests.support.stub_provider import Answer, StubProvider

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(room):
    return Recording.objects.create(
        platform="mock", meeting=make_meeting(room), state=Recording.State.DONE, provider_recording_id="r1"
    )


def heard(recording, *said):
    """Takes a result in which, one after the other, each of these (label, text) is said for two seconds."""
    segments = [Segment(2.0 * n, 2.0 * n + 1.9, label, text) for n, (label, text) in enumerate(said)]
    save_result(recording, Result("en", 60.0, segments))
    recording.refresh_from_db()


def shown(recording):
    """What the API shows: (name, text) of each."""
    answer = api_for(recording.transcript.user).get(
        f"/v1/transcripts/{recording.transcript.pk}", {"transcript_format": "json"}
    )
    return [(said["speaker_name"], said["text"]) for said in answer.json()["transcript"]]


def rename(recording, old, new):
    transcript = recording.transcript
    participant = transcript.participants.get(name=old)
    path = f"/v1/transcripts/{transcript.pk}/participants/{participant.pk}"
    assert api_for(transcript.user).patch(path, {"name": new}).status_code == 200


def name_number(recording, number, name):
    transcript = recording.transcript
    path = f"/v1/transcripts/{transcript.pk}/participants"
    assert api_for(transcript.user).post(path, {"name": name, "speaker": number}).status_code == 200


ADA, BO, CY = ("Ada", "I am Ada"), ("Bo", "I am Bo"), ("Cy", "I am Cy")

AGAIN = {
    "as before": [ADA, BO],
    "in another order": [BO, ADA],
    "with one more first": [CY, BO, ADA],
    "with one more in between": [ADA, CY, BO],
    "with the first one gone": [BO],
    "with the last one gone": [ADA],
    "with one gone and one new": [CY, BO],
    "with all others": [CY],
}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_names_that_a_result_gives_are_over_the_words_of_those_people(recording, again):
    heard(recording, ADA, BO)
    heard(recording, *again)
    assert shown(recording) == again
    assert {p.name for p in recording.transcript.participants.all()} == {name for name, _ in again}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize("who", ["Ada", "Bo"])
def test_a_name_that_somebody_gave_follows_that_voice(recording, again, who):
    heard(recording, ADA, BO)
    rename(recording, who, "Grace")
    heard(recording, *again)
    assert shown(recording) == [("Grace" if name == who else name, text) for name, text in again]


def test_who_was_gone_comes_back_under_the_name_that_somebody_gave(recording):
    heard(recording, ADA, BO)
    rename(recording, "Bo", "Grace")
    heard(recording, ADA, CY)
    heard(recording, BO, ADA)
    assert shown(recording) == [("Grace", "I am Bo"), ("Ada", "I am Ada")]


def test_voices_that_were_said_to_be_one_stay_one(recording):
    heard(recording, ADA, BO)
    transcript = recording.transcript
    bo, ada = transcript.participants.get(name="Bo"), transcript.participants.get(name="Ada")
    bo.delete()
    merged = api_for(transcript.user).patch(
        f"/v1/transcripts/{transcript.pk}/speaker/merge", {"speaker_from": bo.speaker, "speaker_to": ada.speaker}
    )
    assert merged.status_code == 200
    heard(recording, BO, CY, ADA)
    assert shown(recording) == [("Ada", "I am Bo"), ("Cy", "I am Cy"), ("Ada", "I am Ada")]


# Labels that say nothing


def test_a_voice_without_a_name_is_known_again_by_when_it_spoke(recording):
    """The labels of many services are in the order of first words: those of another model, in another."""
    heard(recording, ("SPEAKER_00", "one"), ("SPEAKER_01", "two"))
    rename(recording, "SPEAKER_00", "Ada")
    heard(recording, ("SPEAKER_01", "one"), ("SPEAKER_00", "two"))
    assert shown(recording) == [("Ada", "one"), ("SPEAKER_00", "two")]


def test_a_name_is_dropped_where_it_cannot_be_told_whose_it_is(recording):
    heard(recording, ("A", "one"), ("A", "two"), ("B", "three"))
    rename(recording, "A", "Ada")
    heard(recording, ("B", "one"), ("A", "two"), ("B", "three"))
    assert "Ada" not in [name for name, _ in shown(recording)]


def test_one_voice_without_any_label_keeps_its_name(recording):
    heard(recording, ("", "one"), ("", "two"))
    name_number(recording, 0, "Ada")
    heard(recording, ("", "one, better"), ("", "two"))
    assert shown(recording) == [("Ada", "one, better"), ("Ada", "two")]


def test_one_voice_that_turns_out_to_be_several_gives_its_name_to_the_one_that_spoke_most_or_to_none(recording):
    heard(recording, ("", "one"), ("", "two"))
    name_number(recording, 0, "Ada")
    heard(recording, ("A", "one"), ("B", "two"))
    assert [name for name, _ in shown(recording)] == ["A", "B"]


def test_several_voices_that_are_not_told_apart_any_more_are_nobodys(recording):
    heard(recording, ADA, BO)
    heard(recording, ("", "I am Ada"), ("", "I am Bo"))
    assert not {name for name, _ in shown(recording)} & {"Ada", "Bo"}


def test_of_a_transcript_from_before_labels_were_kept_the_names_are_known(recording):
    heard(recording, ADA, BO)
    type(recording.transcript).objects.update(voices={})
    heard(recording, CY, BO, ADA)
    assert shown(recording) == [CY, BO, ADA]


@pytest.mark.parametrize(
    "label", ["", "A", "b", "0", "12", "SPEAKER_00", "speaker 3", "spk_1", "S1", "A (2)", "unknown"]
)
def test_labels_that_name_nobody(label):
    assert is_anonymous(label)


@pytest.mark.parametrize("label", ["Ada", "Bo", "J. S.", "Agent", "Speaker of the House"])
def test_labels_that_are_names(label):
    assert not is_anonymous(label)


def test_labels_of_several_answers_are_told_apart():
    assert [label_of(label, answer) for answer in (0, 1) for label in ("A", "Ada", "")] == [
        "A",
        "Ada",
        "",
        "A (2)",
        "Ada",
        "",
    ]


# From the service and from tracks


@pytest.fixture
def stub(settings, recordings_folder):
    with StubProvider() as stub:
        settings.RECORDING_PROCESSORS = settings.RECORDING_PROCESSORS | {
            "openai": {
                "BACKEND": "recordings.transcription.processors.openai.OpenAIProcessor",
                "OPTIONS": {"api_url": f"{stub.url}/v1", "model": "m", "chunk_seconds": 6},
            }
        }
        settings.RECORDING_PROCESSOR = "openai"
        yield stub


def transcribe(recording):
    Recording.objects.filter(pk=recording.pk).update(state=Recording.State.STORED)
    recording.refresh_from_db()
    assert submit_again(recording)
    Submission.objects.update(next_attempt_at=timezone.now())
    Submission.run(Submission.objects.get().pk)
    recording.refresh_from_db()


def test_the_same_label_in_two_answers_is_not_one_person(stub, recording):
    """The first minutes' "A" and the next minutes' "A" are whoever spoke first in each."""
    recording.file = storages["recordings"].save("r1/file", ContentFile(track(*speech(0, 8, seconds=2))))
    recording.duration = 10.0
    recording.save()
    answer = {"text": "Hi.", "segments": [{"start": 0, "end": 2, "speaker": "A", "text": "Hi."}]}
    stub.on("POST", PATH, Answer(json=answer))
    transcribe(recording)
    assert [name for name, _ in shown(recording)] == ["A", "A (2)"]


def add_track(recording, session_id, offset, name=""):
    person = name and ParticipantSession.objects.create(
        meeting=recording.meeting, session_id=session_id, user_name=name
    )
    Track.objects.create(
        recording=recording,
        participant=person or None,
        session_id=session_id,
        medium="cam-audio",
        key=session_id,
        state=Track.State.STORED,
        offset=offset,
        file=storages["recordings"].save(f"r1/{session_id}", ContentFile(track(*speech(0, seconds=1)))),
        duration=1.0,
    )


@pytest.fixture
def in_tracks(stub, recording):
    SpeechService(stub)
    Recording.objects.update(kind=Recording.Kind.TRACKS)
    recording.refresh_from_db()
    add_track(recording, "one", 2.0)
    add_track(recording, "two", 4.0)
    transcribe(recording)
    return recording


def names_in_time(recording):
    return [
        (round(segment.start), name)
        for segment, (name, _) in zip(recording.transcript.segments.all(), shown(recording), strict=True)
    ]


def test_a_track_that_comes_late_takes_nobodys_name(in_tracks):
    assert names_in_time(in_tracks) == [(2, "Speaker 1"), (4, "Speaker 2")]
    rename(in_tracks, "Speaker 1", "Ada")
    add_track(in_tracks, "late", 0.0)
    transcribe(in_tracks)
    assert names_in_time(in_tracks) == [(0, "Speaker 3"), (2, "Ada"), (4, "Speaker 2")]


@pytest.mark.parametrize("renamed", ["", "Robert"])
def test_a_person_whose_name_becomes_known_is_still_the_same(in_tracks, renamed):
    if renamed:
        rename(in_tracks, "Speaker 2", renamed)
    bo = ParticipantSession.objects.create(meeting=in_tracks.meeting, session_id="two", user_name="Bo")
    in_tracks.tracks.filter(session_id="two").update(participant=bo)
    transcribe(in_tracks)
    assert names_in_time(in_tracks) == [(2, "Speaker 1"), (4, renamed or "Bo")]
    assert in_tracks.transcript.participants.count() == 2
