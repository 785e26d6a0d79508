"""Every address at which somebody changes something, or reads what not everybody may read, and what its entry says.

`tests/test_audit.py` finds addresses that are missing here. Admin's are told by their names; see `admin_act`.
"""

from dataclasses import dataclass
from typing import Any

from platforms.models import AuditEntry

Action = AuditEntry.Action


@dataclass(frozen=True)
class Act:
    """`key` names the part of the address that says which one; else the view does (`trail.concerns`), or the answer's
    `id`, or of an account, who is signed in.
    """

    action: str
    kind: str
    key: str = ""
    what: str = ""
    is_look: bool = False  # the same again within some minutes makes no further entry
    only_secrets: bool = False  # an entry only where the answer holds a secret


def read(kind: str, key: str, what: str = "", only_secrets: bool = False) -> Act:
    return Act(Action.READ, kind, key, what, is_look=True, only_secrets=only_secrets)


def changed(kind: str, key: str, what: str = "") -> Act:
    return Act(Action.CHANGED, kind, key, what)


ROOM, MEETING, TRANSCRIPT, RECORDING, ACCOUNT = "room", "meeting", "transcript", "recording", "account"
API_KEY, SECRETS, ROLLOUT = "API key", "secrets of a room", "rollout"
KINDS = (ROOM, SECRETS, MEETING, TRANSCRIPT, RECORDING, ACCOUNT, API_KEY, ROLLOUT)

