"""Transcripts as staff see them: which there are and whose. What was said is for those who may read it."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from recordings.models import Transcript
from rooms.admin_search import SearchById

if TYPE_CHECKING:
    TranscriptModelAdmin = admin.ModelAdmin[Transcript]
else:
    TranscriptModelAdmin = admin.ModelAdmin


@admin.register(Transcript)
class TranscriptAdmin(SearchById, TranscriptModelAdmin):
    list_display = ["name", "room", "user", "status", "source_kind", "share_mode", "created_at", "deleted_at"]
    list_filter = ["status", "source_kind", "audio_deleted", "created_at"]
    list_select_related = ["room", "user"]
    search_fields = ["name", "room__name", "user__username", "user__email"]
    show_full_result_count = False
    fields = [
        *("name", "room", "user", "recording", "status", "note", "source_kind", "share_mode", "source_language"),
        *("duration", "audio_deleted", "created_at", "deleted_at"),
    ]
    readonly_fields = ["created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
