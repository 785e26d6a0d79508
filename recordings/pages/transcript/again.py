"""Having a transcript written anew, in the language that its owner says."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from recordings.intake.register import submit_again
from recordings.models import Recording, Submission, Transcript
from recordings.pages.languages import language_choices
from recordings.pages.progress import is_stored
from recordings.pages.transcript.access import own_or_404
from recordings.transcripts.access import locked

STARTED = gettext_lazy("It is being transcribed again.")
NOT_NOW = gettext_lazy("It cannot be transcribed again: its audio is gone, or it is being transcribed.")
LOCKED = gettext_lazy("It is locked, so it stays as it is.")
NO_LANGUAGE = gettext_lazy("Please choose one of the languages that are offered.")

OF_LANGUAGES = "language"  # stands in every note that another choice may help

State = Recording.State


def offer(transcript: Transcript, recording: Any) -> dict[str, Any]:
    """What the form needs; nothing where it would lead to nothing. The recording comes from `with_fate`."""
    choices = language_choices()
    is_idle = recording.state in (State.DONE, State.FAILED) and not (recording.being_deleted or recording.deleted_at)
    if not choices or transcript.locked or not is_idle or not is_stored(recording):
        return {}
    job = Submission.objects.filter(recording=recording).only("language").first()
    chosen = job.language if job and job.language is not None else transcript.source_language
    is_advised = len(choices) > 1 and OF_LANGUAGES in transcript.note
    return {"languages": choices, "language": chosen, "is_advised": is_advised}


@login_required
@never_cache
@require_POST
def transcribe_again(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    transcript = own_or_404(request.user, transcript_id)
    language, choices = request.POST.get("language", ""), language_choices()
    if not choices or (language and language not in dict(choices)):
        messages.error(request, NO_LANGUAGE)
    elif transcript.locked:
        messages.warning(request, LOCKED)
    elif _start(transcript, language):
        messages.success(request, STARTED)
    else:
        messages.warning(request, NOT_NOW)
    return redirect("transcript", transcript_id)


def _start(transcript: Transcript, language: str) -> bool:
    """The recording first, as the worker that brings a result locks them."""
    with transaction.atomic():
        if not transcript.recording or not submit_again(transcript.recording, language):
            return False
        held = locked(transcript)
        held.status = Transcript.Status.UPLOADED
        held.touch()
    return True
