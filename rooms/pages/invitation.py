"""Making one's own account, for who was invited. Why an invitation does not count is told to nobody."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from platforms.visible import visible
from rooms import co_owners, invitations

OPENED = "invitation"  # where the session keeps which one was opened


if TYPE_CHECKING:
    PasswordForm = SetPasswordForm[Any]
else:
    PasswordForm = SetPasswordForm


class AcceptForm(PasswordForm):
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)

    field_order = ["first_name", "last_name", "new_password1", "new_password2"]

    def filled_in(self) -> Any:
        """The account, which is not saved."""
        self.user.first_name = visible(self.cleaned_data["first_name"])
        self.user.last_name = visible(self.cleaned_data["last_name"])
        return super().save(commit=False)


@never_cache
@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """The link's secret is in no address after it, which logs and other pages might learn."""
    request.session[OPENED] = str(invitations.key_in(token) or "")
    return redirect("invitation")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_page(request: HttpRequest) -> HttpResponse:
    invitation = invitations.find_open(request.session.get(OPENED))
    if invitation is None:
        return render(request, "registration/invitation.html", status=410)
    named = {"first_name": invitation.first_name, "last_name": invitation.last_name}
    form = AcceptForm(
        invitations.new_user(invitation), request.POST if request.method == "POST" else None, initial=named
    )
    if form.is_valid():
        user = form.filled_in()
        if not invitations.accept(invitation, user):
            return render(request, "registration/invitation.html", status=410)
        del request.session[OPENED]
        login(request, user)
        messages.success(request, gettext("The account is yours. You are signed in."))
        if invitation.room and not invitation.room.is_run_by(user):
            refused = gettext("You do not run the room %(name)s.") % {"name": invitation.room.label}
            messages.warning(request, f"{refused} {co_owners.full()}")
        return redirect("home")
    context = {"invitation": invitation, "form": form}
    return render(request, "registration/invitation.html", context, status=422 if form.is_bound else 200)
