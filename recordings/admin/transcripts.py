"""Transcripts as staff see them: which there are and whose. What was said is for those who may read it."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from platforms.admin.input import CarefulAdmin
from recordings.models import Transcript
from rooms.admin_search import SearchById, people_called, rooms_called

if TYPE_CHECKING:
    TranscriptModelAdmin = admin.ModelAdmin[Transcript]
else:
    TranscriptModelAdmin = admin.ModelAdmin

SHOWN = (
    *("name", "room", "user", "recording", "status", "note", "source_kind", "share_mode", "source_language"),
    *("duration", "audio_deleted", "created_at", "deleted_at"),
)


@admin.register(Transcript)
class TranscriptAdmin(CarefulAdmin, SearchById, TranscriptModelAdmin):
    list_display = ["name", "room", "user", "status", "source_kind", "share_mode", "created_at", "deleted_at"]
    list_filter = ["status", "source_kind", "audio_deleted", "created_at", ("user", admin.EmptyFieldListFilter)]
    list_select_related = ["room", "user"]
    search_fields = ["name", "room__name", "user__username", "user__email"]
    fields = SHOWN
    autocomplete_fields = ["user"]

    def whole(self, term: str) -> list[Q]:
        return [Q(room__in=rooms_called(term)), Q(user__in=people_called(term))]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Transcript | None = None) -> bool:
        """What is nobody's can be given to somebody; nothing else is changed here."""
        return obj is not None and obj.user_id is None and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Transcript | None = None) -> list[str]:
        return [name for name in SHOWN if name != "user"]

    def save_model(self, request: HttpRequest, obj: Transcript, form: Any, change: bool) -> None:
        obj.is_everybodys = obj.is_everybodys and obj.user_id is None
        obj.touch()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
