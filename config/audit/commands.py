"""Entries of the audit trail about commands of `manage.py` that change something, by whoever runs them."""

from collections.abc import Sequence

from platforms.audit import trail
from platforms.models import AuditEntry

# Command -> those of its actions that change something; none: all that it does.
CHANGING: dict[str, frozenset[str]] = {
    "changepassword": frozenset(),
    "createsuperuser": frozenset(),
    "dbshell": frozenset(),
    "demo": frozenset(),
    "flush": frozenset(),
    "import_reflector": frozenset(),
    "loaddata": frozenset(),
    "platforms": frozenset({"cordon", "uncordon", "drain"}),
    "prune": frozenset(),
    "prune_webhook_events": frozenset(),
    "reconcile_meetings": frozenset(),
    "reprocess_recordings": frozenset(),
    "rollout": frozenset({"set", "undo", "pause", "resume"}),
    "rotate_keys": frozenset(),
    "shell": frozenset(),
    "webhooks": frozenset({"register", "delete"}),
}
FAMILIES = ("backfill_",)  # beginnings of names: of one command for each platform
# What these do is noted elsewhere, or changes nothing that anybody would ask about.
NO_ENTRY = {
    "doctor": "it only looks",
    "ensure_admin": "each start runs it, and it does nothing once there is an admin",
    "live": "a server",
    "reindex_search": "what is searched is as before",
    "remove_second_factor": "it makes an entry that names the account",
    "serve": "a server",
    "startplatform": "it writes files of the code",
    "vendor_sdks": "it writes files of the code",
    "web": "a server",
}
SERVERS = ("consume_",)  # also beginnings: they take what comes in
WORDS = 20  # of what was typed, at most


def note(arguments: Sequence[str]) -> None:
    """`arguments` are those of the process. Of options the names are kept, as what they are set to may be a secret."""
    command, *words = arguments[1:] or [""]
    if not _changes(command, words):
        return
    first_option = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    options = [word.partition("=")[0] for word in words[first_option:] if word.startswith("-")]
    kept = [word[:100] for word in (*words[:first_option], *options)][:WORDS]
    trail.add_command(AuditEntry.Action.CHANGED, "command", command, details={"arguments": kept} if kept else {})


def _changes(command: str, words: Sequence[str]) -> bool:
    if {"--dry-run", "--help", "-h"} & set(words):
        return False
    if command.startswith(FAMILIES):
        return True
    actions = CHANGING.get(command)
    if actions is None:
        return False
    return not actions or bool(actions & set(words[:1]))
