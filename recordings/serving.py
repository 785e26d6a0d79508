"""Giving stored files out over HTTP, whole or the part that a player asks for."""

import re
from pathlib import Path
from typing import BinaryIO

from django.core.files.storage import FileSystemStorage, Storage, storages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from recordings.reading import open_stored

LINK_SECONDS = 300  # for which the link to a bucket's object lasts
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class StoredFileResponse(FileResponse):
    block_size = 256 * 1024  # bytes


class Part:
    """The next `length` bytes of a file."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(found)
        return found

    def close(self) -> None:
        self._file.close()


def serve_stored(
    request: HttpRequest, name: str, content_type: str = "", filename: str = "", download: bool = False
) -> HttpResponseBase:
    """A file of the recordings storage; one in a bucket by a redirect to a link that ends. Raises Http404.

    https://www.rfc-editor.org/rfc/rfc9110#name-range-requests: one range is given as status 206, of several the whole.
    """
    content_type = playable(content_type)
    storage = storages["recordings"]
    if not isinstance(storage, FileSystemStorage):
        link = _link(storage, name, content_type, content_disposition_header(download, filename or Path(name).name))
        return HttpResponseRedirect(link, headers={"Cache-Control": "no-store"})
    try:
        file = open_stored(name)
    except FileNotFoundError:
        raise Http404 from None
    size = storage.size(name)
    found = read_range(request.headers.get("Range", ""), size)
    if found is None:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, end = found
    response: HttpResponseBase
    if request.method == "HEAD":
        file.close()
        response = HttpResponse(content_type=content_type)
    else:
        file.seek(start)
        part = Part(file, end - start)
        response = StoredFileResponse(
            part, as_attachment=download, filename=filename or name, content_type=content_type
        )
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store"
    response["Content-Length"] = end - start
    if end - start < size:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; all of the file where no single range is asked for. None: outside it."""
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
    return (start, end) if start < end else None


def playable(content_type: str) -> str:
    """Nothing that a browser would show as a page of this site."""
    return content_type if content_type.startswith(("audio/", "video/")) else "application/octet-stream"


def _link(storage: Storage, name: str, content_type: str, disposition: str | None) -> str:
    if not isinstance(storage, S3Storage):
        return storage.url(name)
    answer = {"ResponseContentType": content_type, "ResponseContentDisposition": disposition or "inline"}
    return str(storage.url(name, parameters=answer, expire=LINK_SECONDS))
