"""Static files as they are served without DEBUG: under names that change with their content."""

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from re import Match
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Modules name each other so as well, or a page would run a new one with others that a browser still keeps."""

    support_js_module_import_aggregation = True

    def url_converter(self, name: str, hashed_files: Any, template: str | None = None) -> Callable[[Match[str]], str]:
        """The code of providers stays as it was published, and so does what it says of files that were not."""
        if "vendor" in PurePosixPath(name).parts:
            return lambda match: match[0]
        converter: Callable[[Match[str]], str] = super().url_converter(name, hashed_files, template)
        return converter


def collect_changed() -> bool:
    """Collect them, unless all are as they were the last time: that takes seconds of each start."""
    kept, present = Path(settings.DATA_DIR) / "static-collected", _fingerprint()
    is_there = (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file()
    if is_there and kept.is_file() and kept.read_text() == present:
        return False
    kept.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    kept.write_text(present)
    return True


def _fingerprint() -> str:
    """Of the files and of the code here, by where they are, how long, and when they were written."""
    found = [Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([])]
    digest = hashlib.sha256(str(settings.STORAGES["staticfiles"]).encode())
    for path in [Path(__file__), *found]:
        stat = path.stat()
        digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
