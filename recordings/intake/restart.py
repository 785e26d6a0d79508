"""Starting a recording over from where that helps: its meeting, its files or its transcript."""

from recordings.intake import register
from recordings.models import Recording

State = Recording.State

HANDED_OFF = frozenset({State.STORED, State.PROCESSING, State.DONE})
FETCHED = frozenset({State.REPORTED, State.FAILED, State.NO_AUDIO})


def what_helps(recording: Recording) -> str:
    """In a word or two; "" for a recording with which nothing can be done, or with which a worker is busy."""
    if recording.state == State.UNMATCHED:
        return "match"
    if recording.state in HANDED_OFF or (recording.state == State.FAILED and recording.file):
        return "transcribe"
    return "fetch" if recording.state in FETCHED else ""


def reprocess(recording: Recording) -> bool:
    """Do what helps. False when it could not be done, or when no meeting fits."""
    match what_helps(recording):
        case "match":
            return register.match_again(recording)
        case "transcribe":
            return register.submit_again(recording)
        case "fetch":
            return register.fetch_again(recording)
    return False
