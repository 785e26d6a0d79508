"""Uploads that are over: what was sent of them goes, and what nobody knows of any more."""

from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import storages
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from recordings.models import Recording, Upload, UploadPart
from recordings.privacy import erasure

FOLDER = "uploads"
# How long an upload that stopped is kept, so that it can go on.
ABANDONED = timedelta(hours=6)


def forget_abandoned(dry_run: bool = False) -> int:
    """Remove uploads that stopped, and files that no row knows because a process was killed. How many there were."""
    stopped = Upload.objects.filter(changed_at__lte=timezone.now() - ABANDONED)
    orphans = list(_orphans())
    count = stopped.count() + len(orphans)
    if not dry_run:
        forget(stopped)
        erasure.delete_files(orphans)
    return count


def forget(uploads: QuerySet[Upload], keep: str = "") -> None:
    parts = UploadPart.objects.filter(upload__in=uploads).exclude(file=keep)
    names = list(parts.values_list("file", flat=True))
    uploads.delete()
    transaction.on_commit(lambda: erasure.delete_files(names))


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