# Method and path, or name of the view, of the pages and the API.
ACTS: dict[str, Act] = {
    "POST v1/user/api-keys": Act(Action.CREATED, API_KEY),
    "DELETE v1/user/api-keys/<str:key_id>": Act(Action.DELETED, API_KEY, "key_id"),
    "PATCH v1/rollout": changed(ROLLOUT, ""),
    "GET v1/rooms": read(SECRETS, "", "list", only_secrets=True),
    "POST v1/rooms": Act(Action.CREATED, ROOM),
    "GET v1/rooms/<str:room_id>": read(SECRETS, "room_id", only_secrets=True),
    "GET v1/rooms/name/<str:room_name>": read(SECRETS, "room_name", only_secrets=True),
    "PATCH v1/rooms/<str:room_id>": changed(ROOM, "room_id"),
    "DELETE v1/rooms/<str:room_id>": Act(Action.DELETED, ROOM, "room_id"),
    "POST v1/rooms/<str:room_name>/ics/sync": changed(ROOM, "room_name", "calendar read"),
    "GET v1/rooms/<str:room_name>/calendar-link": read(SECRETS, "room_name", "calendar link"),
    "POST v1/rooms/<str:room_name>/calendar-link": changed(SECRETS, "room_name", "calendar link"),
    "DELETE v1/rooms/<str:room_name>/calendar-link": Act(Action.DELETED, SECRETS, "room_name", "calendar link"),
    "POST v1/rooms/<str:room_id>/webhook/test": Act(Action.SENT, ROOM, "room_id", "webhook, test"),
    "POST v1/rooms/<str:room_id>/webhook/rotate-secret": changed(SECRETS, "room_id", "webhook secret"),
    "POST v1/rooms/<str:room_id>/webhook/deliveries/send-again": Act(Action.SENT, ROOM, "room_id", "webhook, again"),
    "POST v1/rooms/<str:room_id>/webhook/deliveries/<str:delivery_id>/send-again": Act(
        Action.SENT, ROOM, "room_id", "webhook, again"
    ),
    "PATCH v1/meetings/<str:meeting_id>/deactivate": Act(Action.ENDED, MEETING, "meeting_id"),
    "POST v1/meetings/<str:meeting_id>/consent": changed(MEETING, "meeting_id", "consent"),
    "POST v1/meetings/<str:meeting_id>/email-recipient": changed(MEETING, "meeting_id", "e-mail recipients"),
    "POST v1/meetings/<str:meeting_id>/recordings/start": Act(Action.CREATED, RECORDING, "meeting_id", "of a meeting"),
    "POST v1/transcripts": Act(Action.CREATED, TRANSCRIPT),
    "GET v1/transcripts/search": read(TRANSCRIPT, "", "search"),
    "GET v1/transcripts/<str:transcript_id>": read(TRANSCRIPT, "transcript_id"),
    "PATCH v1/transcripts/<str:transcript_id>": changed(TRANSCRIPT, "transcript_id"),
    "DELETE v1/transcripts/<str:transcript_id>": Act(Action.DELETED, TRANSCRIPT, "transcript_id"),
    "GET v1/transcripts/<str:transcript_id>/events": read(TRANSCRIPT, "transcript_id", "live"),
    "POST v1/transcripts/<str:transcript_id>/restore": Act(Action.RESTORED, TRANSCRIPT, "transcript_id"),
    "DELETE v1/transcripts/<str:transcript_id>/destroy": Act(Action.DELETED, TRANSCRIPT, "transcript_id", "for good"),
    "GET v1/transcripts/<str:transcript_id>/audio/mp3": read(RECORDING, "transcript_id", "audio of a transcript"),
    "GET v1/transcripts/<str:transcript_id>/video/url": read(RECORDING, "transcript_id", "video of a transcript"),
    "GET v1/transcripts/<str:transcript_id>/download/zip": read(TRANSCRIPT, "transcript_id", "all files"),
    "POST v1/transcripts/<str:transcript_id>/record/upload": Act(
        Action.CREATED, RECORDING, "transcript_id", "upload to a transcript", is_look=True
    ),
    "POST v1/transcripts/<str:transcript_id>/record/webrtc": Act(
        Action.CREATED, RECORDING, "transcript_id", "upload to a transcript", is_look=True
    ),
    "POST v1/transcripts/<str:transcript_id>/process": changed(TRANSCRIPT, "transcript_id", "transcribed again"),
    "POST v1/transcripts/<str:transcript_id>/email": Act(Action.SENT, TRANSCRIPT, "transcript_id", "e-mail"),
    "POST v1/transcripts/<str:transcript_id>/zulip": Act(Action.SENT, TRANSCRIPT, "transcript_id", "Zulip"),
    "GET v1/transcripts/<str:transcript_id>/topics": read(TRANSCRIPT, "transcript_id", "topics"),
    "GET v1/transcripts/<str:transcript_id>/topics/with-words": read(TRANSCRIPT, "transcript_id"),
    "GET v1/transcripts/<str:transcript_id>/topics/<str:topic_id>/words-per-speaker": read(TRANSCRIPT, "transcript_id"),
    "POST v1/transcripts/<str:transcript_id>/participants": changed(TRANSCRIPT, "transcript_id", "speakers"),
    "PATCH v1/transcripts/<str:transcript_id>/participants/<str:participant_id>": changed(
        TRANSCRIPT, "transcript_id", "speakers"
    ),
    "DELETE v1/transcripts/<str:transcript_id>/participants/<str:participant_id>": changed(
        TRANSCRIPT, "transcript_id", "speakers"
    ),
    "PATCH v1/transcripts/<str:transcript_id>/speaker/assign": changed(TRANSCRIPT, "transcript_id", "speakers"),
    "PATCH v1/transcripts/<str:transcript_id>/speaker/merge": changed(TRANSCRIPT, "transcript_id", "speakers"),
    "GET v1/recordings/<str:recording_id>": read(RECORDING, "recording_id"),
    "POST account-profile": changed(ACCOUNT, ""),
    "POST account-email": changed(ACCOUNT, "", "e-mail address"),
    "POST account-key-add": Act(Action.CREATED, API_KEY),
    "POST account-key-revoke": Act(Action.DELETED, API_KEY, "key_id"),
    "POST account-browser-sign-out": changed(ACCOUNT, "", "a browser signed out"),
    "POST account-browsers-sign-out": changed(ACCOUNT, "", "other browsers signed out"),
    "POST password-reset": Act(Action.SENT, ACCOUNT, "", "link for a new password", is_look=True),
    "POST new-password": changed(ACCOUNT, "", "password, by a link"),
    "POST password": changed(ACCOUNT, "", "password"),
    "POST second-factor": changed(ACCOUNT, "", "second factor, on"),
    "POST second-factor-off": changed(ACCOUNT, "", "second factor, off"),
    "POST second-factor-codes": changed(ACCOUNT, "", "recovery codes"),
    "POST invitation": Act(Action.CREATED, ACCOUNT, "", "by an invitation"),
    "POST upload": Act(Action.CREATED, RECORDING, "", "upload to a transcript"),
    "POST new-room": Act(Action.CREATED, ROOM),
    "GET room-settings": read(SECRETS, "room_name", "page"),
    "POST room-action": changed(ROOM, "room_name"),
    "GET room-meeting": read(MEETING, "meeting_id", "people and answers"),
    "GET room-meeting-answers": read(MEETING, "meeting_id", "answers as a file"),
    "POST room-meeting-refusals": changed(MEETING, "meeting_id", "consent"),
    "GET search": read(TRANSCRIPT, "", "search"),
    "GET transcript": read(TRANSCRIPT, "transcript_id"),
    "GET transcript-download": read(TRANSCRIPT, "transcript_id", "download"),
    "GET transcript-part": read(TRANSCRIPT, "transcript_id"),
    "GET transcript-places": read(TRANSCRIPT, "transcript_id"),
    "GET transcript-find": read(TRANSCRIPT, "transcript_id"),
    "GET transcript-corrections": read(TRANSCRIPT, "transcript_id"),
    "POST transcript-corrections": changed(TRANSCRIPT, "transcript_id", "words"),
    "POST transcript-correct": changed(TRANSCRIPT, "transcript_id", "words"),
    "POST transcript-speaker": changed(TRANSCRIPT, "transcript_id", "speakers"),
    "POST transcript-again": changed(TRANSCRIPT, "transcript_id", "transcribed again"),
    "POST transcript-restore": Act(Action.RESTORED, TRANSCRIPT, "transcript_id"),
    "POST transcript-destroy": Act(Action.DELETED, TRANSCRIPT, "transcript_id", "for good"),
    "POST recording-retry": changed(RECORDING, "recording_id", "fetched again"),
}

