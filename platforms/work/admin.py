"""Jobs (`platforms.work.models`) in Admin: their state, their error, and a way to run them again."""

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
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin.input import ReadOnlyAdmin
from platforms.work.models import Job

if TYPE_CHECKING:
    JobModelAdmin = admin.ModelAdmin[Any]
else:
    JobModelAdmin = admin.ModelAdmin

SHORT = 120  # characters of a text in a list


def shortened(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


class JobAdmin(ReadOnlyAdmin, JobModelAdmin):
    """Subclasses put what the work is about into `about`; nothing of a row is changed by hand."""

    about: ClassVar[list[str]] = ["__str__"]

    change_form_template = "admin/work_change_form.html"
    list_filter = ["state"]
    ordering = ["-pk"]  # which counts up, as they are made
    exclude = ["lease_token"]
    readonly_fields = ["created_at", "finished_at"]
    actions = ["run_again"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*self.about, "state", "attempts", "next_attempt_at", "error"]

    def has_run_again_permission(self, request: HttpRequest) -> bool:
        """Whoever may change such rows may have them run again, which is the only change there is."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    @admin.display(description=gettext_lazy("error"))
    def error(self, job: Job) -> str:
        return shortened(job.last_error)

    @admin.action(description=gettext_lazy("Run again"), permissions=["run_again"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        chosen = self.model._default_manager.filter(pk__in=queryset.order_by().values("pk"))
        with transaction.atomic():
            running = chosen.filter(state=Job.State.RUNNING).count()
            jobs = list(chosen.exclude(state=Job.State.RUNNING).select_for_update())
            chosen.run_again()
            LogEntry.objects.log_actions(request.user.pk, jobs, CHANGE, "Run again.")  # type: ignore[arg-type]
            for job in jobs:
                job.enqueue_on_commit()
        if jobs:
            self.message_user(request, _("To be run again: {count}.").format(count=len(jobs)), messages.SUCCESS)
        if running:
            self.message_user(
                request,
                _("Running at this moment and left alone: {count}.").format(count=running),
                messages.WARNING,
            )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.run_again_view)
        return [path("<path:object_id>/run-again/", view, name=self._url_name("run_again")), *super().get_urls()]

    def run_again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_run_again_permission(request):
            raise PermissionDenied
        job = self.get_object(request, unquote(object_id))
        if job is None:
            raise Http404
        self.run_again(request, self.model._default_manager.filter(pk=job.pk))
        return HttpResponseRedirect(reverse(f"admin:{self._url_name('change')}", args=[quote(job.pk)]))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if self.has_run_again_permission(request) and (job := kwargs.get("obj")):
            context["run_again_url"] = reverse(f"admin:{self._url_name('run_again')}", args=[quote(job.pk)])
        return super().render_change_form(request, context, *args, **kwargs)

    def _url_name(self, view: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{view}"
