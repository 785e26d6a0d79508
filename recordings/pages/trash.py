"""What somebody has put into the trash: to take out again, or to delete for good."""

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from rest_framework import exceptions

from recordings.models import Transcript
from recordings.privacy import deletion
from recordings.transcripts.access import find_deleted, listed_for

SIZE = 20  # transcripts on a page


@require_safe
@never_cache
@login_required
def trash(request: HttpRequest) -> HttpResponse:
    page = Paginator(cast(Any, listed_for(request.user, deleted=True)), SIZE).get_page(request.GET.get("page"))
    return render(request, "recordings/trash.html", {"page": page, "trash_days": settings.TRASH_DAYS})


@require_POST
@login_required
def restore(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    return _change(request, transcript_id, deletion.restore, gettext_lazy("“{title}” is out of the trash."))


@require_POST
@login_required
def destroy(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    return _change(request, transcript_id, deletion.destroy, gettext_lazy("“{title}” was deleted for good."))


def _change(
    request: HttpRequest, transcript_id: uuid.UUID, change: Callable[[Transcript], bool], told: Any
) -> HttpResponse:
    try:
        transcript = find_deleted(request.user, str(transcript_id))
    except (exceptions.NotFound, exceptions.PermissionDenied) as error:
        raise Http404 from error
    title = str(transcript)
    if change(transcript):
        messages.success(request, told.format(title=title))
    else:
        messages.error(request, _("“{title}” is not in the trash any more.").format(title=title))
    return redirect("trash")
