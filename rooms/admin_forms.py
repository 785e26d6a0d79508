"""A room's forms in Admin: what cannot be used cannot be chosen and says why."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.handler import platform_choices, why_unavailable
from platforms.http.safe_http import UnsafeAddress, require_public_url
from rooms import recipients, zulip_settings
from rooms.models import Room
from rooms.models.sealed import is_set
from rooms.platform_change import AUTOMATIC
from rooms.services import where_mail_goes, why_no_email, why_no_zulip, why_not_called
from rooms.webhooks.names import EVENTS

if TYPE_CHECKING:
    RoomModelForm = forms.ModelForm[Room]
else:
    RoomModelForm = forms.ModelForm


class PlatformSelect(forms.Select):
    """A platform that cannot be used is listed with the reason, as an option that cannot be picked."""

    refusals: Mapping[str, str] = {}

    def create_option(self, name: str, value: Any, label: Any, selected: bool, *args: Any, **kwargs: Any) -> Any:
        option = super().create_option(name, value, label, selected, *args, **kwargs)
        # Browsers leave disabled options out of what they send: a room's present platform stays enabled.
        if value in self.refusals and not selected:
            option["attrs"]["disabled"] = True
        return option


def platform_field(with_automatic: bool = True) -> forms.TypedChoiceField:
    """One look at the configuration, for all rows of a page."""
    refusals = {name: reason for name, label in platform_choices() if (reason := why_unavailable(name))}
    choices = [(name, refusals.get(name, label)) for name, label in platform_choices()]
    field = forms.TypedChoiceField(
        label=gettext_lazy("Platform"),
        choices=[("", AUTOMATIC), *choices] if with_automatic else choices,
        required=False,
        empty_value="",
        widget=PlatformSelect,
        help_text=_("Automatic: the rollout decides at each opening. A meeting that is open stays where it is."),
    )
    field.widget.refusals = refusals
    return field


class PlatformForm(RoomModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("platform")
        if not isinstance(field, forms.ChoiceField):
            return  # the form of somebody who may only look
        present = self.instance.platform
        if present and present not in dict(platform_choices()):
            field.choices = [
                *self._choices(field),
                (present, _("{present} (there is no such platform any more)").format(present=present)),
            ]
        # Sent along, the platform that the page showed tells an edit from a page that is out of date.
        field.show_hidden_initial = not self.is_bound or self.add_initial_prefix("platform") in self.data

    @staticmethod
    def _choices(field: forms.ChoiceField) -> list[Any]:
        return list(field.choices)  # type: ignore[arg-type]

    def clean_platform(self) -> str:
        platform: str = self.cleaned_data["platform"]
        if platform and "platform" in self.changed_data and (reason := why_unavailable(platform)):
            raise ValidationError(reason, code="unavailable")
        return platform

    def _get_validation_exclusions(self) -> set[str]:
        """A platform that is gone since it was chosen must not keep staff from saving the rest."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded if "platform" in self.changed_data else {*excluded, "platform"}


class RoomForm(PlatformForm):
    ics_url = forms.CharField(
        label=gettext_lazy("Calendar address (ICS)"),
        required=False,
        max_length=2000,
        widget=forms.URLInput(attrs={"autocomplete": "off", "class": "vURLField"}),
    )
    ics_removed = forms.BooleanField(label=gettext_lazy("Remove the calendar address"), required=False)
    webhook_secret = forms.CharField(
        label=gettext_lazy("Webhook secret"),
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    webhook_muted = forms.MultipleChoiceField(
        label=gettext_lazy("Do not tell when"),
        required=False,
        choices=list(EVENTS.items()),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        labels = {
            "ics_enabled": gettext_lazy("Read the calendar"),
            "ics_fetch_interval": gettext_lazy("Interval"),
            "email_transcript_to": gettext_lazy("Send each transcript to"),
            "zulip_auto_post": gettext_lazy("Post in Zulip when one is ready"),
            "zulip_stream": gettext_lazy("Zulip channel"),
            "zulip_topic": gettext_lazy("Zulip topic"),
            "webhook_url": gettext_lazy("Webhook address"),
            "webhook_participants": gettext_lazy("Tell of people"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if address := self.fields.get("ics_url"):
            # Whoever has it can read the calendar: as the secret below, it is not part of the page.
            self.initial["ics_url"] = ""
            if is_set(self.instance, "ics_url"):
                address.help_text = _(
                    "An address is stored, not shown. Enter another to replace it; leave this empty to keep it."
                )
        if recipients_field := self.fields.get("email_transcript_to"):
            addresses = _("E-mail addresses, separated by commas.")
            recipients_field.help_text = why_no_email() or f"{addresses} {where_mail_goes()}".strip()
        if (post := self.fields.get("zulip_auto_post")) and (why := why_no_zulip()):
            post.help_text = why
        if secret := self.fields.get("webhook_secret"):
            # The stored secret is not part of the page, so an empty field is one that was not touched.
            self.initial["webhook_secret"] = ""
            secret.help_text = (
                _("A secret is stored and not shown. Type another to replace it; leave this empty to keep it.")
                if self.instance.has_webhook_secret
                else _("None is stored. One is made when a webhook address is saved and this is empty.")
            )

    def clean_webhook_secret(self) -> str | None:
        secret: str | None = self.cleaned_data["webhook_secret"] or self.instance.webhook_secret
        return secret

    def clean_ics_url(self) -> str | None:
        return self._public("ics_url") or self.instance.ics_url

    def clean_ics_removed(self) -> bool:
        if removed := bool(self.cleaned_data["ics_removed"]):
            self.cleaned_data["ics_url"] = None
        return removed

    def clean_email_transcript_to(self) -> str | None:
        text: str | None = self.cleaned_data["email_transcript_to"]
        if text and "email_transcript_to" in self.changed_data:
            recipients.check(text)
        return text or None

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if set(zulip_settings.FIELDS) & set(self.changed_data):
            zulip_settings.check({name: values.get(name) or "" for name in zulip_settings.FIELDS})
        return values

    def clean_webhook_url(self) -> str | None:
        return self._public("webhook_url")

    def _public(self, name: str) -> str | None:
        """As the API takes them. One that is stored and stays as it is keeps nobody from saving the rest."""
        address: str | None = self.cleaned_data[name]
        if address and name in self.changed_data:
            try:
                require_public_url(address)
            except UnsafeAddress as error:
                raise ValidationError(why_not_called(error), code="not_public") from error
        return address

    def clean_logo(self) -> Any:
        logo = self.cleaned_data["logo"]
        image = getattr(logo, "image", None)  # of a new upload only
        if image and image.format != "PNG":
            raise ValidationError(_("The logo must be a PNG."), code="not_png")
        return logo
