"""The places in which a recording's audio and video are, and how to delete them there. Everything is safe to repeat."""

import hashlib
import logging
import tempfile
from collections.abc import Iterable
from functools import partial
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError
from django.core.files import File
from django.core.files.storage import storages
from django.db import transaction

from platforms import create_platform_client
from platforms.durable import LeaseLost
from recordings import buckets
from recordings.mixing import extract_audio
from recordings.models import Destruction, HandOff, Recording, Track, Transcript
from recordings.reading import open_stored

logger = logging.getLogger(__name__)

Place = Destruction.Place
PIECE = 1024 * 1024  # bytes


def delete_all(work: Destruction) -> None:
    match work.place:
        case Place.STORAGE:
            _empty_storage(work)
        case Place.BUCKET:
            delete_objects(work.recording, work.recording.bucket, _keys(work.recording))
        case Place.PROVIDER:
            delete_at_provider(work.recording)


def delete_video(work: Destruction) -> None:
    """Files that are video as a whole go; the audio of others is kept by itself first."""
    recording, is_tracks = work.recording, work.recording.kind == Recording.Kind.TRACKS
    videos = recording.tracks.filter(medium__endswith="video")
    match work.place:
        case Place.STORAGE if is_tracks:
            delete_files(videos.exclude(file="").values_list("file", flat=True))
            videos.update(file="", state=Track.State.DELETED)
            Recording.objects.filter(pk=recording.pk).update(has_video=False)
        case Place.STORAGE:
            _keep_only_audio(work)
            delete_files(work.files)
        case Place.BUCKET:
            keys = list(videos.values_list("key", flat=True)) if is_tracks else _keys(recording)
            delete_objects(recording, recording.bucket, keys)
        case Place.PROVIDER if not is_tracks:
            delete_at_provider(recording)


def delete_files(names: Iterable[str]) -> None:
    """From our storage. A name that is not there, or not any more, is fine."""
    for name in names:
        storages["recordings"].delete(name)


def delete_objects(recording: Recording, bucket: str, keys: Iterable[str]) -> None:
    """From a bucket that the provider writes to; where that keeps versions, all of them."""
    client = buckets.client_of(recording.platform) if recording.platform else None
    store = client.recording_store() if client else None
    s3 = buckets.aws_client("s3", store if store and store.bucket == bucket else None)
    for key in keys:
        try:
            if "VersionId" in s3.delete_object(Bucket=bucket, Key=key):
                _delete_versions(s3, bucket, key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise


def delete_at_provider(recording: Recording) -> None:
    """First what only the provider can name of our bucket: once it has forgotten the recording, nobody knows it."""
    client = create_platform_client(recording.platform)
    if store := client.recording_store():
        delete_objects(recording, store.bucket, client.recording_objects(recording.provider_recording_id))
    client.delete_recording(recording.provider_recording_id)


def _empty_storage(work: Destruction) -> None:
    recording = Recording.objects.get(pk=work.recording_id)
    tracks = list(recording.tracks.exclude(file=""))
    transcripts = list(Transcript.objects.filter(recording=recording).exclude(audio_file=""))
    # The MP3 of a recording that is being processed, or whose processing failed, is known to its work only.
    mp3s = [work.kept.get("mp3", "") for work in HandOff.objects.filter(recording=recording)]
    names = {*work.files, recording.file, *(t.file for t in tracks), *(t.audio_file for t in transcripts), *mp3s} - {""}
    delete_files(names)
    Recording.objects.filter(pk=recording.pk, file__in=names).update(file="")
    Track.objects.filter(recording=recording, file__in=names).update(file="", state=Track.State.DELETED)
    Transcript.objects.filter(recording=recording, audio_file__in=names).update(audio_file="")


def _delete_versions(s3: Any, bucket: str, key: str) -> None:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        for version in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
            if version["Key"] == key:
                s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])


def _keys(recording: Recording) -> list[str]:
    keys = [recording.key, *recording.tracks.values_list("key", flat=True)]
    return [key for key in keys if key]


def _keep_only_audio(work: Destruction) -> None:
    """Put an MP3 in the place of a file with pictures; the file is then among those that are to go."""
    recording = Recording.objects.get(pk=work.recording_id)
    if not recording.has_video or not recording.file:
        return
    old, name = recording.file, _save_audio(recording)
    size, sha256 = _measure(name)
    with transaction.atomic():
        work.files = [*work.files, old]
        if not Destruction.objects.filter(pk=work.pk, lease_token=work.lease_token).update(files=work.files):
            raise LeaseLost
        Recording.objects.filter(pk=recording.pk, file=old).update(
            file=name, content_type="audio/mpeg", has_video=False, size=size, sha256=sha256
        )


def _save_audio(recording: Recording) -> str:
    """A copy of what the player plays; that itself may be made anew from what is kept here."""
    storage, name = storages["recordings"], f"{recording.pk}/only-audio.mp3"
    transcript = Transcript.objects.filter(recording=recording).exclude(audio_file="").first()
    storage.delete(name)  # of an attempt before this one
    if transcript and storage.exists(transcript.audio_file):
        with open_stored(transcript.audio_file) as file:
            return storage.save(name, File(file))
    with tempfile.TemporaryFile() as draft:
        extract_audio(partial(open_stored, recording.file), cast(BinaryIO, draft))
        draft.seek(0)
        return storage.save(name, File(draft))


def _measure(name: str) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with open_stored(name) as file:
        while piece := file.read(PIECE):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()
