"""What people answered about being recorded, one by one; nothing is answered for them here."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin.input import ReadOnlyAdmin
from recordings.models import Consent

if TYPE_CHECKING:
    ConsentModelAdmin = admin.ModelAdmin[Consent]
else:
    ConsentModelAdmin = admin.ModelAdmin


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin, ConsentModelAdmin):
    list_display = ["meeting_link", "answer", "who", "answered_at"]
    linked_lookups = frozenset({"meeting__id__exact"})
    list_display_links = None
    list_filter = ["given", "answered_at"]
    list_select_related = ["meeting", "user"]
    ordering = ["-answered_at"]
    search_fields = ["meeting__room_label", "name", "user__username", "user__email"]
    search_help_text = gettext_lazy("A room's name, or a person's name or e-mail address.")
    # Not the id: of somebody who is not signed in it is what lets them change their answer.
    fields = ["meeting", "given", "user", "name", "answered_at"]

    @admin.display(description=gettext_lazy("meeting"), ordering="meeting__start_date")
    def meeting_link(self, consent: Consent) -> SafeString:
        address = reverse("admin:meetings_meeting_change", args=[consent.meeting_id])
        return format_html('<a href="{}">{}</a>', address, consent.meeting)

    @admin.display(description=gettext_lazy("answer"), ordering="given")
    def answer(self, consent: Consent) -> str:
        return _("agreed") if consent.given else _("refused")

    @admin.display(description=gettext_lazy("who"), ordering="user__username")
    def who(self, consent: Consent) -> str:
        if consent.user:
            return consent.user.get_username()
        return (
            _("{name}, who was not signed in").format(name=consent.name)
            if consent.name
            else _("somebody who was not signed in")
        )
