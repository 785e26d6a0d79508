"""Files that people send in pieces. Once whole and found to hold audio, one is a recording like any other."""

import hashlib
import logging
import secrets
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from recordings import deletion, places
from recordings.media import MediaInfo, NotMedia, probe
from recordings.models import HandOff, Recording, Transcript, Upload, UploadPart
from recordings.reading import open_stored
from recordings.transcripts import touch

logger = logging.getLogger(__name__)

Status = Transcript.Status

FOLDER = "uploads"
MOST_PARTS = 10_000
PIECE = 1024 * 1024  # bytes
# How long a request may take to put the pieces together; after that another may try.
LEASE = timedelta(minutes=15)
# How long an upload that stopped is kept, so that it can go on.
ABANDONED = timedelta(days=1)

IN_PROGRESS = "There is already an upload in progress"
NO_AUDIO = "File has no audio stream"


class UploadRefused(Exception):
    """Why a piece was not taken, or why the whole is of no use."""


class UploadTooLarge(Exception):
    """More than RECORDING_MAX_BYTES."""


def take_part(transcript: Transcript, number: int, total: int, content: "File[bytes]") -> bool:
    """Keep one piece, numbered from 0. True when the file is whole now, and taken.

    Raises UploadRefused and UploadTooLarge.
    """
    _open(transcript, number, total)
    name = storages["recordings"].save(f"{FOLDER}/{transcript.pk}/{number:05}-{secrets.token_hex(8)}", content)
    try:
        lease = _record(transcript, number, total, name, content.size)
    except (UploadRefused, UploadTooLarge):
        places.delete_files([name])
        raise
    if lease is None:
        return False
    try:
        _assemble(transcript, lease)
    except UploadRefused:
        _forget(Upload.objects.filter(pk=transcript.pk, lease_until=lease))
        raise
    return True


def forget_abandoned(dry_run: bool = False) -> int:
    """Remove uploads that stopped long ago, and files that no row knows because a process was killed. How many."""
    stopped = Upload.objects.filter(changed_at__lte=timezone.now() - ABANDONED)
    orphans = list(_orphans())
    count = stopped.count() + len(orphans)
    if not dry_run:
        _forget(stopped)
        places.delete_files(orphans)
    return count


def _open(transcript: Transcript, number: int, total: int) -> None:
    """Piece 0 sent again begins a new upload: its pieces must not be mixed with those of another file."""
    with transaction.atomic():
        held = Transcript.objects.select_for_update().get(pk=transcript.pk)
        upload = Upload.objects.filter(pk=held.pk).first()
        _require_free(held, upload)
        if upload and number == 0 and (upload.total != total or upload.parts.filter(number=0).exists()):
            _forget(Upload.objects.filter(pk=held.pk))
        elif upload and upload.total != total:
            raise UploadRefused(IN_PROGRESS)
        Upload.objects.update_or_create(
            transcript=held, defaults={"total": total, "changed_at": timezone.now(), "lease_until": None}
        )


def _require_free(transcript: Transcript, upload: Upload | None) -> None:
    if transcript.locked:
        raise UploadRefused("Transcript is locked")
    is_assembling = upload is not None and upload.lease_until is not None and upload.lease_until > timezone.now()
    if is_assembling or transcript.status not in {Status.IDLE, Status.ERROR}:
        raise UploadRefused(IN_PROGRESS)


def _record(transcript: Transcript, number: int, total: int, name: str, size: int) -> datetime | None:
    """The lease under which this request is to put the pieces together, when it brought the last one."""
    with transaction.atomic():
        upload = Upload.objects.select_for_update().filter(pk=transcript.pk, total=total, lease_until=None).first()
        if upload is None:
            raise UploadRefused(IN_PROGRESS)
        others = upload.parts.exclude(number=number)
        if size + (others.aggregate(size=Sum("size"))["size"] or 0) > settings.RECORDING_MAX_BYTES:
            raise UploadTooLarge
        earlier = list(upload.parts.filter(number=number).values_list("file", flat=True))
        upload.parts.update_or_create(number=number, defaults={"file": name, "size": size})
        transaction.on_commit(lambda: places.delete_files(earlier))
        if others.count() + 1 < total:
            return None
        upload.lease_until = timezone.now() + LEASE
        upload.save(update_fields=["lease_until"])
        return upload.lease_until


