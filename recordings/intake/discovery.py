"""Finding recordings without being told: by the platform's own list, or by looking through its bucket.

So nothing is lost when every webhook and every message is.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import Error
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from meetings.models import Meeting, room_key, room_key_of
from platforms.abilities import RecordingBucket, RecordingListing
from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformError
from platforms.types import RecordingRef, RecordingStore
from platforms.work.database import is_away
from recordings.intake import register
from recordings.intake.bucket_events import version_of
from recordings.intake.news import is_news
from recordings.models import Recording, Track
from recordings.storage import buckets

logger = logging.getLogger(__name__)

Name = tuple[str, datetime | None]  # of a recording, for those who do not know its id: its room, and when it began
LOOK_BACK = timedelta(days=2)  # on the beat; a recording lasts a day at most

# What ends the listing of one platform, and nothing else.
FAILURES = (PlatformError, BotoCoreError, ClientError)


@dataclass(frozen=True)
class Filter:
    """Which recordings: those that began at `since` or later, and before `until`, in these provider's rooms."""

    since: datetime | None = None
    until: datetime | None = None
    rooms: Collection[str] = ()

    def __contains__(self, ref: RecordingRef) -> bool:
        if ref.started_at is None:
            is_in_time = True  # better asked about once too often than lost
        else:
            is_in_time = (self.since is None or ref.started_at >= self.since) and (
                self.until is None or ref.started_at < self.until
            )
        return is_in_time and (not self.rooms or room_key_of(ref.room_name) in map(room_key_of, self.rooms))


@dataclass
class Summary:
    """What a listing came to. `failed` ones could not be written and are found again by the next."""

    new: int = 0
    known: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return f"new={self.new} known={self.known} failed={self.failed}"


def recordings_of(
    client: VideoPlatformClient, wanted: Filter, store: RecordingStore | None = None
) -> Iterator[RecordingRef]:
    """What the platform has: in its bucket and by its list, as far as there are such, or in the `store` given.

    Raises what is in FAILURES; a bucket that cannot be read does so only after the list.
    """
    if store:
        yield from (ref for ref in _in_bucket(client.require(RecordingBucket), store) if ref in wanted)
        return
    placed: dict[Name, RecordingRef] = {}
    failure: Exception | None = None
    try:
        for ref in _in_own_bucket(client):
            if ref in wanted:
                placed[_name_of(ref)] = ref
                yield ref
    except FAILURES as error:
        failure = error
    if isinstance(client, RecordingListing):
        yield from (_united(ref, placed.get(_name_of(ref))) for ref in _listed(client, wanted))
    if failure:
        raise failure


def register_all(
    refs: Iterable[RecordingRef],
    found: Summary,
    dry_run: bool = False,
    progress: Callable[[RecordingRef, bool], None] = lambda ref, is_new: None,
) -> None:
    """Report each that is not known as well already, as soon as it is found, and count into `found`.

    A recording that cannot be written stops no other; a database that is away stops all.
    """
    for ref in refs:
        is_new = not _is_known(ref)
        if is_new:
            _register(ref, found, dry_run)
        else:
            found.known += 1
        progress(ref, is_new)


def find_everywhere() -> None:
    """Look at every platform for what nobody told of, and again for the meetings of unmatched ones."""
    wanted = Filter(since=timezone.now() - LOOK_BACK)
    for client in buckets.clients():
        found = Summary()
        try:
            if not client.missing_variables(client.config):
                register_all(recordings_of(client, wanted), found)
        except FAILURES as error:
            logger.warning("listing_failed platform=%s error=%s %s", client.name, error_summary(error), found)
        if found.new or found.failed:
            logger.info("recordings_found platform=%s %s", client.name, found)
    match_unmatched()


def match_unmatched() -> int:
    """Look again for the meetings of recordings that had none when they were reported. How many have one now."""
    here = Meeting.objects.known_to_provider().filter(
        platform=OuterRef("platform"), room_key=room_key(OuterRef("room_name"))
    )
    unmatched = Recording.objects.filter(Exists(here), state=Recording.State.UNMATCHED).exclude(room_name="")
    return sum(register.match_again(recording) for recording in unmatched)


def _listed(client: RecordingListing, wanted: Filter) -> Iterator[RecordingRef]:
    """Newest first, so that the first one that is too old is the last one looked at."""
    only_room = next(iter(wanted.rooms)) if len(wanted.rooms) == 1 else ""
    for ref in client.list_recordings(only_room):
        if wanted.since and ref.started_at and ref.started_at < wanted.since:
            return
        if ref in wanted:
            yield ref


def _name_of(ref: RecordingRef) -> Name:
    return room_key_of(ref.room_name), ref.started_at


def _united(listed: RecordingRef, placed: RecordingRef | None) -> RecordingRef:
    """A list that names what is in the bucket as well must not make two of it."""
    if placed is None or listed.key or not placed.room_name:
        return listed
    return replace(listed, bucket=placed.bucket, key=placed.key, version=placed.version)


def _in_own_bucket(client: VideoPlatformClient) -> Iterator[RecordingRef]:
    if isinstance(client, RecordingBucket) and client.names_recordings_in_bucket:
        store = client.recording_store()
        yield from _in_bucket(client, store) if store else ()


def _in_bucket(client: RecordingBucket, store: RecordingStore) -> Iterator[RecordingRef]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html; objects come in the order of keys."""
    s3 = buckets.aws_client("s3", store)
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=store.bucket, Prefix=store.prefix, PaginationConfig={"PageSize": settings.BUCKET_PAGE_SIZE}
    )
    for page in pages:
        for item in page.get("Contents", []):
            if item["Size"] and (ref := client.recording_at(item["Key"])):
                yield replace(ref, bucket=store.bucket, version=version_of(item.get("ETag", ""), item["Size"]))


def _register(ref: RecordingRef, found: Summary, dry_run: bool) -> None:
    try:
        if not dry_run:
            register.register_recording(ref)
    except (Error, ValueError) as error:
        if is_away(error):
            raise
        logger.warning("recording_not_reported platform=%s error=%s", ref.platform, type(error).__name__)
        found.failed += 1
    else:
        found.new += 1


def _is_known(ref: RecordingRef) -> bool:
    """Whether a report would add nothing: so that looking again and again costs a read, not a write."""
    same = Q(pk=None)
    if ref.recording_id:
        same |= Q(platform=ref.platform, provider_recording_id=ref.recording_id)
    if ref.key:
        same |= Q(bucket=ref.bucket, key=ref.key)
    row = Recording.objects.filter(same).order_by("created_at", "pk").first()
    if row is None or (ref.recording_id and not row.provider_recording_id):
        return False
    if row.state == Recording.State.DELETED:
        return True
    if is_news(row, ref):
        return False
    has_new_tracks = bool(ref.tracks) and Track.objects.filter(recording=row).count() < len(ref.tracks or ())
    return not has_new_tracks and not (ref.duration and row.duration is None)


def error_summary(error: Exception) -> str:
    """What happened, without the address that boto names."""
    with suppress(AttributeError, KeyError):
        return str(error.response["Error"]["Code"])  # type: ignore[attr-defined]
    return str(error) if isinstance(error, PlatformError) else type(error).__name__
