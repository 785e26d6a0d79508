"""The places in which a recording's audio and video are, and how to delete them there. Everything is safe to repeat."""

import hashlib
import logging
import tempfile
from collections.abc import Iterable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from django.core.files import File
from django.core.files.storage import storages
from django.db import transaction
from django.db.models import Q

from platforms import create_platform_client
from platforms.abilities import RecordingBucket, RecordingDeletion
from platforms.exceptions import UnsupportedCapability
from platforms.work.models import LeaseLost
from recordings.media.mixing import extract_audio, longest_of, mp3_name
from recordings.models import Erasure, Recording, Submission, Track, Transcript
from recordings.storage import buckets
from recordings.storage.free_space import drafts, frugal, require_room_in_storage
from recordings.storage.reader import open_stored

logger = logging.getLogger(__name__)

Location = Erasure.Location
PIECE_BYTES = 1024 * 1024


def delete_all(job: Erasure) -> None:
    match job.location:
        case Location.STORAGE:
            _empty_storage(job)
        case Location.BUCKET:
            delete_objects(job.recording, job.recording.bucket, _keys(job.recording))
        case Location.PROVIDER:
            delete_at_provider(job.recording)


def delete_video(job: Erasure) -> None:
    """Files that are video as a whole go; the audio of others is kept by itself first."""
    recording, is_tracks = job.recording, job.recording.kind == Recording.Kind.TRACKS
    videos = recording.tracks.filter(medium__endswith="video")
    match job.location:
        case Location.STORAGE if is_tracks:
            delete_files(videos.exclude(file="").values_list("file", flat=True))
            videos.update(file="", state=Track.State.DELETED)
            Recording.objects.filter(pk=recording.pk).update(has_video=False)
        case Location.STORAGE:
            _keep_only_audio(job)
            delete_files(job.files)
        case Location.BUCKET:
            keys = list(videos.values_list("key", flat=True)) if is_tracks else _keys(recording)
            delete_objects(recording, recording.bucket, keys)
        case Location.PROVIDER if not is_tracks:
            delete_at_provider(recording)


def delete_files(names: Iterable[str]) -> None:
    """From our storage. A name that is not there, or not any more, is fine."""
    for name in names:
        storages["recordings"].delete(name)


def delete_objects(recording: Recording, bucket: str, keys: Iterable[str]) -> None:
    """From a bucket that the provider writes to; where that keeps versions, all of them."""
    client = buckets.client_of(recording.platform) if recording.platform else None
    store = buckets.store_of(client)
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
    if not isinstance(client, RecordingDeletion):
        raise UnsupportedCapability(
            f"{client.label} takes no request to delete a recording: it stays there until it is deleted there by hand, "
            "or by itself.",
            client.name,
        )
    if isinstance(client, RecordingBucket) and (store := client.recording_store()):
        delete_objects(recording, store.bucket, client.recording_objects(recording.provider_recording_id))
    client.delete_recording(recording.provider_recording_id)


def _empty_storage(job: Erasure) -> None:
    recording = Recording.objects.get(pk=job.recording_id)
    tracks = list(recording.tracks.exclude(file=""))
    transcripts = list(Transcript.objects.filter(recording=recording).exclude(audio_file=""))
    of_it = Q(recording=recording) | Q(video=recording)
    # The MP3 of a recording that is being processed, or whose processing failed, is known to its work only.
    mp3s = [job.checkpoint.get("mp3", "") for job in Submission.objects.filter(recording=recording)]
    names = {*job.files, recording.file, *(t.file for t in tracks), *(t.audio_file for t in transcripts), *mp3s} - {""}
    if recording.kind == Recording.Kind.FILE:
        names.add(mp3_name(recording))  # of a file that became the video of tracks
    delete_files(names)
    Recording.objects.filter(pk=recording.pk, file__in=names).update(file="")
    Track.objects.filter(recording=recording, file__in=names).update(file="", state=Track.State.DELETED)
    Transcript.objects.filter(audio_file__in=names).filter(of_it).update(audio_file="")


def _delete_versions(s3: Any, bucket: str, key: str) -> None:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        for version in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
            if version["Key"] == key:
                s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])


def _keys(recording: Recording) -> list[str]:
    keys = [recording.key, *recording.tracks.values_list("key", flat=True)]
    return [key for key in keys if key]


def _keep_only_audio(job: Erasure) -> None:
    """Put an MP3 in the place of a file with pictures; the file is then among those that are to go."""
    recording = Recording.objects.get(pk=job.recording_id)
    if not recording.has_video or not recording.file:
        return
    old, name = recording.file, _save_audio(recording)
    size, sha256 = _measure(name)
    with transaction.atomic():
        job.files = [*job.files, old]
        if not Erasure.objects.filter(pk=job.pk, lease_token=job.lease_token).update(files=job.files):
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
        require_room_in_storage(storage.size(transcript.audio_file))
        with open_stored(transcript.audio_file) as file:
            return storage.save(name, File(file))
    with tempfile.TemporaryFile(dir=drafts()) as draft:
        extract_audio(partial(open_stored, recording.file), frugal(draft, drafts()), longest_of(recording))
        require_room_in_storage(draft.tell())
        draft.seek(0)
        return storage.save(name, File(draft))


def _measure(name: str) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with open_stored(name) as file:
        while piece := file.read(PIECE_BYTES):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()
