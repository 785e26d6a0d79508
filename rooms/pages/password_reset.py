"""A new password for who has forgotten theirs, by a link that is mailed to them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache

from platforms.audit import trail
from platforms.limits import rates
from rooms import logins
from rooms.services import mail_is_logged, where_mail_goes

mailing = ThreadPoolExecutor(1, "reset-mail")


class ResetForm(PasswordResetForm):
    """Mails when the answer is under way: the time that a mail server takes would tell whether there is an account."""

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        mailing.submit(self._send_in, translation.get_language(), *args, **kwargs)

    def _send_in(self, language: str, *args: Any, **kwargs: Any) -> None:
        with translation.override(language):
            super().send_mail(*args, **kwargs)


@method_decorator(never_cache, name="dispatch")
class ResetPage(PasswordResetView):
    """Whether there is such an account is told to nobody. Without a mail server there is no such page."""

    form_class = ResetForm
    template_name = "registration/reset.html"
    email_template_name = "registration/reset_mail.txt"
    subject_template_name = "registration/reset_subject.txt"
    success_url = reverse_lazy("login")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.EMAIL_IS_SENT:
            raise Http404
        # The link is to this server as its operator named it, whatever name the request came by.
        self.extra_email_context = {"site": settings.PUBLIC_URL}
        self.extra_context = {"where_mail_goes": where_mail_goes()}
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            logins.count_for_address(self.request)
            # Whether or not there is such an account: nobody's mailbox is to be filled, from however many places.
            rates.count("resets", form.cleaned_data["email"].lower())
        except logins.TooManyAttempts:
            form.add_error("email", gettext("That was tried too often. Try again in some minutes."))
        except rates.TooMany as error:
            form.add_error("email", str(error))
        if form.errors:
            return self.render_to_response(self.get_context_data(form=form), status=429)
        response = super().form_valid(form)
        if mail_is_logged():
            said = gettext("If there is an account of this address, a link is written to this server's log.")
        else:
            said = gettext("If there is an account of this address, a link is on its way to it.")
        messages.success(self.request, said)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


@method_decorator(never_cache, name="dispatch")
class NewPasswordPage(PasswordResetConfirmView):
    template_name = "registration/new_password.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        trail.concerns(self.request, form.user.pk)
        response = super().form_valid(form)
        messages.success(self.request, gettext("The password is changed. Log in with it."))
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)
