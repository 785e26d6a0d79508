"""Rows that are work (`platforms.durable`) in Admin: their state, their error, and a way to run them again."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from platforms.durable import Work

if TYPE_CHECKING:
    WorkModelAdmin = admin.ModelAdmin[Any]
else:
    WorkModelAdmin = admin.ModelAdmin

SHORT = 120  # characters of a text in a list


def shortened(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


class WorkAdmin(WorkModelAdmin):
    """Subclasses put what the work is about into `about`; nothing of a row is changed by hand."""

    about: ClassVar[list[str]] = ["__str__"]

    change_form_template = "admin/work_change_form.html"
    list_filter = ["state"]
    ordering = ["-created_at", "-pk"]
    exclude = ["lease_token"]
    readonly_fields = ["created_at", "finished_at"]
    actions = ["run_again"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*self.about, "state", "attempts", "next_attempt_at", "error"]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_run_again_permission(self, request: HttpRequest) -> bool:
        """Whoever may change such rows may have them run again, which is the only change there is."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    @admin.display(description="error")
    def error(self, work: Work) -> str:
        return shortened(work.last_error)

    @admin.action(description="Run again", permissions=["run_again"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Work]) -> None:
        chosen = self.model._default_manager.filter(pk__in=queryset.order_by().values("pk"))
        with transaction.atomic():
            running = chosen.filter(state=Work.State.RUNNING).count()
            works = list(chosen.exclude(state=Work.State.RUNNING).select_for_update())
            chosen.run_again()
            LogEntry.objects.log_actions(request.user.pk, works, CHANGE, "Run again.")  # type: ignore[arg-type]
            for work in works:
                work.nudge_on_commit()
        if works:
            self.message_user(request, f"To be run again: {len(works)}.", messages.SUCCESS)
        if running:
            self.message_user(request, f"Running at this moment and left alone: {running}.", messages.WARNING)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.run_again_view)
        return [path("<path:object_id>/run-again/", view, name=self._url_name("run_again")), *super().get_urls()]

    def run_again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_run_again_permission(request):
            raise PermissionDenied
        work = self.get_object(request, unquote(object_id))
        if work is None:
            raise Http404
        self.run_again(request, self.model._default_manager.filter(pk=work.pk))
        return HttpResponseRedirect(reverse(f"admin:{self._url_name('change')}", args=[quote(work.pk)]))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if self.has_run_again_permission(request) and (work := kwargs.get("obj")):
            context["run_again_url"] = reverse(f"admin:{self._url_name('run_again')}", args=[quote(work.pk)])
        return super().render_change_form(request, context, *args, **kwargs)

    def _url_name(self, view: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{view}"
