"""What belongs to a recording, as tables on its page that are only looked at."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from platforms.admin.input import ReadOnlyRows
from recordings.models import Erasure, Ingest, Recording, Submission, Track

if TYPE_CHECKING:
    Table = admin.TabularInline[Any, Recording]
else:
    Table = admin.TabularInline


def clock(seconds: float | None) -> str:
    return "" if seconds is None else str(timedelta(seconds=round(max(0.0, seconds))))


class ReadOnlyTable(ReadOnlyRows, Table):
    show_change_link = True


class TrackInline(ReadOnlyTable):
    model = Track
    show_change_link = False
    fields = ["participant", "medium", "offset", "length", "size", "state", "error", "listen"]
    readonly_fields = ["length", "listen"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Track]:
        return super().get_queryset(request).select_related("participant")

    @admin.display(description=gettext_lazy("duration"))
    def length(self, track: Track) -> str:
        return clock(track.duration)

    @admin.display(description=gettext_lazy("play"))
    def listen(self, track: Track) -> SafeString | str:
        if not track.file or track.state != Track.State.STORED:
            return ""
        address = reverse("admin:recordings_recording_track", args=[track.recording_id, track.pk])
        return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', address, _("Play"))


class IngestInline(ReadOnlyTable):
    model = Ingest
    verbose_name_plural = pgettext_lazy("work", "Fetching")
    fields = ["state", "attempts", "next_attempt_at", "last_error"]


class SubmissionInline(ReadOnlyTable):
    model = Submission
    verbose_name_plural = pgettext_lazy("work", "Transcribing")
    fields = ["state", "attempts", "next_attempt_at", "last_error"]


class ErasureInline(ReadOnlyTable):
    model = Erasure
    verbose_name_plural = pgettext_lazy("work", "Deleting")
    readonly_fields = ["gone"]
    fields = ["location", "only_video", "gone", "state", "attempts", "next_attempt_at", "last_error"]

    @admin.display(description=gettext_lazy("gone at"))
    def gone(self, erasure: Erasure) -> datetime | str | None:
        return _("kept there: it cannot be deleted") if erasure.is_kept else erasure.gone_at
