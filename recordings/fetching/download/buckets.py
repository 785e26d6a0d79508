"""Where files go in a bucket: part by part, without a copy on this machine."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from platforms.exceptions import PlatformNotConfigured, PlatformUnavailable
from platforms.work.heartbeat import Heartbeat
from platforms.work.models import LeaseLost
from recordings.fetching.download.base import Chunk, Hasher, Version

PART_BYTES = 8 * 1024 * 1024  # S3 takes 10,000 of them, so that a file may have 78 GiB
UPLOADS = 4  # at a time
NOT_ALLOWED = frozenset({"AccessDenied", "InvalidAccessKeyId", "NoSuchBucket", "SignatureDoesNotMatch"})
MISSING = frozenset({"404", "NoSuchKey", "NoSuchUpload"})


class S3Destination:
    """An object of a bucket, by a multipart upload; a small one by one request.

    An upload has an id. A worker that takes over ends the uploads that it finds, so that whoever began them cannot
    finish. What they held is gone: an upload cannot be read, and so its SHA-256 could not be told.
    """

    can_be_resumed: ClassVar[bool] = False

    def __init__(self, storage: S3Storage, name: str, heartbeat: Heartbeat) -> None:
        self.version: Version | None = None
        self.size = 0
        self._heartbeat = heartbeat
        self._client: Any = storage.connection.meta.client
        self._object = {"Bucket": storage.bucket_name, "Key": storage._normalize_name(clean_name(name))}
        self._parameters = storage.get_object_parameters(name)
        self._hasher = Hasher()
        self._buffer = bytearray()
        self._upload: dict[str, str] | None = None
        self._parts: list[Future[dict[str, Any]]] = []
        self._pool = ThreadPoolExecutor(UPLOADS, thread_name_prefix="upload")

    def exists(self) -> bool:
        try:
            with _in_our_terms():
                self._client.head_object(**self._object)
        except FileNotFoundError:
            return False
        return True

    def prepare(self) -> None:
        end_uploads(self._client, self._object)

    def restart(self, version: Version) -> None:
        self._abort()
        self._hasher.close()
        self._hasher = Hasher()
        self._buffer.clear()
        self.version, self.size = version, 0

    def require_room(self, size: int) -> None:
        """A bucket always has room."""

    def write(self, chunk: Chunk) -> None:
        self._hasher.update(chunk)
        self._buffer += chunk
        self.size += len(chunk)
        while len(self._buffer) >= PART_BYTES:
            self._send()

    def finish(self) -> str:
        parameters = {**self._parameters, "ContentType": self._content_type()}
        if self._upload is None:
            self._run(self._client.put_object, **self._object, **parameters, Body=bytes(self._buffer))
        else:
            if self._buffer:
                self._send()
            parts = [self._wait(part) for part in self._parts]
            # A worker that slept until its lease was over ends here: an upload that is complete replaces the object.
            self._heartbeat.now()
            upload, self._upload = self._upload, None
            self._run(self._client.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts})
        self._close()
        return self._hasher.hexdigest()

    def keep(self) -> None:
        self.discard()

    def discard(self) -> None:
        self._abort()
        self._close()
        self._hasher.close()

    def _send(self) -> None:
        """Begin to upload what has come as one more part, when not too many are under way."""
        if self._upload is None:
            parameters = {**self._parameters, "ContentType": self._content_type()}
            begun = self._run(self._client.create_multipart_upload, **self._object, **parameters)
            self._upload = {**self._object, "UploadId": begun["UploadId"]}
        # Each part that is under way is held in memory.
        if len(self._parts) >= UPLOADS:
            self._wait(self._parts[-UPLOADS])
        content = bytes(memoryview(self._buffer)[:PART_BYTES])
        del self._buffer[:PART_BYTES]
        number = len(self._parts) + 1
        self._parts.append(self._pool.submit(self._upload_part, self._upload, number, content))

    def _upload_part(self, upload: dict[str, str], number: int, content: bytes) -> dict[str, Any]:
        answer = self._client.upload_part(**upload, PartNumber=number, Body=content)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def _run(self, call: Any, **arguments: Any) -> Any:
        return self._wait(self._pool.submit(call, **arguments))

    def _wait(self, future: Future[Any]) -> Any:
        try:
            with _in_our_terms():
                return self._heartbeat.wait(future)
        except FileNotFoundError:
            raise LeaseLost from None  # another worker has ended this upload

    def _abort(self) -> None:
        for part in self._parts:
            part.cancel()
        for part in self._parts:
            if not part.cancelled():
                part.exception()
        self._parts = []
        if self._upload:
            _abort(self._client, self._upload)
        self._upload = None

    def _close(self) -> None:
        self._pool.shutdown()
        self._buffer.clear()

    def _content_type(self) -> str:
        return (self.version and self.version.content_type) or "application/octet-stream"


def end_uploads(client: Any, target: dict[str, str]) -> None:
    """End what workers that are gone have begun to upload to an object."""
    with _in_our_terms():
        pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=target["Bucket"], Prefix=target["Key"])
        begun = [upload for page in pages for upload in page.get("Uploads", []) if upload["Key"] == target["Key"]]
    for upload in begun:
        _abort(client, {**target, "UploadId": upload["UploadId"]})


def _abort(client: Any, upload: dict[str, str]) -> None:
    try:
        with _in_our_terms():
            client.abort_multipart_upload(**upload)
    except FileNotFoundError:
        pass  # it has been ended already


@contextmanager
def _in_our_terms() -> Iterator[None]:
    """FileNotFoundError for what is not there, PlatformNotConfigured for what is refused, else PlatformUnavailable."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in MISSING:
            raise FileNotFoundError("There is no such thing in the bucket.") from error
        if code in NOT_ALLOWED:
            raise PlatformNotConfigured(f"The bucket for recordings cannot be used: {code}.") from error
        raise PlatformUnavailable(f"The bucket for recordings answered {code}.") from error
    except BotoCoreError as error:
        raise PlatformUnavailable(f"The bucket for recordings failed: {type(error).__name__}.") from error
