"""The life of a recording: which state may follow which, and the only way to change it."""

from typing import Any

from django.utils import timezone

from recordings.models import Recording

State = Recording.State

# state -> the states that may come before it. Deleted has no way out; any other final one may be fetched again by hand.
MAY_FOLLOW: dict[str, frozenset[str]] = {
    State.REPORTED: frozenset(
        {State.FETCHING, State.UNMATCHED, State.FAILED, State.NO_AUDIO, State.DONE, State.STORED}
    ),
    State.UNMATCHED: frozenset({State.REPORTED}),
    State.FETCHING: frozenset({State.REPORTED, State.FETCHING}),
    State.STORED: frozenset({State.FETCHING, State.PROCESSING, State.FAILED, State.DONE}),
    State.NO_AUDIO: frozenset({State.FETCHING}),
    State.PROCESSING: frozenset({State.STORED, State.PROCESSING}),
    # A result that comes after it was given up is as good as any.
    State.DONE: frozenset({State.PROCESSING, State.FAILED}),
    State.FAILED: frozenset({State.REPORTED, State.FETCHING, State.STORED, State.PROCESSING}),
    State.DELETED: frozenset(set(State) - {State.DELETED}),
}


def transition(recording: Recording, state: str, **fields: Any) -> bool:
    """Move a recording to `state` and set `fields`, in one statement; False when it was in no state to be moved.

    So a worker that comes late, or a report of something deleted, changes nothing.
    """
    fields |= {"state": state, "updated_at": timezone.now()}
    if state == State.DELETED:
        fields.setdefault("deleted_at", timezone.now())
    if not Recording.objects.filter(pk=recording.pk, state__in=MAY_FOLLOW[state]).update(**fields):
        return False
    for name, value in fields.items():
        setattr(recording, name, value)
    return True
