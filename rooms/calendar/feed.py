"""Fetching an ICS feed from the address that a room's owner gave: public, bounded, and only when it changed."""

from dataclasses import dataclass

from platforms.exceptions import PlatformError, PlatformRejected
from platforms.http.safe_http import read_all, safe_session

TOTAL_SECONDS = 15.0
SILENCE_SECONDS = 5.0
LIMIT_BYTES = 10 * 1024 * 1024
ACCEPT = "text/calendar, */*;q=0.1"
NOT_MODIFIED = 304


class FeedUnavailable(Exception):
    """The feed could not be fetched; the text says why, for the room's owner, and holds no address."""


@dataclass(frozen=True)
class Feed:
    """`body` is None where the feed is as it was when `etag` and `last_modified` were given."""

    body: bytes | None
    etag: str = ""
    last_modified: str = ""


def fetch(url: str, etag: str = "", last_modified: str = "") -> Feed:
    """Raises FeedUnavailable. See RFC 9110, 13.1, for the two headers of a feed that may not have changed."""
    headers = {"Accept": ACCEPT}
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": last_modified} if last_modified else {}
    try:
        with safe_session(TOTAL_SECONDS, SILENCE_SECONDS) as session, session.get(url, headers=headers) as answer:
            if answer.status_code == NOT_MODIFIED and (etag or last_modified):
                return Feed(None, etag, last_modified)
            if answer.status_code != 200:
                raise PlatformRejected(f"The server of the calendar answered {answer.status_code}.")
            body = read_all(answer, LIMIT_BYTES)
            return Feed(body, answer.headers.get("ETag", "")[:500], answer.headers.get("Last-Modified", "")[:100])
    except PlatformError as error:
        raise FeedUnavailable(str(error)) from None
