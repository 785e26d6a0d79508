"""The rollout's page in Admin: what holds, and deciding on it after a look at what that would mean."""

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from platforms.admin.input import CarefulAdmin, is_key
from rooms.admin_changes import change_address
from rooms.admin_forms import platform_field
from rooms.admin_preview import CONFIRM, LONGEST_NOTE, note_of, preview_page
from rooms.admin_rollout_widgets import GuardsField, OrderField, StagesField, order_help
from rooms.api.rollout_views import ChangeRolloutSerializer
from rooms.models import Change, Rollout
from rooms.permissions import may_see_rollout, staff_may_change
from rooms.rollout.decide import Outdated, after_edits, decide
from rooms.rollout.describe import as_json, described, sentence
from rooms.rollout.preview import preview_rollout, preview_values
from rooms.rollout.values import LISTS, RolloutValues, of_record, of_row, present
from rooms.rollout.words import LABELS, changes_after, differences, environment_differs, problems_of

if TYPE_CHECKING:
    RolloutModelAdmin = admin.ModelAdmin[Rollout]
    RolloutModelForm = forms.ModelForm[Rollout]
else:
    RolloutModelAdmin = admin.ModelAdmin
    RolloutModelForm = forms.ModelForm

EDITABLE = [
    *("switched_on", "target_platform", "percentage", "default_platform"),
    *("listed_rooms", "held_back_rooms", "groups"),
    *("stages", "on_breach", "guards"),
    *("failover_allowed", "failover_order"),
]
FIELDSETS: list[tuple[str | Promise | None, list[str]]] = [
    (gettext_lazy("Where rooms open"), EDITABLE[:4]),
    (gettext_lazy("Rooms and people"), EDITABLE[4:7]),
    (gettext_lazy("Plan"), EDITABLE[7:10]),
    (gettext_lazy("Failing over"), EDITABLE[10:]),
    (gettext_lazy("This decision"), ["note", "seen_version"]),
]


class ManyRows(AutocompleteSelectMultiple):
    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        """What was sent and refused is looked up once more, if there can be such a row."""
        return super().optgroups(name, [key for key in value if is_key(self.field.remote_field.model, key)], attrs)


