"""Who may see a transcript's page is the API's rule; here are its refusals as pages have them."""

import uuid
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions

from recordings.models import Transcript
from recordings.transcripts.access import find_own, find_transcript


def refuse(request: HttpRequest, error: exceptions.APIException) -> HttpResponse:
    """Somebody who is not signed in may be the one who may read it."""
    if isinstance(error, exceptions.NotFound):
        raise Http404 from error
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    raise PermissionDenied from error


def readable_or_404(user: Any, transcript_id: uuid.UUID) -> Transcript:
    """For what scripts ask for, which can show no login page."""
    return _or_refused(find_transcript, user, transcript_id)


def own_or_404(user: Any, transcript_id: uuid.UUID) -> Transcript:
    """For what scripts change."""
    return _or_refused(find_own, user, transcript_id)


def _or_refused(find: Any, user: Any, transcript_id: uuid.UUID) -> Transcript:
    try:
        found: Transcript = find(user, str(transcript_id))
    except exceptions.NotFound as error:
        raise Http404 from error
    except exceptions.PermissionDenied as error:
        raise PermissionDenied from error
    return found
