"""Reading a stored recording from anywhere in it, whatever holds it, without fetching the whole of it first."""

import io
import logging
import time
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import storages
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError

from platforms.pauses import shortened

logger = logging.getLogger(__name__)

FIRST_READ_BYTES = 128 * 1024  # what is read where a reader has jumped to
LONGEST_READ_BYTES = 4 * 1024 * 1024  # who reads on is given more at a time, up to this
ATTEMPTS = 3
PAUSE_SECONDS = 0.2  # before a second attempt


def open_stored(name: str) -> BinaryIO:
    """A stored file, seekable; the caller closes it. Raises FileNotFoundError, and OSError when it cannot be read."""
    storage = storages["recordings"]
    if isinstance(storage, S3Storage):
        # The storage's own file would copy the whole object to this machine first.
        file = RangeFile(storage.connection.meta.client, storage.bucket_name, storage._normalize_name(name))
        return cast(BinaryIO, io.BufferedReader(file))
    return cast(BinaryIO, storage.open(name, "rb"))


class RangeFile(io.RawIOBase):
    """An object of a bucket as a file: each read is a request for a range, of the object as it was when opened."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._object = {"Bucket": bucket, "Key": key}
        head = self._ask("head_object")
        self._object["IfMatch"] = head["ETag"]
        self._size: int = head["ContentLength"]
        self._position = 0
        self._ahead = b""  # what was read ahead, and where it begins
        self._ahead_from = 0
        self._length = FIRST_READ_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("a place before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        found = self._from(self._position)[: len(view)]
        view[: len(found)] = found
        self._position += len(found)
        return len(found)

    def _from(self, position: int) -> memoryview:
        """Some bytes at that place; none at the end."""
        if position >= self._size:
            return memoryview(b"")
        read_to = self._ahead_from + len(self._ahead)
        if not self._ahead_from <= position < read_to:
            self._length = min(self._length * 2, LONGEST_READ_BYTES) if position == read_to else FIRST_READ_BYTES
            end = min(position + self._length, self._size)
            self._ahead, self._ahead_from = self._range(position, end), position
        return memoryview(self._ahead)[position - self._ahead_from :]

    def _range(self, start: int, end: int) -> bytes:
        content: bytes = self._ask("get_object", Range=f"bytes={start}-{end - 1}")
        return content

    def _ask(self, operation: str, **arguments: Any) -> Any:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = getattr(self._client, operation)(**self._object, **arguments)
                return _whole(answer) if "Body" in answer else answer
            except ClientError as error:
                raise _as_os_error(error) from error
            except (BotoCoreError, HTTPError, OSError) as error:
                if attempt == ATTEMPTS:
                    raise OSError(f"The bucket could not be read: {type(error).__name__}.") from error
            time.sleep(shortened(PAUSE_SECONDS * attempt))
        raise AssertionError


def _whole(answer: Any) -> bytes:
    with answer["Body"] as body:
        content: bytes = body.read()
    if len(content) != answer["ContentLength"]:
        raise OSError("The answer was cut short.")
    return content


def _as_os_error(error: ClientError) -> OSError:
    code = error.response.get("Error", {}).get("Code", "")
    if code in {"404", "NoSuchKey", "NoSuchBucket"}:
        return FileNotFoundError("There is no such object in the bucket.")
    if code in {"412", "PreconditionFailed"}:
        return OSError("The object was replaced while it was read.")
    return OSError(f"The bucket refused to be read: {code}.")
