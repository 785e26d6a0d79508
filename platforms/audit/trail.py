"""Adding an entry. A person who looks at the same thing again within some minutes makes one entry only."""

import getpass
import logging
import os
import time
from collections import OrderedDict
from threading import Lock
from typing import Any

from django.db import Error
from django.http import HttpRequest

from platforms.models import AuditEntry

logger = logging.getLogger(__name__)

SAME_SECONDS = 600.0  # for which a look at the same thing is the same look
REMEMBERED = 10_000  # looks, in each process
CONCERNED = "audit.concerned"  # in a request's META

Look = tuple[Any, ...]


class Looks:
    """The latest looks that this process has written down, and when."""

    def __init__(self) -> None:
        self._at: OrderedDict[Look, float] = OrderedDict()
        self._lock = Lock()

    def is_new(self, look: Look) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self._at.get(look, -SAME_SECONDS) < SAME_SECONDS:
                return False
            self._at[look] = now
            self._at.move_to_end(look)
            if len(self._at) > REMEMBERED:
                self._at.popitem(last=False)
        return True

    def forget(self, look: Look | None = None) -> None:
        """One of them, which could not be written, or all."""
        with self._lock:
            if look is None:
                self._at.clear()
            else:
                self._at.pop(look, None)


looks = Looks()


def add(entry: AuditEntry) -> None:
    """What was done is done: where the entry cannot be written, as to a database that only reads, the log has it."""
    try:
        entry.save(force_insert=True)
    except Error as error:
        logger.warning(
            "audit_not_written error=%s person=%s action=%s kind=%s object=%s",
            *(type(error).__name__, entry.person_id, entry.action, entry.kind, entry.object_id),
        )
        looks.forget(_look(entry))


def add_look(entry: AuditEntry) -> None:
    if looks.is_new(_look(entry)):
        add(entry)


def concerns(request: HttpRequest, key: Any) -> None:
    """Which one a request is about, where neither its address nor the answer says so: such as what a form made."""
    request.META[CONCERNED] = str(key)


def concerned_by(request: HttpRequest) -> str:
    return str(request.META.get(CONCERNED, ""))


def via_of(request: HttpRequest) -> str:
    if request.path_info.startswith("/admin/"):
        return AuditEntry.Via.ADMIN
    return AuditEntry.Via.API if request.path_info.startswith("/v1/") else AuditEntry.Via.PAGES


def add_command(action: str, kind: str, object_id: str = "", **fields: Any) -> None:
    """By whoever runs a command of `manage.py`: the name of their account on this machine."""
    try:
        person = getpass.getuser()
    except (KeyError, OSError):  # a container's number has no name
        person = str(os.getuid())
    via = AuditEntry.Via.COMMAND
    add(AuditEntry(person=person[:150], via=via, action=action, kind=kind, object_id=object_id, **fields))


def _look(entry: AuditEntry) -> Look:
    return (entry.person_id, entry.api_key_id, entry.action, entry.kind, entry.object_id, entry.what)
