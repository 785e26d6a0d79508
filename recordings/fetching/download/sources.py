"""Where files come from, and what their servers' answers mean."""

import logging
import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from itertools import cycle
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from botocore.exceptions import BotoCoreError, NoCredentialsError
from django.conf import settings

from platforms.exceptions import PlatformNotConfigured, PlatformUnavailable
from platforms.http.client import retry_after
from platforms.http.connections import LongerThanAnnounced, read_some
from platforms.http.safe_http import SafeSession, safe_session
from platforms.types import RecordingStore
from recordings.fetching.download.base import BUFFERS, ConnectionLost, FetchFailed, SourceChanged, Version
from recordings.storage.buckets import aws_client

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1024 * 1024
LONGEST_READ_SECONDS = 0.5  # to fill a chunk
LINK_SECONDS = 3600
OPEN_TIMEOUT_SECONDS = 60.0  # until an answer begins, redirects included
SLOW_START = 4  # times as long as within a body may a server be silent before one
LONGEST_WAIT_SECONDS = 3600.0  # that a server may ask to be left alone

EXPIRED = frozenset({400, 401, 403})  # what servers of signed links say of one that is over
GONE = frozenset({404, 410})
BUSY = frozenset({408, 425, 429})


class Body:
    """What a source gives, from `start` on. Iterating ends without an error only when that was the whole rest.

    `is_sure` tells whether there can be no more of the file than that; else `has_more` of the source may know.
    """

    def __init__(self, answer: "_Answer", start: int, version: Version) -> None:
        self.start = start
        self.version = version
        self.is_sure = answer.response.headers.get("Accept-Ranges") != "bytes" or answer.response.status_code == 206
        self._answer = answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._answer.close()

    def __iter__(self) -> Iterator[memoryview]:
        position = self.start
        for buffer in cycle([memoryview(bytearray(CHUNK_BYTES)) for _ in range(BUFFERS)]):
            filled, failure = self._fill(buffer)
            position += filled
            if filled:
                yield buffer[:filled]
            if failure:
                raise failure
            if not filled:
                break
        if self.version.size is not None and position < self.version.size:
            raise ConnectionLost("The server ended the file before its end.")

    def _fill(self, buffer: memoryview) -> tuple[int, Exception | None]:
        """How many bytes came before the buffer was full, some time was over, or the body ended or failed."""
        filled, until = 0, time.monotonic() + LONGEST_READ_SECONDS
        while filled < len(buffer) and time.monotonic() < until:
            try:
                count = read_some(self._answer.response, buffer[filled:])
            except LongerThanAnnounced:
                return filled, FetchFailed("The server sends more than it says, so that the end is not known.", True)
            except (OSError, HTTPException) as error:
                return filled, ConnectionLost(f"The connection broke ({type(error).__name__}).")
            if not count:
                break
            filled += count
        return filled, None


