"""The queue of a machine that runs alone: kombu's files, made safe for several processes.

Kombu makes a file and fills it then. A worker that looks in between finds it empty and ends, and all others with it.
"""

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # its bases use two names
        """A message appears under its name when it is whole. Names in order are messages in order."""
        name = f"{time_ns():020}_{uuid.uuid4()}"
        draft = Path(self.data_folder_out, f"{name}.draft")
        try:
            draft.write_text(dumps(payload))
            draft.rename(draft.with_name(f"{name}.{queue}.msg"))
        except OSError:  # a full disk, above all
            draft.unlink(missing_ok=True)
            raise

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except ValueError:  # cut short when the machine went down; the sweep sends what it said again
            raise Empty from None

    def get_table(self, exchange: str) -> Any:
        with self._alone():
            return super().get_table(exchange)

    def _queue_bind(self, *args: Any) -> None:
        with self._alone():
            super()._queue_bind(*args)

    def _delete(self, *args: Any, **kwargs: Any) -> None:
        with self._alone():
            super()._delete(*args, **kwargs)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While one process makes a file for an exchange or writes it, no other one reads it."""
        with Path(self.control_folder, "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    Channel = Channel
