"""Turning one's second factor on and off, and the step of signing in that asks for it."""

import math
from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from rooms import keyring, logins, second_factor, sign_in_entries
from rooms.pages.outside_login import BACKEND, safe_next
from rooms.pages.refused import refused

NEW_SECRET = "new_second_factor"  # noqa: S105  (where the session keeps it, encrypted, until it is confirmed)
NEW_CODES = "new_recovery_codes"  # and these until they are shown
WRONG_CODE = _("This code is not right, or was used already.")


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=second_factor.CODE_LENGTH,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"},
        ),
    )


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("Your password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        try:
            if not logins.is_password_of(self.user, password):
                raise forms.ValidationError(gettext("This is not your password."))
        except logins.TooManyAttempts as error:
            raise forms.ValidationError(gettext(logins.TOO_MANY)) from error
        return password


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code_page(request: HttpRequest) -> HttpResponse:
    """The second step of signing in."""
    user = second_factor.waiting(request)
    if user is None:
        return redirect("login")
    form = CodeForm(request.POST if request.method == "POST" else None)
    form.fields["code"].widget.attrs["autofocus"] = True
    leads_to = safe_next(request, request.POST.get("next", "") or request.GET.get("next", ""))
    context: dict[str, Any] = {"form": form, "next": leads_to}
    seconds_left = 0
    try:
        if form.is_bound:
            logins.count_for_address(request)
        if form.is_valid():
            if second_factor.check(request, user, form.cleaned_data["code"]):
                login(request, user, backend=BACKEND)
                second_factor.note_shown(request)
                sign_in_entries.signed_in(request, user, sign_in_entries.CODE)
                return redirect(leads_to)
            form.add_error("code", WRONG_CODE)
    except logins.TooManyAttempts as error:
        seconds_left = context["seconds_left"] = math.ceil(error.seconds_left)
    status = 429 if seconds_left else 422 if form.is_bound else 200
    response = render(request, "registration/login_code.html", context, status=status)
    if seconds_left:
        response["Retry-After"] = str(seconds_left)
    return response


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """What stands with it; by a right code it is turned on."""
    if request.method != "POST" or second_factor.is_on(request.user):
        return _show(request)
    form = CodeForm(request.POST)
    if form.is_valid():
        if codes := second_factor.turn_on(request, _secret_of(request), form.cleaned_data["code"]):
            del request.session[NEW_SECRET]
            request.session[NEW_CODES] = keyring.encrypt(" ".join(codes))
            messages.success(request, gettext("The second factor is on. Your other browsers are signed out."))
            return redirect("second-factor")
        form.add_error("code", gettext("This is not the code that the app shows now. Is the telephone's clock right?"))
    return _show(request, code=form)


@login_required
@never_cache
@require_POST
def turn_off(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.user, request.POST)
    if not form.is_valid():
        return _show(request, off=form)
    second_factor.turn_off(request.user)
    request.session.pop(second_factor.SHOWN, None)
    messages.success(request, gettext("The second factor is off."))
    return redirect("second-factor")


@login_required
@never_cache
@require_POST
def make_codes(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.user, request.POST)
    if not form.is_valid() or not second_factor.is_on(request.user):
        return _show(request, renew=form)
    request.session[NEW_CODES] = keyring.encrypt(" ".join(second_factor.new_codes(request.user)))
    return redirect("second-factor")


def _secret_of(request: HttpRequest) -> str:
    """The same until it is confirmed, so that a page that is loaded again shows the picture that was read."""
    if NEW_SECRET not in request.session:
        request.session[NEW_SECRET] = keyring.encrypt(second_factor.new_secret())
    return keyring.decrypt(request.session[NEW_SECRET])


def _show(
    request: HttpRequest,
    code: CodeForm | None = None,
    off: PasswordForm | None = None,
    renew: PasswordForm | None = None,
) -> HttpResponse:
    user: Any = request.user
    wrong = code or off or renew
    is_on = second_factor.is_on(user)
    context: dict[str, Any] = {
        "is_on": is_on,
        "is_required": second_factor.is_required(user),
        **refused(reverse("second-factor"), wrong),
    }
    if is_on:
        new_codes = "" if wrong else request.session.pop(NEW_CODES, "")
        context |= {
            "codes_left": second_factor.codes_left(user),
            "new_codes": keyring.decrypt(new_codes).split() if new_codes else [],
            "off": off or PasswordForm(user, auto_id="id_off_%s"),
            "renew": renew or PasswordForm(user, auto_id="id_renew_%s"),
        }
    elif user.has_usable_password():
        secret = _secret_of(request)
        picture = segno.make(second_factor.address_of(user, secret), micro=False)
        context |= {
            "secret": second_factor.typed(secret),
            "picture": picture.svg_inline(scale=4, light="#fff"),
            "form": code or CodeForm(),
        }
    return render(request, "registration/second_factor.html", context, status=422 if wrong else 200)
