"""The pictures that are shown in rooms: wherever they are stored, every machine can read them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from rooms.models import Room

FOLDER = "logos"


@contextmanager
def copied(logo: Any) -> Iterator[Path]:
    """A copy on this machine for a while, for those who take a path; the original may be in a bucket."""
    with tempfile.NamedTemporaryFile(suffix=".png") as copy:
        with logo.open("rb") as original:
            shutil.copyfileobj(original, copy)
        copy.flush()
        yield Path(copy.name)


@require_safe
def logo_view(request: HttpRequest, name: str) -> FileResponse:
    """Where Admin's link to a logo leads when logos are in a folder; a bucket gives links of its own."""
    if not request.user.has_perm("rooms.view_room"):
        raise PermissionDenied
    stored = f"{FOLDER}/{name}"
    if not Room.objects.filter(logo=stored).exists() or not default_storage.exists(stored):
        raise Http404
    response = FileResponse(default_storage.open(stored), content_type="image/png")
    response["Cache-Control"] = "private, no-store"
    return response
