"""Changing a transcript line by line, for its owner's page. Answers are JSON, as the page goes on where it is."""

import math
import uuid
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from rest_framework import exceptions

from recordings.pages.clock import as_clock
from recordings.pages.transcript.access import own_or_404, refuse
from recordings.transcription.voices import next_number
from recordings.transcripts import editing
from recordings.transcripts.access import find_own

LONGEST_LINE = 10_000  # characters
LARGEST_NUMBER, LARGEST_ID = 2**31 - 1, 2**63 - 1
MOST_CORRECTIONS = 1000  # that the page lists
CHANGED = gettext_lazy("This line was changed meanwhile. Please load the page again.")


class CorrectionForm(forms.Form):
    line = forms.IntegerField(min_value=1, max_value=LARGEST_ID)
    before = forms.CharField(max_length=1_000_000, strip=False, required=False)
    text = forms.CharField(
        max_length=LONGEST_LINE, error_messages={"required": gettext_lazy("Please type what was said in this line.")}
    )

    def clean_text(self) -> str:
        return " ".join(self.cleaned_data["text"].split())


class AssignForm(forms.Form):
    line = forms.IntegerField(min_value=1, max_value=LARGEST_ID)
    until = forms.FloatField(required=False)
    speaker = forms.IntegerField(min_value=0, max_value=LARGEST_NUMBER, required=False)
    name = forms.CharField(max_length=255, required=False)

    def clean_until(self) -> float:
        until = self.cleaned_data["until"]
        return until if until is not None and math.isfinite(until) else -1.0

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("speaker") is None and not self.cleaned_data.get("name"):
            raise forms.ValidationError(_("Please choose who said this, or type a name."))
        return self.cleaned_data


@require_POST
@never_cache
def correct(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    own_or_404(request.user, transcript_id)
    form = CorrectionForm(request.POST)
    if not form.is_valid():
        return _invalid(form)
    line, before, after = (form.cleaned_data[name] for name in ("line", "before", "text"))
    try:
        with transaction.atomic():
            transcript = find_own(request.user, str(transcript_id), lock=True)
            segment = editing.correct(transcript, request.user, line, before, after)
    except editing.Changed:
        return JsonResponse({"detail": CHANGED}, status=409)
    return JsonResponse({"text": segment.text})


@require_POST
@never_cache
def assign(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    own_or_404(request.user, transcript_id)
    form = AssignForm(request.POST)
    if not form.is_valid():
        return _invalid(form)
    line, until, speaker, name = (form.cleaned_data[key] for key in ("line", "until", "speaker", "name"))
    try:
        with transaction.atomic():
            transcript = find_own(request.user, str(transcript_id), lock=True)
            number = next_number(transcript) if speaker is None else speaker
            editing.assign_lines(transcript, line, until, number, name if speaker is None else "")
    except editing.Changed:
        return JsonResponse({"detail": CHANGED}, status=409)
    return JsonResponse({"speaker": number})


@require_safe
@never_cache
def corrections(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    """Who let which line say what else, newest first."""
    try:
        transcript = find_own(request.user, str(transcript_id))
    except (exceptions.PermissionDenied, exceptions.NotFound) as error:
        return refuse(request, error)
    found = transcript.corrections.select_related("user")[:MOST_CORRECTIONS]
    shown = [{"clock": as_clock(one.start), "correction": one} for one in found]
    return render(request, "recordings/corrections.html", {"transcript": transcript, "corrections": shown})


def _invalid(form: forms.Form) -> JsonResponse:
    [words, *_] = [message for messages in form.errors.values() for message in messages]
    return JsonResponse({"detail": words}, status=422)
