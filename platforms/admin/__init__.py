import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from platforms.admin.input import ReadOnlyAdmin
from platforms.models import AuditEntry, NoticeMessage, StaffNotice, WebhookEvent
from platforms.work.admin import JobAdmin

if TYPE_CHECKING:
    StaffNoticeModelAdmin = admin.ModelAdmin[StaffNotice]
    AuditEntryModelAdmin = admin.ModelAdmin[AuditEntry]
else:
    StaffNoticeModelAdmin = AuditEntryModelAdmin = admin.ModelAdmin

logger = logging.getLogger(__name__)

RECENT = 5_000  # events among which the types to filter by are looked up
SHOWN = 100_000  # characters of a payload


@admin.register(StaffNotice)
class StaffNoticeAdmin(ReadOnlyAdmin, StaffNoticeModelAdmin):
    """What was wrong and when; notices are opened and resolved by what they are about, never by hand."""

    list_display = ["text", "opened_at", "last_seen_at", "sightings", "resolved_at"]
    list_filter = [("resolved_at", admin.EmptyFieldListFilter)]
    search_fields = ["key", "text"]


@admin.register(NoticeMessage)
class NoticeMessageAdmin(JobAdmin):
    """What people elsewhere were told of the notices."""

    about = ["text", "is_over", "channel"]
    list_filter = ["state", "channel", "is_over"]
    search_fields = ["text", "last_error"]


class KindFilter(admin.SimpleListFilter):
    """By what most entries are about: to look through all of them would take longer than the page."""

    title, parameter_name = gettext_lazy("kind"), "kind"
    KINDS = ("room", "secrets of a room", "meeting", "transcript", "recording", "account", "API key", "rollout", "user")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, _(kind)) for kind in self.KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin, AuditEntryModelAdmin):
    list_display = ["at", "person", "action", "kind", "object_id", "what", "via", "address"]
    list_filter = ["action", KindFilter, "via", "at"]
    search_help_text = gettext_lazy("The whole of an account's name, or of the id or name of what it was done to.")
    ordering = ["-at", "-pk"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        queryset, _ = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        return (queryset.filter(Q(person=term) | Q(object_id=term)) if term else queryset), False


class TypeFilter(admin.SimpleListFilter):
    """By type, as far as it came lately: to look through a million events would take longer than the page."""

    title, parameter_name = gettext_lazy("type"), "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        recent = WebhookEvent.objects.order_by("-received_at").values_list("type", flat=True)[:RECENT]
        return [(kind, kind) for kind in sorted(set(recent)) if kind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(WebhookEvent)
class WebhookEventAdmin(JobAdmin):
    """The inbox: what platforms reported, what became of it, and having it processed again."""

    about = ["received_at", "platform", "type", "room_name", "outcome"]
    change_list_template = "admin/webhook_inbox.html"
    list_filter = ["platform", "state", "outcome", TypeFilter]
    search_fields = ["event_id", "room_name", "meeting_id"]
    search_help_text = gettext_lazy("The whole of an event id, or of the provider's room name or meeting id.")
    ordering = ["-received_at", "-pk"]
    exclude = []
    fields = [
        *("platform", "type", "event_id", "room_name", "meeting_id", "received_at"),
        *("state", "outcome", "last_error", "attempts", "next_attempt_at", "lease_until", "finished_at", "payload"),
    ]
    readonly_fields = ["received_at", "finished_at", "payload"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        return WebhookEvent.objects.defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookEvent], search_term: str
    ) -> tuple[QuerySet[WebhookEvent], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(Q(event_id=term) | Q(room_name=term) | Q(meeting_id=term)), False

    @admin.action(description=gettext_lazy("Process again"), permissions=["run_again"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().run_again(request, queryset)

    @admin.display(description=gettext_lazy("payload"))
    def payload(self, event: WebhookEvent) -> SafeString:
        return format_html("<pre>{}</pre>", readable(bytes(event.body)))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.process_failed)
        return [path("process-failed/", view, name=self._url_name("process_failed")), *super().get_urls()]

    @method_decorator(require_POST)
    def process_failed(self, request: HttpRequest) -> HttpResponse:
        if not self.has_run_again_permission(request):
            raise PermissionDenied
        count = WebhookEvent.objects.filter(state=WebhookEvent.State.FAILED).run_again()
        WebhookEvent.enqueue()
        logger.info("webhook_events_run_again count=%s user=%s", count, request.user.pk)
        self.message_user(
            request, _("Failed events to be processed again: {count}.").format(count=count), messages.SUCCESS
        )
        return HttpResponseRedirect(reverse(f"admin:{self._url_name('changelist')}"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        failed = self.has_run_again_permission(request) and WebhookEvent.objects.filter(state="failed").count()
        return super().changelist_view(request, {**(extra_context or {}), "failed": failed})


def readable(body: bytes) -> str:
    """The JSON of a body with its indents, or what there is of one; fit for a page whatever it holds."""
    text = body.decode("utf-8", "backslashreplace")
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()[:SHOWN]
