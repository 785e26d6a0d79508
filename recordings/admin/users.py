"""Deleting an account: what is its owner's is handed over or deleted first, as whoever deletes it decides."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin.input import CarefulAdmin
from recordings.privacy import ownership
from rooms.passwords import EndsApiKeys

User = get_user_model()
if TYPE_CHECKING:
    UserModelAdmin = UserAdmin[Any]
    ChangeForm = AdminPasswordChangeForm[Any]
else:
    UserModelAdmin, ChangeForm = UserAdmin, AdminPasswordChangeForm

HAND_OVER, DESTROY = "hand over", "destroy"


class BelongingsForm(forms.Form):
    what = forms.ChoiceField(label=gettext_lazy("Rooms, transcripts and recordings"), widget=forms.RadioSelect)
    heir = forms.ModelChoiceField(User.objects.none(), required=False, label=gettext_lazy("To whom"))

    def __init__(self, *args: Any, user: Any, may_destroy: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(HAND_OVER, _("Hand all of it over"))]
        if may_destroy:
            choices.append((DESTROY, _("Delete all of it for good, in every place")))
        self.fields["what"].choices = choices  # type: ignore[attr-defined]
        self.fields["heir"].queryset = User.objects.filter(is_active=True).exclude(pk=user.pk)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("what") == HAND_OVER and not values.get("heir") and "heir" not in self.errors:
            self.add_error("heir", _("Choose who is to have it."))
        return values


admin.site.unregister(User)


class PasswordForm(ChangeForm):
    """Switching the password off ends the API keys as a new one does."""

    def save(self, commit: bool = True) -> Any:
        user = super().save(commit)
        EndsApiKeys().password_changed("", user)
        return user


admin.site.unregister(Group)


@admin.register(Group)
class CarefulGroupAdmin(CarefulAdmin, GroupAdmin):
    pass


@admin.register(User)
class OwningUserAdmin(CarefulAdmin, UserModelAdmin):
    change_password_form = PasswordForm

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        user = self.get_object(request, unquote(object_id))
        if user is None or not self.has_delete_permission(request, user):
            return super().delete_view(request, object_id, extra_context)
        found = ownership.belongings_of(user)
        if not found.exist():
            return super().delete_view(request, object_id, extra_context)
        return self._ask(request, user, found)

    def _ask(self, request: HttpRequest, user: Any, found: ownership.Belongings) -> HttpResponse:
        """Once nothing is left, the same address asks whether the account is to be deleted."""
        may_destroy = request.user.has_perms(["recordings.delete_recording", "rooms.delete_room"])
        form = BelongingsForm(request.POST or None, user=user, may_destroy=may_destroy)
        if request.method == "POST" and form.is_valid():
            self._do(request, user, form.cleaned_data)
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Delete the account of {user}").format(user=user),
        }
        context |= {"account": user, "found": found, "form": form}
        return TemplateResponse(request, "admin/auth/user/belongings.html", context)

    def _do(self, request: HttpRequest, user: Any, wanted: dict[str, Any]) -> None:
        with transaction.atomic():
            if wanted["what"] == DESTROY:
                ownership.destroy(user)
                done: Any = gettext_lazy(
                    "All that was theirs is deleted, or will be as soon as every place can be reached."
                )
            else:
                ownership.hand_over(user, wanted["heir"])
                done = format_lazy(gettext_lazy("All that was theirs belongs to {heir} now."), heir=wanted["heir"])
            self.log_change(request, user, done)
        self.message_user(request, done, messages.SUCCESS)
