"""Bringing a file from a provider into the recordings storage: once, whole, or with the reason why not.

`fetch` copies from a source (a link, or an object of a bucket) into a destination (a folder, or a bucket), going on
after a cut where it stopped. In a folder it also goes on where a worker that was killed had stopped.
"""

from recordings.fetching.download.base import NOT_THERE, FetchFailed, StoredFile
from recordings.fetching.download.sources import ObjectSource, UrlSource
from recordings.fetching.download.transfer import examine, fetch, forget

__all__ = [
    "NOT_THERE",
    "FetchFailed",
    "ObjectSource",
    "StoredFile",
    "UrlSource",
    "examine",
    "fetch",
    "forget",
]
