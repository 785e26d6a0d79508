"""Signing in by a page, with the same accounts and the same limit on attempts as by the API."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from rooms.api.account_views import user_with
from rooms.api.throttling import LoginThrottle


class LoginForm(AuthenticationForm):
    error_messages = {
        "invalid_login": "The e-mail address or the password is not right.",
        "inactive": "This account is switched off.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail address or user name"

    def clean(self) -> dict[str, Any]:
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if username and password and self.request:
            self.user_cache = user_with(Request(self.request), username, password)
            if self.user_cache is None:
                raise self.get_invalid_login_error()
        return self.cleaned_data


class LoginPage(LoginView):
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        throttle = LoginThrottle()
        if throttle.allow_request(Request(request), self):
            return super().post(request, *args, **kwargs)
        # The form is not bound, as that would try the password.
        context = self.get_context_data(form=LoginForm(request), is_throttled=True)
        headers = {"Retry-After": str(round(throttle.wait()))}
        return self.response_class(request, self.get_template_names(), context, status=429, headers=headers)
