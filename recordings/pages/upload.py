"""Sending in a file of one's own, by a page. The rules are the API's, where the file would come in pieces."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.files import File
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.utils.datastructures import MultiValueDictKeyError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from platforms.audit import trail
from platforms.limits import rates
from recordings.api.transcripts.serializers import CreateTranscriptSerializer
from recordings.api.transcripts.views import create
from recordings.intake import uploads
from recordings.intake.quotas import QuotaUsedUp, require_hours
from recordings.models import Transcript, Upload
from recordings.pages.languages import language_choices
from recordings.privacy.uploads import forget
from recordings.storage.free_space import NoRoom

LONGEST_NAME = 255
IN_PLAIN_WORDS = {
    uploads.NO_AUDIO: gettext_lazy(
        "There is no sound in this file, or it is no audio or video file that can be read here."
    ),
    uploads.TOO_SPARSE: gettext_lazy("There is almost nothing in this file for the time that it says it lasts."),
    uploads.UNREADABLE: gettext_lazy("This file takes too much time or memory to read."),
    uploads.OVER_QUOTA: gettext_lazy(
        "All that you have uploaded would be too much. Delete some of your uploads for good first."
    ),
}
NO_FILE = gettext_lazy("Please choose a file.")
EMPTY = gettext_lazy("This file is empty.")
NO_LANGUAGE = gettext_lazy("Please choose one of these languages.")
NO_ROOM = gettext_lazy("There is no room for this file on the server at present. Please try again later.")


class Refused(Exception):
    """The text is for whoever sent the file; `seconds_left` says when it may be tried again, if that helps."""

    def __init__(
        self, words: str | Promise, status: int = 422, seconds_left: float | None = None, field: str = "file"
    ) -> None:
        super().__init__(words)
        self.status = status
        self.seconds_left = seconds_left
        self.field = field


@csrf_exempt  # which the view sees to itself: Django would read the whole body first, whoever sends how much
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return show_form(request, {}, {})
    try:
        before_the_body_is_read(request)
    except Refused as error:
        return refuse(request, error, {})
    try:
        return take(request)
    except Refused as error:
        return refuse(request, error, request.POST)


def before_the_body_is_read(request: HttpRequest) -> None:
    try:
        rates.count("uploads", f"account {request.user.pk}")
        uploads.require_room_for(int(request.META.get("CONTENT_LENGTH") or 0))
        require_hours(request.user)
    except (rates.TooMany, uploads.UploadTooLarge, NoRoom, QuotaUsedUp) as error:
        raise in_plain_words(error) from error


@csrf_protect
def take(request: HttpRequest) -> HttpResponse:
    file, values = sent(request)
    transcript = create(request.user, values)
    try:
        uploads.take_part(transcript, 0, 1, file)
    except Exception as error:
        discard(transcript)
        raise in_plain_words(error) from error
    trail.concerns(request, transcript.pk)
    return redirect("transcript", transcript.pk)


def sent(request: HttpRequest) -> tuple["File[bytes]", dict[str, Any]]:
    try:
        file = cast("File[bytes]", request.FILES["file"])
    except MultiValueDictKeyError:
        raise Refused(NO_FILE) from None
    if not file.size:
        raise Refused(EMPTY)
    language = request.POST.get("language", "")
    if language and language not in dict(language_choices()):
        raise Refused(NO_LANGUAGE, field="language")
    name = request.POST.get("name", "").strip() or Path(file.name or "").stem[:LONGEST_NAME]
    serializer = CreateTranscriptSerializer(data={"name": name, "source_language": language})
    if not serializer.is_valid():
        raise Refused(" ".join(str(words) for words in serializer.errors.get("name", [NO_FILE])), field="name")
    return file, serializer.validated_data


def discard(transcript: Transcript) -> None:
    """Nobody has heard of it yet."""
    forget(Upload.objects.filter(pk=transcript.pk))
    transcript.delete()


def in_plain_words(error: Exception) -> Exception:
    """The error itself where it is none of those that a file may meet."""
    match error:
        case rates.TooMany():
            return Refused(str(error), 429, error.seconds_left)
        case QuotaUsedUp():
            return Refused(
                f"{error}. " + _("There is room again in {hours}.").format(hours=hours(error.seconds_left)),
                429,
                error.seconds_left,
            )
        case uploads.UploadTooLarge():
            too_large = _("This file is too large: {size} is the most.").format(size=filesizeformat(largest()))
            return Refused(IN_PLAIN_WORDS.get(str(error)) or too_large, 413)
        case uploads.UploadRefused():
            return Refused(IN_PLAIN_WORDS.get(str(error)) or str(error))
        case NoRoom():
            return Refused(NO_ROOM, 507, error.retry_after)
    return error


def largest() -> int:
    """Bytes."""
    return min(settings.RECORDING_MAX_BYTES, settings.UPLOAD_QUOTA)


def hours(seconds: float) -> str:
    count = max(1, round(seconds / 3600))
    return ngettext("an hour", "{count} hours", count).format(count=count)


def refuse(request: HttpRequest, error: Refused, values: Mapping[str, Any]) -> HttpResponse:
    response = show_form(request, values, {error.field: str(error)}, error.status)
    if error.seconds_left is not None:
        response["Retry-After"] = str(round(error.seconds_left))
    return response


def show_form(
    request: HttpRequest, values: Mapping[str, Any], errors: dict[str, str], status: int = 200
) -> HttpResponse:
    context = {
        "values": values,
        "errors": errors,
        "languages": language_choices(),
        "largest": largest(),
        "hours_a_day": settings.UPLOAD_HOURS_PER_DAY,
        "longest_name": LONGEST_NAME,
    }
    return render(request, "recordings/upload.html", context, status=status)
