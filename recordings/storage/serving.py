"""Giving stored files out over HTTP, whole or the part that a player asks for."""

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from django.core.files.storage import FileSystemStorage, Storage, storages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from recordings.storage.reader import open_stored

LINK_SECONDS = 300  # for which the link to a bucket's object lasts
BLOCK_BYTES = 256 * 1024
LONGEST_PART_BYTES = 4 * 1024 * 1024  # who asks for more of a file gets this much, and asks again when it is played
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Part:
    """The next `length` bytes of a file. A response closes it also when its client went away before the first block."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def __iter__(self) -> Iterator[bytes]:
        while block := self._file.read(min(BLOCK_BYTES, self._left)):
            self._left -= len(block)
            yield block

    def close(self) -> None:
        self._file.close()


def serve_stored(
    request: HttpRequest, name: str, content_type: str = "", filename: str = "", download: bool = False
) -> HttpResponseBase:
    """A file of the recordings storage; one in a bucket by a redirect to a link that ends. Raises Http404."""
    content_type = playable(content_type)
    storage = storages["recordings"]
    if not isinstance(storage, FileSystemStorage):
        link = _link(storage, name, content_type, content_disposition_header(download, filename or Path(name).name))
        return HttpResponseRedirect(link, headers={"Cache-Control": "no-store"})
    try:
        file = open_stored(name)
    except FileNotFoundError:
        raise Http404 from None
    disposition = content_disposition_header(download, filename or Path(name).name)
    return give(request, file, content_type, {"Content-Disposition": disposition} if disposition else {})


def give(request: HttpRequest, file: BinaryIO, content_type: str, headers: Mapping[str, str] = {}) -> HttpResponseBase:
    """A file, or the range of it that is asked for; it is closed when that is given out.

    https://www.rfc-editor.org/rfc/rfc9110#name-range-requests: one range is given as status 206, of several the whole.
    """
    size = file.seek(0, io.SEEK_END)
    found = read_range(request.headers.get("Range", ""), size)
    if found is None:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, end = found
    answer = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Length": str(end - start),
        "Content-Type": content_type,
        **headers,
    }
    status = 200
    if end - start < size:
        status, answer["Content-Range"] = 206, f"bytes {start}-{end - 1}/{size}"
    if request.method == "HEAD":
        file.close()
        return HttpResponse(status=status, headers=answer)
    file.seek(start)
    return StreamingHttpResponse(Part(file, end - start), status=status, headers=answer)


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; all of the file where no single range is asked for. None: outside it.

    No more than LONGEST_PART_BYTES of a range, so that a player which pauses holds little open:
    https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7 lets a server send less than was asked for.
    """
    match = RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return 0, size
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return 0, size  # not a range at all
    return (start, min(end, start + LONGEST_PART_BYTES)) if start < end else None


def playable(content_type: str) -> str:
    """Nothing that a browser would show as a page of this site."""
    return content_type if content_type.startswith(("audio/", "video/")) else "application/octet-stream"


def _link(storage: Storage, name: str, content_type: str, disposition: str | None) -> str:
    if not isinstance(storage, S3Storage):
        return storage.url(name)
    answer = {"ResponseContentType": content_type, "ResponseContentDisposition": disposition or "inline"}
    return str(storage.url(name, parameters=answer, expire=LINK_SECONDS))
