from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from platforms.models import StaffNotice

if TYPE_CHECKING:
    StaffNoticeModelAdmin = admin.ModelAdmin[StaffNotice]
else:
    StaffNoticeModelAdmin = admin.ModelAdmin


@admin.register(StaffNotice)
class StaffNoticeAdmin(StaffNoticeModelAdmin):
    """What was wrong and when; notices are opened and resolved by what they are about, never by hand."""

    list_display = ["text", "opened_at", "last_seen_at", "sightings", "resolved_at"]
    list_filter = [("resolved_at", admin.EmptyFieldListFilter)]
    search_fields = ["key", "text"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
