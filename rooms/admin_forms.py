"""A room's forms in Admin: what cannot be used cannot be chosen and says why, and the webhook secret is never shown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from platforms.handler import platform_choices, why_unavailable
from rooms.models import Room
from rooms.moving import AUTOMATIC

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


def platform_field() -> forms.TypedChoiceField:
    """One look at the configuration, for all rows of a page."""
    refusals = {name: reason for name, _ in platform_choices() if (reason := why_unavailable(name))}
    choices = [(name, refusals.get(name, label)) for name, label in platform_choices()]
    field = forms.TypedChoiceField(
        label="Platform",
        choices=[("", AUTOMATIC), *choices],
        required=False,
        empty_value="",
        widget=PlatformSelect,
        help_text="Automatic: the rollout decides at each opening. A meeting that is open stays where it is.",
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
            field.choices = [*self._choices(field), (present, f"{present} (there is no such platform any more)")]
        # Sent along, the platform that the page showed tells an edit from a page that is out of date.
        if not self.instance._state.adding:  # in the list no label stands beside it
            field.widget.attrs["aria-label"] = f"Platform of {self.instance.name}"
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
    webhook_secret = forms.CharField(
        label="Webhook secret",
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    email_transcript_to = forms.CharField(
        label="E-mail transcripts to",
        required=False,
        empty_value=None,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    class Meta:
        labels = {
            "ics_enabled": "Read the calendar",
            "ics_url": "Calendar address (ICS)",
            "ics_fetch_interval": "Interval",
            "webhook_url": "Webhook address",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if secret := self.fields.get("webhook_secret"):
            # The stored secret is not part of the page, so an empty field is one that was not touched.
            self.initial["webhook_secret"] = ""
            secret.help_text = (
                "A secret is stored and not shown. Type another to replace it; leave this empty to keep it."
                if self.instance.webhook_secret
                else "None is stored. One is made when a webhook address is saved and this is empty."
            )

    def clean_webhook_secret(self) -> str | None:
        return self.cleaned_data["webhook_secret"] or self.instance.webhook_secret

    def clean_logo(self) -> Any:
        logo = self.cleaned_data["logo"]
        image = getattr(logo, "image", None)  # of a new upload only
        if image and image.format != "PNG":
            raise ValidationError("The logo must be a PNG.", code="not_png")
        return logo
