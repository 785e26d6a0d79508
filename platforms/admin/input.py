"""What stands in an address of Admin is input from outside: lists can be asked what their filters ask, and no more."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, ORDER_VAR, ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest, FieldDoesNotExist, ValidationError
from django.db import DataError, models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from platforms.admin.paging import BoundedPaginator
from platforms.admin.searching import BoundedSearch
from platforms.audit import trail
from platforms.listing import COUNTED

LONGEST_SEARCH = 1000  # characters; databases refuse patterns of some ten thousand
MOST_WORDS = 50  # each is one more condition, of which databases take some hundred

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = object


class CarefulChangeList(ChangeList):
    model_admin: "CarefulAdmin"

    def get_filters(self, request: HttpRequest) -> Any:
        """Django lets an address ask about any field by any lookup, so that what no page shows could be guessed.

        Here it may ask what a filter of the list asks, or what a page of this product links to.
        """
        if any("\x00" in text for values in self.filter_params.values() for text in values):
            raise IncorrectLookupParameters
        found = super().get_filters(request)
        if foreign := found[2].keys() - self.model_admin.linked_lookups:
            raise DisallowedModelAdminLookup(f"Filtering by {', '.join(sorted(foreign))} not allowed")
        return found

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """That of the list, where an address asks for one that the heads of the columns do not offer."""
        if not all(map(self._offers_order, self.params.get(ORDER_VAR, "").split("."))):
            del self.params[ORDER_VAR]
        return list(super().get_ordering(request, queryset))

    def _offers_order(self, asked: str) -> bool:
        try:
            column = self.list_display[int(asked.rpartition("-")[2])]
        except (ValueError, IndexError):
            return True  # it is no order at all
        return column in (self.sortable_by or ())

    def get_results(self, request: HttpRequest) -> None:
        """What only the database finds out about a value, such as a date beyond its calendar."""
        try:
            super().get_results(request)
        except (DataError, ValueError, OverflowError) as error:
            raise IncorrectLookupParameters from error
        self.counted = COUNTED if self.result_count > COUNTED else 0  # where there are more than that
        searched_all = not self.query or not self.model_admin.beyond_the_searched(request)
        self.searched = 0 if searched_all else COUNTED


class CarefulAutocomplete(AutocompleteSelect):
    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        """What was sent and refused is looked up once more for the form that says so, if there can be such a row."""
        keys = [key for key in value if is_key(self.field.remote_field.model, key)]
        return super().optgroups(name, keys, attrs)


class CarefulAdmin(BoundedSearch, AnyModelAdmin):
    """Goes before ModelAdmin, in every class that is registered."""

    linked_lookups: frozenset[str] = frozenset()
    paginator = BoundedPaginator
    show_full_result_count = False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Says so where the whole list is shown because what was asked for cannot be."""
        if request.method == "GET" and ERROR_FLAG in request.GET:
            self.message_user(request, _("There can be no such row: this is the whole list."), messages.WARNING)
        title = capfirst(self.opts.verbose_name_plural)
        response = super().changelist_view(request, {"title": title, **(extra_context or {})})
        context = getattr(response, "context_data", None) or {}
        if "cl" in context and context["cl"].counted:
            context["selection_note_all"] = _("All selected, also those that are not counted")
        return response

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Also of what was made in a window that another form opened."""
        trail.concerns(request, obj.pk)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """What is stored is in English, whoever did it."""
        with translation.override(settings.LANGUAGE_CODE):
            return super().log_change(request, obj, str(message) if isinstance(message, Promise) else message)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CarefulChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """For lists, and for fields that complete what is typed."""
        if "\x00" in search_term or len(search_term) > LONGEST_SEARCH or len(search_term.split()) > MOST_WORDS:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What an address fills into a form, as far as it can be meant."""
        filled_in: dict[str, Any] = super().get_changeform_initial_data(request)
        return {name: value for name, value in filled_in.items() if self._can_be(name, value)}

    def _can_be(self, name: str, value: Any) -> bool:
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return True
        if not isinstance(field, models.ForeignKey | models.ManyToManyField):
            return True
        keys = value if isinstance(value, list) else [value]
        return all(is_key(field.related_model, key) for key in keys)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", CarefulAutocomplete(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any) -> HttpResponse | None:
        if not all(is_key(self.model, text) for text in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest(_("What was chosen is no row of this list."))
        return super().response_action(request, queryset, *args)


class ReadOnly:
    """Rows that are shown, and neither made nor changed here; goes before ModelAdmin, or before an inline."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyRows(ReadOnly):
    """The same for an inline."""

    extra = 0
    can_delete = False


class ReadOnlyAdmin(ReadOnly, CarefulAdmin):
    """Rows that are not deleted here either."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_key(model: Any, text: Any) -> bool:
    """Whether a row of the model can have this key."""
    field = model._meta.pk
    try:
        field.run_validators(field.to_python(text))
    except ValidationError:
        return False
    return "\x00" not in str(text)