class UrlSource:
    """A file behind a link that may end. `get_url` makes a fresh one; `url` is one that is there already."""

    def __init__(self, get_url: Callable[[], str], url: str = "") -> None:
        self._get_url = get_url
        self._url = url
        self._contradicted: Version | None = None

    def open(self, start: int, version: Version | None, seconds: float) -> Body:
        """The file of that version from byte `start` on, or any version from its beginning; within so many seconds.

        Raises SourceChanged when it has to be asked for from its beginning, FetchFailed, PlatformUnavailable, and what
        `get_url` raises.
        """
        answer = self._ask(start, version, seconds)
        try:
            if answer.response.status_code in EXPIRED:
                answer.close()
                self._url = ""
                answer = self._ask(start, version, seconds)
            body = self._body(answer, start, version)
        except BaseException:
            answer.close()
            raise
        answer.session.give_time(seconds, settings.RECORDING_SILENCE_SECONDS)
        return body

    def has_more(self, version: Version, seconds: float) -> bool:
        """Whether something follows where the file was said to end: a wrong length would pass for the right one."""
        answer = self._ask(version.size or 0, version, seconds)
        answer.close()
        return answer.response.status_code == 206 and _validator(answer.response) == version.validator

    def allowed(self, url: str) -> Collection[str]:
        """host:port pairs that may be called although they may not be public."""
        return ()

    def _ask(self, start: int, version: Version | None, seconds: float) -> "_Answer":
        self._url = self._url or self._get_url()
        # Of what is packed, neither the length nor a position in the file would be known.
        headers = {"Accept-Encoding": "identity"}
        if start and version and version.validator:
            # Without If-Range, a file that was replaced meanwhile would be continued with the bytes of another.
            headers |= {"Range": f"bytes={start}-", "If-Range": version.validator}
        silence = SLOW_START * settings.RECORDING_SILENCE_SECONDS
        session = safe_session(min(seconds, OPEN_TIMEOUT_SECONDS), silence, self.allowed(self._url))
        try:
            return _Answer(session, session.get(self._url, headers=headers))
        except BaseException:
            session.close()
            raise

    def _body(self, answer: "_Answer", start: int, version: Version | None) -> Body:
        response = answer.response
        self._require_success(response, version)
        if response.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
            raise FetchFailed("The server sends the file packed, though it was asked not to.")
        if response.status_code == 206:
            return Body(answer, start, _rest(response, start, version))
        found = Version(_validator(response), _length(response), _content_type(response))
        if found.size is None and not _is_chunked(response):
            raise FetchFailed("The server does not say how long the file is, so that its end is not known.")
        if self._contradicted == found:
            raise FetchFailed("The server contradicts itself about the length of the file.", can_retry=True)
        return Body(answer, 0, found)

    def _require_success(self, response: requests.Response, version: Version | None) -> None:
        status = response.status_code
        if status in {200, 206}:
            return
        if status == 416:
            # It was longer when it was begun. If it still says so, one of the two is a lie.
            self._contradicted = version
            raise SourceChanged
        if status in BUSY or status >= 500:
            wait = retry_after(response.headers.get("Retry-After", ""))
            raise PlatformUnavailable(
                f"The server of the file answered {status}.",
                retry_after=5.0 if wait is None else min(wait, LONGEST_WAIT_SECONDS),
            )
        if status in GONE:
            raise FetchFailed(f"The file is not there any more (the server answered {status}).", status=status)
        if status in EXPIRED:
            raise FetchFailed(f"The server refuses the file, also by a fresh link ({status}).", True, status)
        raise FetchFailed(f"The server of the file answered {status}.", can_retry=True)


class ObjectSource(UrlSource):
    """An object of a bucket, by links signed with the credentials for it."""

    def __init__(self, store: RecordingStore, bucket: str, key: str) -> None:
        super().__init__(self._sign)
        self._store = store
        self._object = {"Bucket": bucket, "Key": key}
        self._client: Any = None

    def allowed(self, url: str) -> Collection[str]:
        """AWS_ENDPOINT_URL is the operator's own word, and may well be inside."""
        parts = urlsplit(url)
        return [f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"]

    def _sign(self) -> str:
        try:
            self._client = self._client or aws_client("s3", self._store)
            url: str = self._client.generate_presigned_url("get_object", Params=self._object, ExpiresIn=LINK_SECONDS)
        except NoCredentialsError as error:
            raise PlatformNotConfigured("The bucket cannot be read: there are no credentials for it.") from error
        except (BotoCoreError, ValueError) as error:
            logger.warning("link_not_signed error=%s", type(error).__name__)
            raise PlatformNotConfigured(
                "The bucket cannot be read: its name, its region or its endpoint is not a valid one."
            ) from error
        return url


@dataclass(frozen=True)
class _Answer:
    session: SafeSession
    response: requests.Response

    def close(self) -> None:
        self.response.close()
        self.session.close()


def _rest(response: requests.Response, start: int, version: Version | None) -> Version:
    """The version of a part that was asked for. Raises SourceChanged unless it is that part of that version."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    if not found or int(found[1]) != start or version is None or _validator(response) != version.validator:
        raise SourceChanged
    total = None if found[2] == "*" else int(found[2])
    if version.size is not None and total not in {None, version.size}:
        raise SourceChanged
    return Version(version.validator, version.size if total is None else total, version.content_type)


def _validator(response: requests.Response) -> str:
    """A weak ETag stands for contents that only mean the same, so that parts of two would not fit together."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _is_chunked(response: requests.Response) -> bool:
    return bool(response.headers.get("Transfer-Encoding", "").lower() == "chunked")


def _length(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "").strip()
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if is_number and not _is_chunked(response) else None


def _content_type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:100]
