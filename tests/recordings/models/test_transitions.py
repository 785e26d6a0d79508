"""Which state of a recording may follow which, and that a change is made in one step or not at all."""

import pytest

from recordings.models import Recording
from recordings.models.transitions import MAY_FOLLOW, transition

STATES = sorted(Recording.State.values)

# Written by hand: what may become of a recording in each state, besides being deleted.
NEXT = {
    "reported": "fetching unmatched failed",
    "unmatched": "reported",
    "fetching": "fetching stored no_audio failed reported",
    "stored": "processing failed reported",
    "processing": "processing done failed stored",
    "done": "reported stored",
    "no_audio": "reported",
    "failed": "reported stored done",
}


def make(state, **fields):
    deleted_at = {"deleted_at": "2026-01-01T00:00:00Z"} if state == "deleted" else {}
    return Recording.objects.create(state=state, **deleted_at, **fields)


@pytest.mark.parametrize("after", STATES)
@pytest.mark.parametrize("before", STATES)
@pytest.mark.django_db
def test_a_state_follows_those_that_it_may_follow_and_no_other(before, after):
    recording = make(before)
    allowed = before != "deleted" and (after == "deleted" or after in NEXT[before].split())
    assert transition(recording, after) is allowed
    now = Recording.objects.get()
    assert now.state == recording.state == (after if allowed else before)


def test_every_state_can_be_reached():
    assert {str(state) for state in MAY_FOLLOW} == set(STATES)


@pytest.mark.django_db
def test_fields_are_set_with_the_state_or_not_at_all():
    recording = make("fetching")
    assert transition(recording, "stored", file="a.mp4", size=3)
    assert transition(recording, "unmatched", error="no") is False
    for known in (recording, Recording.objects.get()):
        assert (known.state, known.file, known.size, known.error) == ("stored", "a.mp4", 3, "")


@pytest.mark.django_db
def test_it_is_the_state_in_the_database_that_counts():
    late = make("fetching")
    transition(Recording.objects.get(), "deleted")
    assert late.state == "fetching"
    assert transition(late, "stored", file="late.mp4") is False
    assert (Recording.objects.get().state, Recording.objects.get().file) == ("deleted", "")


@pytest.mark.django_db
def test_what_is_deleted_says_when_and_when_it_was_changed_is_kept():
    recording = make("done")
    before = recording.updated_at
    transition(recording, "deleted")
    assert recording.deleted_at is not None
    assert recording.updated_at > before
    assert Recording.objects.get().deleted_at == recording.deleted_at
