"""What a message about a bucket says: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html

It comes from S3 itself, or in the envelope of SNS, or from EventBridge, which alone does not encode keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from platforms.payloads import integer, load, mapping, text

VERSION_LIMIT = 255  # characters
KEY_LIMIT = 1024  # characters; S3 has no longer keys
ENVELOPES = 3  # read at most: SNS puts one around a message


class Unreadable(ValueError):
    """A message that is no JSON object: nobody knows what was meant."""


@dataclass(frozen=True)
class NewObject:
    bucket: str
    key: str
    version: str = ""


def new_objects(body: str) -> list[NewObject]:
    """The objects that a message says were made; none for a test event or for anything else that is readable.

    An empty one is none yet: it is the sign of an upload that broke off. Raises Unreadable.
    """
    message = _unwrapped(body)
    if detail := mapping(message.get("detail")):
        is_new = message.get("detail-type") == "Object Created"
        found = [_object(detail, is_encoded=False)] if is_new else []
    else:
        found = [_object(mapping(record.get("s3")), is_encoded=True) for record in _new_records(message)]
    return [new for new in found if new and new.bucket and new.key]


def version_of(etag: str, size: int | None) -> str:
    """The ETag, which some write in quotes; without it the size."""
    return etag.strip('"')[:VERSION_LIMIT] or ("" if size is None else f"{size} bytes")


def _unwrapped(body: str) -> dict[str, Any]:
    for _ in range(ENVELOPES):
        message = load(body.encode("utf-8", "replace"))
        if not message:
            raise Unreadable("The message is no JSON object.")
        inner = message.get("Message")
        if message.get("Type") != "Notification" or not isinstance(inner, str):
            return message
        body = inner
    raise Unreadable("The message has an envelope too many.")


def _new_records(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    records = message.get("Records")
    for record in map(mapping, records if isinstance(records, list) else []):
        if text(record, "eventName").removeprefix("s3:").startswith("ObjectCreated:"):
            yield record


def _object(source: dict[str, Any], is_encoded: bool) -> NewObject | None:
    item = mapping(source.get("object"))
    size = integer(item.get("size"))
    if size == 0:
        return None
    key = text(item, "key", limit=3 * KEY_LIMIT)
    if is_encoded:
        key = text({"key": unquote_plus(key)}, "key", limit=3 * KEY_LIMIT)
    return NewObject(
        bucket=text(mapping(source.get("bucket")), "name"),
        key=key if len(key) <= KEY_LIMIT else "",
        version=version_of(text(item, "eTag", "etag"), size),
    )