class RolloutForm(RolloutModelForm):
    stages = StagesField(
        label=gettext_lazy("Stages"),
        required=False,
        help_text=gettext_lazy("Each with more than the one before. Empty rows are left out."),
    )
    guards = GuardsField(label=gettext_lazy("Guards"), required=False)
    failover_order = OrderField(label=gettext_lazy("Failover order"), required=False)
    note = forms.CharField(
        label=gettext_lazy("Why"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("For the history."),
    )
    seen_version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    class Meta:
        model = Rollout
        fields = EDITABLE
        labels = {
            **LABELS,
            "switched_on": gettext_lazy("Master switch is on"),
            "failover_allowed": gettext_lazy("Failing over is allowed"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        rollout = Rollout.objects.filter(pk=Rollout.ONLY).first()
        values = of_row(rollout)
        shown = {name: getattr(values, name) for name in EDITABLE}
        lists = {name: list(shown[name]) for name in LISTS}
        version = rollout.version if rollout else 0
        kwargs["initial"] = {**shown, **lists, "seen_version": version, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.fields["failover_order"].help_text = order_help()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                after_edits(present(), self.edits())
            except ValidationError as error:
                self.add_error(None, error)
        return cleaned

    def edits(self) -> dict[str, Any]:
        """What is another than on the page that was shown, so that what others decided meanwhile stays."""
        typed = {name: self.cleaned_data[name] for name in EDITABLE if name in self.cleaned_data}
        typed |= {name: frozenset(row.pk for row in typed[name]) for name in LISTS if name in typed}
        shown = self._as_shown()
        return {name: value for name, value in typed.items() if value != getattr(shown, name)}

    def _as_shown(self) -> RolloutValues:
        """By the version that the page was made of."""
        record = Rollout.history.filter(version=self.cleaned_data.get("seen_version") or 0).first()
        return of_record(record) if record and record.version else present()


@admin.register(Rollout)
class RolloutAdmin(CarefulAdmin, RolloutModelAdmin):
    form = RolloutForm
    autocomplete_fields = ["listed_rooms", "held_back_rooms", "groups"]
    change_form_template = "admin/rooms/rollout/change_form.html"

    class Media:
        css = {"all": ["rooms/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_rollout(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return staff_may_change(request.user, Rollout)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        return [path("preview/", view, name="rooms_rollout_preview"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one; whoever asks the list something is answered as by any other."""
        if request.GET or not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(page_address())

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Rollout | None:
        """Also before anybody decided."""
        if object_id != str(Rollout.ONLY):
            return None
        return Rollout.objects.filter(pk=Rollout.ONLY).first() or Rollout(pk=Rollout.ONLY)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if not self.has_change_permission(request):
            return [(None, {"fields": ["what_holds"]})]
        return [(title, {"fields": names}) for title, names in FIELDSETS]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if self.has_change_permission(request) else ["what_holds"]

    @admin.display(description=gettext_lazy("What holds"))
    def what_holds(self, rollout: Rollout) -> SafeString:
        return render_to_string("admin/rooms/rollout/values.html", {"lines": described()})

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name in ("default_platform", "target_platform"):
            return _platform_field(str(db_field.verbose_name).capitalize(), db_field.help_text)
        if db_field.name in ("stages", "guards", "failover_order"):
            return None  # the form has its own
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name in LISTS:
            field.widget.can_add_related = False
        return field

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(
            db_field, request, **{"widget": ManyRows(db_field, self.admin_site), **kwargs}
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            form_class: Any = self.get_form(request, None, change=True)
            form = form_class(request.POST, instance=Rollout(pk=Rollout.ONLY))
            if form.is_valid():
                return self.show_preview(request, form.edits(), form.cleaned_data["seen_version"])
        rollout = Rollout.objects.filter(pk=Rollout.ONLY).first()
        context = {
            "title": _("Rollout"),
            "sentence": sentence(),
            "environment_differs": environment_differs(rollout),
            "changes": Change.objects.filter(kind=Change.Kind.ROLLOUT).select_related("by")[:5],
            "show_save_and_continue": False,
        }
        return super().changeform_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(f"{reverse('admin:rooms_change_changelist')}?kind__exact={Change.Kind.ROLLOUT}")

    @method_decorator(require_POST)
    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """What `edits` would mean, in JSON as the API takes them; with the button pressed, the decision itself."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        sent = ChangeRolloutSerializer(data=_json_of(request.POST.get("edits", "")))
        version = request.POST.get("version", "")
        if not sent.is_valid() or not (version.isdecimal() or not version):
            return self.refuse(request, [_("What was sent cannot be read. Please decide once more.")])
        edits, seen = sent.edits(), int(version) if version else None
        if CONFIRM not in request.POST:
            return self.show_preview(request, edits, seen)
        try:
            told = preview_rollout(edits).sentences()[0]
            change = decide(edits, request.user, note_of(request), seen)
        except Outdated:
            return self.show_preview(request, edits, seen)
        except ValidationError as error:
            return self.refuse(request, problems_of(error))
        if change is None:
            return self.refuse(request, [_("Nothing was changed: it is so already.")], messages.INFO)
        self.message_user(request, _("Decided, from the next meetings on. {told}").format(told=told), messages.SUCCESS)
        return HttpResponseRedirect(change_address(change))

    def show_preview(self, request: HttpRequest, edits: dict[str, Any], seen: int | None) -> HttpResponse:
        """The whole of it anew where somebody decided since; then the version that is confirmed is the present one."""
        rollout = Rollout.objects.filter(pk=Rollout.ONLY).first()
        now, version = of_row(rollout), rollout.version if rollout else 0
        try:
            values = after_edits(now, edits)
        except ValidationError as error:
            return self.refuse(request, problems_of(error))
        changes = differences(now, values)
        if not changes:
            return self.refuse(request, [_("Nothing was changed: it is so already.")], messages.INFO)
        return preview_page(
            request,
            preview_values(values),
            title=_("What this decision would mean"),
            hidden=[("edits", json.dumps(as_json(edits))), ("version", version)],
            address=reverse("admin:rooms_rollout_preview"),
            cancel=page_address(),
            back_to=_("Rollout"),
            warnings=_meanwhile(seen, version),
            differences=changes,
        )

    def refuse(self, request: HttpRequest, problems: list[str], level: int = messages.ERROR) -> HttpResponse:
        for problem in problems:
            self.message_user(request, problem, level)
        return HttpResponseRedirect(page_address())


def page_address() -> str:
    return reverse("admin:rooms_rollout_change", args=[Rollout.ONLY])


def _platform_field(label: str, help_text: str) -> forms.TypedChoiceField:
    """With the reason at each platform that cannot be used."""
    field = platform_field(with_automatic=False)
    field.required, field.label, field.help_text = True, label, help_text
    return field


def _meanwhile(seen: int | None, version: int) -> list[str]:
    if seen is None or seen == version:
        return []
    return [
        _("The rollout was changed meanwhile. Nothing of that is lost: your decision is shown on top of it."),
        *changes_after(seen),
    ]


def _json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