# What is changed there is kept elsewhere, or is nothing that anybody would ask about.
NO_ENTRY = {
    "POST v1/auth/login": "rooms/sign_in_entries.py makes the entry, as it knows whose account is meant",
    "POST v1/auth/logout": "as for the login",
    "POST v1/rooms/<str:room_name>/meeting": "the meeting itself is kept",
    "POST v1/rooms/<str:room_name>/meetings/<str:meeting_id>/join": "the people of a meeting are kept with it",
    "POST open-instead": "the meeting itself is kept",
    "POST v1/recordings/<uuid:recording_id>/result": "a transcriber sends it",
    "POST login": "as by the API",
    "POST language": "which language somebody reads is no concern of others",
    "POST login-code": "as by the API",
    "POST logout": "as by the API",
}

# The last part of a name of Admin -> what was done there by POST.
_ADMIN: dict[str, str] = {
    "add": Action.CREATED,
    "delete": Action.DELETED,
    "end": Action.ENDED,
    "webhook_test": Action.SENT,
}


def admin_act(view: str, model: Any, method: str, kwargs: dict[str, Any]) -> Act | None:
    """By the view's name, such as rooms_room_change; `model` is whose page it is, None for a page of no model.

    Looking at a list is no entry, looking at one row is.
    """
    kind = model._meta.verbose_name_raw if model else "page of Admin"
    last = view.removeprefix(f"{name_of(model)}_") if model else view
    key = next((name for name in ("object_id", *kwargs) if name in kwargs), "")
    if method == "POST":
        return Act(_ADMIN.get(last, Action.CHANGED), kind, key, "" if last in _ADMIN or last == "change" else last)
    if key and model:
        return Act(Action.READ, kind, key, "" if last == "change" else last, is_look=True)
    return None


def name_of(model: Any) -> str:
    """As it stands in the names of its pages in Admin."""
    return f"{model._meta.app_label}_{model._meta.model_name}"
