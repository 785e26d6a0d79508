"""Fields of the rollout's page whose values are lists: a plan's stages, its guards, and an order of platforms."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.handler import get_available_platforms, platform_label
from rooms.rollout.check import of_stages
from rooms.rollout.guard_settings import guards_of, settings_of
from rooms.rollout.guards import DEFAULTS

STAGE_COLUMNS = {
    "percentage": gettext_lazy("Percentage"),
    "minimum_hours": gettext_lazy("At least, hours"),
    "minimum_meetings": gettext_lazy("At least, meetings"),
}
GUARD_COLUMNS = {
    "on": gettext_lazy("Watched"),
    "limit": gettext_lazy("Limit"),
    "tolerated": gettext_lazy("Times the other platform's"),
    "minimum": gettext_lazy("From so many meetings on"),
    "within_minutes": gettext_lazy("Within minutes"),
}
SPARE_ROWS = 2
LEAST_ROWS = 4


class TableWidget(forms.Widget):
    """A table of inputs; the value is what each row holds, by column."""

    template_name = "admin/rooms/rollout/table.html"
    columns: Mapping[str, str | Promise] = {}
    column_of_labels: str | Promise = ""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = []
        while any(f"{name}-{len(rows)}-{column}" in data for column in self.columns) and len(rows) < 100:
            start = f"{name}-{len(rows)}-"
            rows.append({column: str(data.get(start + column, "")).strip() for column in self.columns})
        return rows

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not any(f"{name}-0-{column}" in data for column in self.columns)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        rows = [
            (label, [self.cell(f"{name}-{number}-{column}", label, column, row) for column in self.columns])
            for number, (label, row) in enumerate(self.rows(value or []))
        ]
        context["widget"] |= {"rows": rows, "columns": self.columns.values(), "corner": self.column_of_labels}
        return context

    def rows(self, value: Sequence[Mapping[str, Any]]) -> Sequence[tuple[str, Mapping[str, Any] | None]]:
        raise NotImplementedError

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        """By the templates of pages: those of forms look into packages only."""
        return render_to_string(template_name, context)

    def cell(self, name: str, label: str, column: str, row: Mapping[str, Any] | None) -> dict[str, Any]:
        value = row.get(column, "") if row else ""
        is_box = column == "on"
        said = f"{label}: {self.columns[column]}"
        return {
            "name": name,
            "value": "" if value is None else value,
            "label": said,
            "is_box": is_box,
            "is_left_out": row is not None and column not in row,
        }


class StagesWidget(TableWidget):
    columns = STAGE_COLUMNS
    column_of_labels = gettext_lazy("Stage")

    def rows(self, value: Sequence[Mapping[str, Any]]) -> Sequence[tuple[str, Mapping[str, Any] | None]]:
        whole = [{**dict.fromkeys(self.columns, ""), **stage} for stage in value]
        spare = [None] * max(SPARE_ROWS, LEAST_ROWS - len(whole))
        return [(str(number), row) for number, row in enumerate([*whole, *spare], 1)]


class GuardsWidget(TableWidget):
    columns = GUARD_COLUMNS
    column_of_labels = gettext_lazy("Guard")

    def rows(self, value: Sequence[Mapping[str, Any]]) -> Sequence[tuple[str, Mapping[str, Any] | None]]:
        usual = settings_of(DEFAULTS)
        return [
            (f"{guard.label} ({guard.unit})", {key: row.get(key, "") for key in usual[guard.name]})
            for guard, row in zip(DEFAULTS, value, strict=False)
        ]


class StagesField(forms.Field):
    widget = StagesWidget

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        rows = [row for row in value or [] if any(row.values())]
        stages = [{column: number_of(text) for column, text in row.items() if text} for row in rows]
        if problem := of_stages(stages):
            raise ValidationError(problem)
        return stages


class GuardsField(forms.Field):
    widget = GuardsWidget

    def prepare_value(self, value: Any) -> list[Mapping[str, Any]]:
        """Of what is stored, what each guard is set to; what was sent stays as it was typed."""
        if isinstance(value, list):
            return value
        return list(settings_of(guards_of(value or {})).values())

    def to_python(self, value: Any) -> dict[str, dict[str, Any]]:
        """Only what is not as by default, so that better defaults of a later version count."""
        usual = settings_of(DEFAULTS)
        given = {guard.name: _typed(row, usual[guard.name]) for guard, row in zip(DEFAULTS, value or [], strict=False)}
        whole = settings_of(guards_of(given))
        others = {name: _others(settings, usual[name]) for name, settings in whole.items()}
        return {name: settings for name, settings in others.items() if settings}


def _typed(row: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {column: number_of(text) for column, text in row.items() if column in known and column != "on" and text}
    return {"on": bool(row.get("on")), **numbers}


def _others(settings: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value != usual[key]}


class OrderField(forms.CharField):
    """Names of platforms with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return [name.strip() for name in str(value or "").split(",") if name.strip()]


def order_help() -> str:
    names = ", ".join(f"{name} ({platform_label(name)})" for name in get_available_platforms())
    return _("Names with commas between them, the first one first; empty for none. There are: {names}.").format(
        names=names
    )


def number_of(text: str) -> Any:
    """The number, whole where it is; what is none stays as it was typed, for the check to name."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
