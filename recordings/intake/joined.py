"""Pieces of a file read as one, so that nobody has to put them together before it is known whether they are of use."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, BinaryIO, cast

from recordings.models import UploadPart
from recordings.storage.reader import open_stored

READ_BYTES = 1024 * 1024  # at a time


def joined(parts: Sequence[UploadPart]) -> BinaryIO:
    """The caller closes it. Raises FileNotFoundError, while it is read, for a piece that is gone."""
    return cast(BinaryIO, io.BufferedReader(_Joined(parts), READ_BYTES))


class _Joined(io.RawIOBase):
    def __init__(self, parts: Sequence[UploadPart]) -> None:
        self._parts = parts
        self._starts = [0, *accumulate(part.size for part in parts)]  # of each piece; the last is the end of all
        self._position = 0
        self._file: BinaryIO | None = None
        self._open = -1  # the number of the piece that is open

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        if base + offset < 0:
            raise OSError("a place before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        if self._position >= self._starts[-1]:
            return 0
        number = bisect_right(self._starts, self._position) - 1
        file = self._piece(number)
        file.seek(self._position - self._starts[number])
        found = file.read(min(len(buffer), self._starts[number + 1] - self._position))
        if not found:
            raise OSError("A piece of the file is shorter than it was.")
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def close(self) -> None:
        if self._file:
            self._file.close()
        super().close()

    def _piece(self, number: int) -> BinaryIO:
        if self._open != number or self._file is None:
            if self._file:
                self._file.close()
            self._file, self._open = open_stored(self._parts[number].file), number
        return self._file
