"""Starting a recording over from where that helps: its meeting, its files or its transcript."""

from django.db import transaction

from recordings import reporting
from recordings.models import HandOff, Recording
from recordings.states import advance

State = Recording.State

HANDED_OFF = frozenset({State.STORED, State.PROCESSING, State.DONE})
FETCHED = frozenset({State.REPORTED, State.FAILED, State.NO_AUDIO})


def what_helps(recording: Recording) -> str:
    """In a word or two; "" for a recording with which nothing can be done, or with which a worker is busy."""
    if recording.state == State.UNMATCHED:
        return "match"
    if recording.state in HANDED_OFF or (recording.state == State.FAILED and recording.file):
        return "hand off"
    return "fetch" if recording.state in FETCHED else ""


def reprocess(recording: Recording) -> bool:
    """Do what helps. False when it could not be done, or when no meeting fits."""
    match what_helps(recording):
        case "match":
            return reporting.match_again(recording)
        case "hand off":
            return hand_off_again(recording)
        case "fetch":
            return reporting.fetch_again(recording)
    return False


def hand_off_again(recording: Recording) -> bool:
    """Have a stored recording transcribed anew. False when it is not stored, or deleted."""
    with transaction.atomic():
        if recording.state != State.STORED and not advance(recording, State.STORED, error="", can_retry=False):
            return False
        hand_off, _ = HandOff.objects.get_or_create(recording=recording)
        HandOff.objects.filter(pk=hand_off.pk).run_again()
        hand_off.nudge_on_commit()
    return True
