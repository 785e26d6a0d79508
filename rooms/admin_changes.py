"""Decisions in Admin: what was decided, by whom and why, and taking it back."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin.input import ReadOnlyAdmin
from rooms.admin_preview import CONFIRM, ROWS, note_of, preview_page
from rooms.models import Change, Rollout, Room
from rooms.permissions import may_see_rollout, staff_may_change
from rooms.platform_change import choice_label
from rooms.rollout.undo import CannotUndo, preview_undo, undo
from rooms.rollout.words import problems_of, time_of, told, who

if TYPE_CHECKING:
    ChangeModelAdmin = admin.ModelAdmin[Change]
else:
    ChangeModelAdmin = admin.ModelAdmin


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin, ChangeModelAdmin):
    list_display = ["summary_line", "at", "decided_by", "kind", "note", "is_undone"]
    list_filter = ["kind"]
    list_select_related = ["by"]
    search_fields = ["summary", "note", "by__username"]
    linked_lookups = frozenset({"kind__exact"})
    fields = ["time", "decided_by", "why", "undoes"]
    change_form_template = "admin/rooms/change/change_form.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("undone_by")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_rollout(request.user)

    @admin.display(description=gettext_lazy("decision"), ordering="summary")
    def summary_line(self, change: Change) -> str:
        return change.summary

    @admin.display(description=gettext_lazy("by"), ordering="by__username")
    def decided_by(self, change: Change) -> str:
        return who(change)

    @admin.display(description=gettext_lazy("when"))
    def time(self, change: Change) -> str:
        return time_of(change.at)

    @admin.display(description=gettext_lazy("why"))
    def why(self, change: Change) -> str:
        return change.note

    @admin.display(description=gettext_lazy("taken back"), boolean=True)
    def is_undone(self, change: Change) -> bool:
        return bool(change.undone_by.all())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.undo_view)
        return [path("<path:object_id>/undo/", view, name="rooms_change_undo"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        change: Change = kwargs["obj"]
        records = Room.history.filter(change=change, moved=True).order_by("name", "history_id")
        page = Paginator(records, ROWS).get_page(request.GET.get("page"))
        moves = [(record, choice_label(record.left), choice_label(record.platform)) for record in page]
        undone = change.undone_by.first()
        context |= {
            "title": _("Decision"),
            "moves": moves,
            "page": page,
            "undone": undone and told(undone),
            "undo_url": _undo_address(change) if may_undo(request, change) else "",
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def undo_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        change = self.get_object(request, unquote(object_id))
        if change is None:
            raise Http404
        if not may_undo(request, change):
            raise PermissionDenied
        everything = "everything" in request.POST
        try:
            if request.method == "POST" and CONFIRM in request.POST:
                undone = undo(change, request.user, note_of(request), everything=everything)
                return HttpResponseRedirect(change_address(undone))
            return self.show_undoing(request, change)
        except CannotUndo as error:
            problems = [str(error)]
        except ValidationError as error:
            problems = problems_of(error)
        for problem in problems:
            self.message_user(request, problem, messages.ERROR)
        return HttpResponseRedirect(change_address(change))

    def show_undoing(self, request: HttpRequest, change: Change) -> HttpResponse:
        undoing = preview_undo(change)
        since = [_("Changed since, and left as it is: {change}").format(change=each) for each in undoing.changed_since]
        return preview_page(
            request,
            undoing.preview,
            title=_("Take back: {summary}").format(summary=change.summary),
            hidden=[],
            address=_undo_address(change),
            cancel=change_address(change),
            back_to=_("Decision"),
            warnings=since,
            differences=undoing.restores if change.kind == Change.Kind.ROLLOUT else [],
            changed_since=since,
            confirm_label=_("Undo"),
        )


def may_undo(request: HttpRequest, change: Change) -> bool:
    return staff_may_change(request.user, Rollout if change.kind == Change.Kind.ROLLOUT else Room)


def change_address(change: Change) -> str:
    return reverse("admin:rooms_change_change", args=[change.pk])


def _undo_address(change: Change) -> str:
    return reverse("admin:rooms_change_undo", args=[change.pk])
