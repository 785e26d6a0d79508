"""Signing in by a page, with the same accounts and the same limits on attempts as by the API."""

import math
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rooms import logins, second_factor, sign_in_entries
from rooms.oidc import sign_in


class LoginForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("The e-mail address, the user name or the password is not right."),
        "inactive": _("This account is switched off."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("E-mail address or user name")

    def clean(self) -> dict[str, Any]:
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if username and password and self.request:
            self.user_cache = logins.log_in(self.request, username, password)
            if self.user_cache is None:
                raise self.get_invalid_login_error()
        return self.cleaned_data


class LoginPage(LoginView):
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"sends_mail": settings.EMAIL_IS_SENT, **outside_login()}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            logins.count_for_address(request)
            return super().post(request, *args, **kwargs)
        except logins.TooManyAttempts as error:
            return self._refuse(request, error)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        if not second_factor.is_on(form.get_user()):
            response = super().form_valid(form)
            sign_in_entries.signed_in(self.request, form.get_user())
            return response
        second_factor.wait_for_code(self.request, form.get_user())
        return redirect(reverse("login-code", query={"next": self.get_success_url()}))

    def _refuse(self, request: HttpRequest, error: logins.TooManyAttempts) -> HttpResponse:
        # The form is not bound, as that would try the password.
        context = self.get_context_data(form=LoginForm(request), is_throttled=True)
        headers = {"Retry-After": str(math.ceil(error.seconds_left))}
        return self.response_class(request, self.get_template_names(), context, status=429, headers=headers)


def outside_login() -> dict[str, str]:
    """What the button of the other way in says, where there is one."""
    return {"outside_name": settings.OIDC_NAME} if sign_in.is_offered() else {}


def refusal(request: HttpRequest, problem: str, status: int, seconds_left: float = 0) -> HttpResponse:
    """The login page, with why another way in did not lead anywhere."""
    page = LoginPage()
    page.setup(request)
    context = page.get_context_data(form=LoginForm(request), login_problem=gettext(problem), next="")
    headers = {"Retry-After": str(math.ceil(seconds_left))} if seconds_left else {}
    return page.response_class(request, page.get_template_names(), context, status=status, headers=headers)


class LogoutPage(LogoutView):
    """Only a form logs out; whoever opens the address is asked, as a link must not do it."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect("home")
        return render(request, "registration/logout.html")

    head = get

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        sign_in_entries.signed_out(request, request.user)
        return super().post(request, *args, **kwargs)
