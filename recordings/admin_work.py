"""The work about recordings in Admin: fetching, transcribing, deleting."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from platforms.admin_work import WorkAdmin
from recordings import reporting
from recordings.admin_actions import left_alone
from recordings.models import Destruction, HandOff, Ingest, Recording


class RecordingWorkAdmin(WorkAdmin):
    """Running it again begins with the recording's state: without that, the work would find nothing to do."""

    about = ["recording"]
    list_select_related = ["recording"]
    search_fields = ["recording__provider_recording_id", "recording__room_name", "last_error"]

    @admin.action(description="Run again", permissions=["run_again"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        works = list(queryset.select_related("recording"))
        done = sum(self._begin_anew(request, work) for work in works)
        if done:
            self.message_user(request, f"To be run again: {done}.", messages.SUCCESS)
        if left := len(works) - done:
            self.message_user(
                request,
                left_alone(left),
                messages.WARNING,
            )

    def begin_anew(self, recording: Recording) -> bool:
        raise NotImplementedError

    def _begin_anew(self, request: HttpRequest, work: Ingest | HandOff) -> bool:
        with transaction.atomic():
            begun = self.begin_anew(work.recording)
            if begun:
                self.log_change(request, work, "Run again.")
        return begun


@admin.register(Ingest)
class IngestAdmin(RecordingWorkAdmin):
    def begin_anew(self, recording: Recording) -> bool:
        return reporting.fetch_again(recording)


@admin.register(HandOff)
class HandOffAdmin(RecordingWorkAdmin):
    exclude = ["lease_token", "kept"]

    def begin_anew(self, recording: Recording) -> bool:
        return reporting.hand_off_again(recording)


@admin.register(Destruction)
class DestructionAdmin(WorkAdmin):
    about = ["recording", "place", "gone_at"]
    list_filter = ["state", "place"]
    readonly_fields = ["gone_at", *WorkAdmin.readonly_fields]
    list_select_related = ["recording"]
    search_fields = ["recording__provider_recording_id", "recording__room_name", "last_error"]
