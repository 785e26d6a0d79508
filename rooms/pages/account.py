"""One's own account: who one is, and the keys of programs that act for one."""

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from platforms.audit import trail
from platforms.limits import rates
from platforms.visible import visible
from rooms import keyring, logins, second_factor
from rooms.api.account_views import keys_of, make_key
from rooms.api.errors import BadRequest
from rooms.browsers import browsers_of
from rooms.models import ApiKey
from rooms.models.api_key import SCOPES
from rooms.pages import email_change
from rooms.pages.refused import refused
from rooms.services import mail_is_logged

logger = logging.getLogger(__name__)

BROWSERS_SHOWN = 50
NEW_KEY = "new_api_key"  # where the session keeps it, encrypted, until it is shown
EVERYTHING, READING, CHOSEN = "everything", "reading", "chosen"
DAYS = {"": _("Never"), "30": _("In 30 days"), "90": _("In 90 days"), "365": _("In a year")}


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """The names are saved; another e-mail address only is once it is confirmed, for which it needs the password."""

    password = forms.CharField(
        label=_("Your password"),
        required=False,
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Only to change the e-mail address; the new one counts when its link was opened."),
    )

    class Meta:
        model = get_user_model()
        fields = ("first_name", "last_name", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.EMAIL_IS_SENT:
            self.fields["email"].disabled = True
            self.fields["email"].help_text = _("Whoever runs this server can change it.")
            del self.fields["password"]

    def clean_first_name(self) -> str:
        return visible(self.cleaned_data["first_name"])

    def clean_last_name(self) -> str:
        return visible(self.cleaned_data["last_name"])

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("email", self.initial["email"]) != self.initial["email"]:
            self._check_password()
        return self.cleaned_data

    def _check_password(self) -> None:
        user = self.instance
        if not user.has_usable_password():
            return
        try:
            if not logins.is_password_of(user, self.cleaned_data.get("password", "")):
                self.add_error("password", gettext("Enter your password to change the e-mail address."))
        except logins.TooManyAttempts:
            self.add_error("password", gettext(logins.TOO_MANY))

    @property
    def new_email(self) -> str:
        """The address that is to be confirmed; empty where there is none."""
        email: str = self.cleaned_data["email"]
        return email if email != self.initial["email"] else ""

    def save(self, commit: bool = True) -> Any:
        """An address is taken away at once: that gives nobody anything."""
        if self.cleaned_data["email"]:
            self.instance.email = self.initial["email"]
        return super().save(commit)


class KeyForm(forms.Form):
    name = forms.CharField(label=_("What it is for"), max_length=100)
    access = forms.ChoiceField(
        label=_("It may do"),
        choices=[
            (EVERYTHING, _("All that I may do")),
            (READING, _("Only read")),
            (CHOSEN, _("Only what is ticked below")),
        ],
    )
    scopes = forms.MultipleChoiceField(
        label=_("Areas"),
        required=False,
        choices=[(scope, scope) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.ChoiceField(label=_("It ends"), choices=list(DAYS.items()), required=False)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("access") == CHOSEN and not self.cleaned_data.get("scopes"):
            self.add_error("scopes", gettext("Tick what it may be used for."))
        return self.cleaned_data

    def granted(self) -> list[str]:
        """No scopes stand for all that its user may do."""
        match self.cleaned_data["access"]:
            case "reading":
                return [scope for scope in SCOPES if scope.endswith(":read")]
            case "chosen":
                return list(self.cleaned_data["scopes"])
        return []


@login_required
@never_cache
@require_safe
def account_page(request: HttpRequest) -> HttpResponse:
    return _show(request)


@login_required
@never_cache
@require_POST
def save_profile(request: HttpRequest) -> HttpResponse:
    # Another instance than the request's, which is shown as it is stored while the form has errors.
    form = ProfileForm(request.POST, instance=get_user_model().objects.get(username=request.user.get_username()))
    if not form.is_valid() or not _asked_to_confirm(request, form):
        return _show(request, profile=form)
    form.save()
    messages.success(request, gettext("Saved."))
    if form.new_email:
        messages.info(request, _asked_to_open(form.new_email))
    return redirect("account")


def _asked_to_open(email: str) -> str:
    if mail_is_logged():
        said = gettext("Open the link that was written to this server's log: then %(email)s is your address here.")
    else:
        said = gettext("Open the link that was mailed to %(email)s: then it is your address here.")
    return said % {"email": email}


def _asked_to_confirm(request: HttpRequest, form: ProfileForm) -> bool:
    """Mail the link to a new address, if there is one; the form says why that cannot be."""
    if not form.new_email:
        return True
    try:
        rates.count("emails", f"account {request.user.pk}")
        email_change.send_link(request.user, form.new_email)
    except rates.TooMany as error:
        form.add_error("email", str(error))
    except OSError as error:
        logger.warning("email_link_not_sent user=%s error=%s", request.user.pk, type(error).__name__)
        form.add_error("email", gettext("The link could not be mailed. Please try again later."))
    return not form.errors


@login_required
@never_cache
@require_safe
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """A link changes something here: it was mailed to the new address, and does nothing in another account."""
    if email_change.confirm(request.user, token):
        messages.success(request, gettext("The e-mail address is yours now."))
    else:
        messages.error(request, gettext("This link was used already, is too old, or is for another account."))
    return redirect("account")


@login_required
@never_cache
@require_POST
def add_key(request: HttpRequest) -> HttpResponse:
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _show(request, key=form)
    days = form.cleaned_data["days"]
    expires_at = timezone.now() + timedelta(days=int(days)) if days else None
    try:
        made, key = make_key(request.user, form.cleaned_data["name"], form.granted(), expires_at)
    except BadRequest as error:
        form.add_error(None, gettext(str(error.detail)))
        return _show(request, key=form)
    trail.concerns(request, made.pk)
    request.session[NEW_KEY] = keyring.encrypt(key)
    return redirect("/account#keys")


@login_required
@never_cache
@require_POST
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    key = keys_of(request.user).filter(pk=key_id).first()
    if key is None:
        raise Http404
    key.delete()
    messages.success(request, gettext("The key “%(key)s” opens nothing any more.") % {"key": key})
    return redirect("/account#keys")


def _show(request: HttpRequest, profile: ProfileForm | None = None, key: KeyForm | None = None) -> HttpResponse:
    new_key = "" if profile or key else request.session.pop(NEW_KEY, "")
    context = {
        "profile": profile or ProfileForm(instance=request.user),
        "key_form": key or KeyForm(),
        "keys": keys_of(request.user)[: ApiKey.MOST],
        "has_second_factor": second_factor.is_on(request.user),
        "browsers": browsers_of(request.user)[:BROWSERS_SHOWN],
        "this_browser": request.session.session_key,
        "new_key": keyring.decrypt(new_key) if new_key else "",
        **refused(reverse("account"), profile or key),
    }
    return render(request, "registration/account.html", context, status=422 if profile or key else 200)
