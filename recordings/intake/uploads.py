"""Files that people send in pieces. Once whole and found to hold audio, one is a recording like any other."""

import hashlib
import logging
import secrets
from datetime import datetime, timedelta
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from recordings.intake.joined import joined
from recordings.intake.quotas import QuotaUsedUp, require_hours
from recordings.media.info import MediaInfo, NotMedia, Unreadable, longest_in
from recordings.media.probe import probe
from recordings.models import Recording, Submission, Transcript, Upload, UploadPart
from recordings.privacy import deletion, erasure
from recordings.privacy.uploads import FOLDER, forget
from recordings.storage.free_space import NoRoom, drafts, is_full, require_room, require_room_in_storage
from recordings.transcription.voices import forget_voices

logger = logging.getLogger(__name__)

Status = Transcript.Status

MOST_PARTS = 10_000
PIECE_BYTES = 1024 * 1024
# How long a request may take to put the pieces together; after that another may try.
LEASE = timedelta(minutes=15)

IN_PROGRESS = "There is already an upload in progress"
NO_AUDIO = "File has no audio stream"
TOO_SPARSE = "File is almost empty for the time that it says it lasts"
UNREADABLE = "File takes too much time or memory to read"
TOO_LARGE = "The file is too large."
OVER_QUOTA = "All that you have uploaded would be too much. Delete some of it for good first."


class UploadRefused(Exception):
    """Why a piece was not taken, or why the whole is of no use."""


class UploadTooLarge(Exception):
    """More than RECORDING_MAX_BYTES, or than UPLOAD_QUOTA_MB for all that one person has sent."""


def take_part(transcript: Transcript, number: int, total: int, content: "File[bytes]") -> bool:
    """Keep one piece, numbered from 0. True when the file is whole now, and taken.

    Raises UploadRefused, UploadTooLarge, NoRoom and QuotaUsedUp.
    """
    _require_quota(transcript, content.size)
    require_hours(transcript.user)
    _open(transcript, number, total)
    name = _save(f"{FOLDER}/{transcript.pk}/{number:05}-{secrets.token_hex(8)}", content, content.size)
    try:
        lease = _record(transcript, number, total, name, content.size)
    except (UploadRefused, UploadTooLarge):
        erasure.delete_files([name])
        raise
    if lease is None:
        return False
    try:
        _assemble(transcript, lease)
    except (UploadRefused, QuotaUsedUp):
        forget(Upload.objects.filter(pk=transcript.pk, lease_until=lease))
        raise
    except Exception:  # nothing that the pieces are to blame for: the last one may be sent again
        Upload.objects.filter(pk=transcript.pk, lease_until=lease).update(lease_until=None)
        raise
    return True


def _open(transcript: Transcript, number: int, total: int) -> None:
    """Piece 0 sent again begins a new upload: its pieces must not be mixed with those of another file."""
    with transaction.atomic():
        held = Transcript.objects.select_for_update().get(pk=transcript.pk)
        upload = Upload.objects.filter(pk=held.pk).first()
        _require_free(held, upload)
        if upload and number == 0 and (upload.total != total or upload.parts.filter(number=0).exists()):
            forget(Upload.objects.filter(pk=held.pk))
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
            raise UploadTooLarge(TOO_LARGE)
        earlier = list(upload.parts.filter(number=number).values_list("file", flat=True))
        upload.parts.update_or_create(number=number, defaults={"file": name, "size": size})
        transaction.on_commit(lambda: erasure.delete_files(earlier))
        if others.count() + 1 < total:
            return None
        upload.lease_until = timezone.now() + LEASE
        upload.save(update_fields=["lease_until"])
        return upload.lease_until


def require_room_for(size: int) -> None:
    """Before a body of so many bytes is read: it is written to this machine's disk first. Raises as `take_part`."""
    if size > settings.RECORDING_MAX_BYTES + PIECE_BYTES:
        raise UploadTooLarge(TOO_LARGE)
    require_room(drafts(), size)
    require_room_in_storage(size)


def _require_quota(transcript: Transcript, size: int) -> None:
    """People who are not signed in share one. What is in the trash counts: it is there."""
    pieces = UploadPart.objects.filter(upload__transcript__user=transcript.user_id)
    whole = Recording.objects.filter(kind=Recording.Kind.UPLOAD, transcript__user=transcript.user_id).exclude(file="")
    held = sum(found.aggregate(size=Sum("size"))["size"] or 0 for found in (pieces, whole))
    if held + size > settings.UPLOAD_QUOTA:
        raise UploadTooLarge(OVER_QUOTA)


def _save(name: str, content: "File[bytes]", size: int) -> str:
    """Put a file into the storage, as long as there is room."""
    require_room_in_storage(size)
    try:
        return storages["recordings"].save(name, content)
    except OSError as error:
        erasure.delete_files([name])  # what fitted
        if is_full(error):
            raise NoRoom from error
        raise


def _assemble(transcript: Transcript, lease: datetime) -> None:
    """A file that came in one piece is taken as it is; of several one copy is made."""
    parts = list(UploadPart.objects.filter(upload=transcript.pk).order_by("number"))
    size = sum(part.size for part in parts)
    with joined(parts) as whole:
        info = _probe(whole)
        _require_density(info, size)
        require_hours(transcript.user, info.duration)
        sha256 = _digest(whole)
        name = parts[0].file
        if len(parts) > 1:
            name = _save(f"{FOLDER}/{transcript.pk}/whole-{secrets.token_hex(8)}", File(whole), size)
    recording = Recording(
        kind=Recording.Kind.UPLOAD,
        uploaded_by=transcript.user,
        state=Recording.State.STORED,
        file=name,
        size=size,
        sha256=sha256,
        content_type=info.content_type,
        duration=info.duration,
        has_video=info.has_video,
        recorded_at=transcript.created_at,
    )
    if not _take(transcript, lease, recording):
        if len(parts) > 1:
            erasure.delete_files([name])
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
            forget_voices(held)
        recording.save()
        held.recording, held.status, held.duration = recording, Status.UPLOADED, recording.duration or 0.0
        held.audio_file, held.audio_deleted, held.waveform = "", False, []
        held.touch()
        Submission.objects.create(recording=recording).enqueue_on_commit()
        forget(upload, keep=recording.file)
    logger.info("upload_taken transcript=%s recording=%s bytes=%s", held.pk, recording.pk, recording.size)
    return True


def _digest(whole: BinaryIO) -> str:
    """SHA-256, from the beginning."""
    digest = hashlib.sha256()
    whole.seek(0)
    while piece := whole.read(PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _probe(whole: BinaryIO) -> MediaInfo:
    try:
        info = probe(whole)
    except Unreadable as error:
        raise UploadRefused(UNREADABLE) from error
    except NotMedia as error:
        raise UploadRefused(NO_AUDIO) from error
    if not info.has_audio:
        raise UploadRefused(NO_AUDIO)
    return info


def _require_density(info: MediaInfo, size: int) -> None:
    if info.duration > longest_in(size):
        raise UploadRefused(TOO_SPARSE)
