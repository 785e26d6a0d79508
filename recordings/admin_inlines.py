"""What belongs to a recording, as tables on its page that are only looked at."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recordings.models import Destruction, HandOff, Ingest, Recording, Track

if TYPE_CHECKING:
    Table = admin.TabularInline[Any, Recording]
else:
    Table = admin.TabularInline


def clock(seconds: float | None) -> str:
    return "" if seconds is None else str(timedelta(seconds=round(max(0.0, seconds))))


class ReadOnlyTable(Table):
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TrackInline(ReadOnlyTable):
    model = Track
    show_change_link = False
    fields = ["participant", "medium", "offset", "length", "size", "state", "error", "listen"]
    readonly_fields = ["length", "listen"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Track]:
        return super().get_queryset(request).select_related("participant")

    @admin.display(description="duration")
    def length(self, track: Track) -> str:
        return clock(track.duration)

    @admin.display(description="play")
    def listen(self, track: Track) -> SafeString | str:
        if not track.file or track.state != Track.State.STORED:
            return ""
        address = reverse("admin:recordings_recording_track", args=[track.recording_id, track.pk])
        return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">Play</a>', address)


class IngestInline(ReadOnlyTable):
    model = Ingest
    verbose_name_plural = "Fetching"
    fields = ["state", "attempts", "next_attempt_at", "last_error"]


class HandOffInline(ReadOnlyTable):
    model = HandOff
    verbose_name_plural = "Transcribing"
    fields = ["state", "attempts", "next_attempt_at", "last_error"]


class DestructionInline(ReadOnlyTable):
    model = Destruction
    verbose_name_plural = "Deleting"
    readonly_fields = ["gone_at"]
    fields = ["place", "only_video", "gone_at", "state", "attempts", "next_attempt_at", "last_error"]