def _assemble(transcript: Transcript, lease: datetime) -> None:
    parts = list(UploadPart.objects.filter(upload=transcript.pk).order_by("number"))
    with tempfile.TemporaryFile() as whole:
        sha256 = _join(parts, cast(BinaryIO, whole))
        info = _look_into(cast(BinaryIO, whole))
        whole.seek(0)
        name = storages["recordings"].save(f"{FOLDER}/{transcript.pk}/whole-{secrets.token_hex(8)}", File(whole))
    recording = Recording(
        kind=Recording.Kind.UPLOAD,
        state=Recording.State.STORED,
        file=name,
        size=sum(part.size for part in parts),
        sha256=sha256,
        content_type=info.content_type,
        duration=info.duration,
        has_video=info.has_video,
        recorded_at=transcript.created_at,
    )
    if not _take(transcript, lease, recording):
        places.delete_files([name])
        raise UploadRefused(IN_PROGRESS)


def _take(transcript: Transcript, lease: datetime, recording: Recording) -> bool:
    """Make the file the transcript's recording and have it transcribed. False when another request was quicker."""
    with transaction.atomic():
        held = Transcript.objects.select_for_update().get(pk=transcript.pk)
        upload = Upload.objects.filter(pk=held.pk, lease_until=lease)
        if not upload.exists():
            return False
        if held.recording:
            deletion.delete_everywhere(held.recording, [held.audio_file] if held.audio_file else [])
        recording.save()
        held.recording, held.status, held.duration = recording, Status.UPLOADED, recording.duration or 0.0
        held.audio_file, held.audio_deleted = "", False
        touch(held)
        HandOff.objects.create(recording=recording).nudge_on_commit()
        _forget(upload)
    logger.info("upload_taken transcript=%s recording=%s bytes=%s", held.pk, recording.pk, recording.size)
    return True


def _join(parts: list[UploadPart], whole: BinaryIO) -> str:
    """Write all parts one after the other; the SHA-256 of the whole."""
    digest = hashlib.sha256()
    for part in parts:
        with open_stored(part.file) as file:
            while piece := file.read(PIECE):
                whole.write(piece)
                digest.update(piece)
    return digest.hexdigest()


def _look_into(whole: BinaryIO) -> MediaInfo:
    try:
        info = probe(whole)
    except NotMedia as error:
        raise UploadRefused(NO_AUDIO) from error
    if not info.has_audio:
        raise UploadRefused(NO_AUDIO)
    return info


def _forget(uploads: QuerySet[Upload]) -> None:
    names = list(UploadPart.objects.filter(upload__in=uploads).values_list("file", flat=True))
    uploads.delete()
    transaction.on_commit(lambda: places.delete_files(names))


def _orphans() -> Iterator[str]:
    """Old files in the folder of uploads that belong to nothing."""
    storage, oldest = storages["recordings"], timezone.now() - ABANDONED
    for folder in _names(FOLDER)[0]:
        for file in _names(f"{FOLDER}/{folder}")[1]:
            name = f"{FOLDER}/{folder}/{file}"
            known = UploadPart.objects.filter(file=name).exists() or Recording.objects.filter(file=name).exists()
            if not known and storage.get_modified_time(name) <= oldest:
                yield name


def _names(folder: str) -> tuple[list[str], list[str]]:
    """Folders and files in it; none where it is not there."""
    try:
        folders, files = storages["recordings"].listdir(folder)
    except FileNotFoundError:
        return [], []
    return folders, files
