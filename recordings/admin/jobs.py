"""The work about recordings in Admin: fetching, transcribing, deleting."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.work.admin import JobAdmin
from recordings.admin.actions import left_alone
from recordings.intake import register
from recordings.models import Erasure, Ingest, Recording, Submission, Summary, TranscriptMail, ZulipPost


class RecordingJobAdmin(JobAdmin):
    """Running it again begins with the recording's state: without that, the work would find nothing to do."""

    about = ["recording"]
    list_select_related = ["recording"]
    search_fields = ["recording__provider_recording_id", "recording__room_name", "last_error"]

    @admin.action(description=gettext_lazy("Run again"), permissions=["run_again"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        jobs = list(queryset.select_related("recording"))
        done = sum(self._begin_anew(request, job) for job in jobs)
        if done:
            self.message_user(request, _("To be run again: {count}.").format(count=done), messages.SUCCESS)
        if left := len(jobs) - done:
            self.message_user(
                request,
                left_alone(left),
                messages.WARNING,
            )

    def begin_anew(self, recording: Recording) -> bool:
        raise NotImplementedError

    def _begin_anew(self, request: HttpRequest, job: Ingest | Submission) -> bool:
        with transaction.atomic():
            begun = self.begin_anew(job.recording)
            if begun:
                self.log_change(request, job, "Run again.")
        return begun


@admin.register(Ingest)
class IngestAdmin(RecordingJobAdmin):
    def begin_anew(self, recording: Recording) -> bool:
        return register.fetch_again(recording)


@admin.register(Submission)
class SubmissionAdmin(RecordingJobAdmin):
    exclude = ["lease_token", "checkpoint"]

    def begin_anew(self, recording: Recording) -> bool:
        return register.submit_again(recording)


@admin.register(Erasure)
class ErasureAdmin(JobAdmin):
    about = ["recording", "location", "gone_at"]
    list_filter = ["state", "location"]
    readonly_fields = ["gone_at", *JobAdmin.readonly_fields]
    list_select_related = ["recording"]
    search_fields = ["recording__provider_recording_id", "recording__room_name", "last_error"]


@admin.register(TranscriptMail)
class TranscriptMailAdmin(JobAdmin):
    about = ["recipient", "transcript_id"]
    search_fields = ["recipient", "last_error"]
    fields = [
        *("recipient", "include_link", "is_logged", "transcript_id", "state", "attempts", "next_attempt_at"),
        *("last_error", "created_at", "finished_at"),
    ]
    readonly_fields = ["is_logged", "transcript_id", *JobAdmin.readonly_fields]


@admin.register(ZulipPost)
class ZulipPostAdmin(JobAdmin):
    about = ["stream", "topic", "transcript_id"]
    search_fields = ["stream", "topic", "last_error"]
    fields = [
        *("stream", "topic", "transcript_id", "message_id", "state", "attempts", "next_attempt_at", "last_error"),
        *("created_at", "finished_at"),
    ]
    readonly_fields = ["transcript_id", "message_id", *JobAdmin.readonly_fields]


@admin.register(Summary)
class SummaryAdmin(JobAdmin):
    ordering = ["-created_at", "-pk"]
    about = ["transcript_id"]
    search_fields = ["last_error"]
    fields = ["transcript_id", "state", "attempts", "next_attempt_at", "last_error", "created_at", "finished_at"]
    readonly_fields = ["transcript_id", *JobAdmin.readonly_fields]
