"""Changing one's own password by a page, for everybody who has an account."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache

from rooms import logins


class PasswordForm(PasswordChangeForm):
    """Whoever finds somebody's session has no more attempts at the password than at a login."""

    def clean_old_password(self) -> str:
        try:
            logins.count_for_account(self.user)
        except logins.TooManyAttempts as error:
            raise ValidationError(gettext(logins.TOO_MANY), code="too_many") from error
        password: str = super().clean_old_password()
        logins.forget([self.user])
        return password


@method_decorator(never_cache, name="dispatch")
class PasswordPage(PasswordChangeView):
    form_class = PasswordForm
    template_name = "registration/password.html"
    success_url = "/account"

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        messages.success(
            self.request, gettext("The password is changed. Log in anew elsewhere, and make new API keys.")
        )
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)
