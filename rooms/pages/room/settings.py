"""The settings of a room on its page: what it is called, who may enter, what is recorded, where it opens."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platforms.handler import find_platform_client_class, platform_choices, platform_label, why_unavailable
from rooms import names
from rooms.api.serializers import UpdateRoomSerializer, effective_platform
from rooms.api.views import save_room
from rooms.lost_features import lost_features
from rooms.models import Room
from rooms.pages.room.section import Facts, Section, SectionForm, tell
from rooms.selection import current_policy

NAME = "settings"
LONGEST_RETENTION_DAYS = 36_500
NO_RECORDING = "none none"
# The type of a recording and what starts it, as one question.
STARTS = {
    NO_RECORDING: _("Meetings are not recorded"),
    "cloud automatic": _("As soon as somebody is in the meeting"),
    "cloud automatic-2nd-participant": _("When a second person joins"),
    "cloud prompt": _("When a host starts it; the platform asks for it"),
    "cloud none": _("When a host starts it"),
    "local none": _("By each person, on their own machine; it has no transcript"),
}


def where_listed() -> str:
    """Who sees a room that is listed for everybody."""
    if settings.PUBLIC_MODE:
        return gettext("On the first page of this server. Whoever has the address can come in, listed or not.")
    return gettext("On the first page of all who are signed in. Whoever has the address can come in, listed or not.")


class SettingsForm(SectionForm):
    stored = (
        *("title", "name", "is_locked", "is_shared", "skip_consent", "store_video"),
        *("recording_retention_days", "platform", "never_elsewhere"),
    )

    title = forms.CharField(label=_("Name"), required=False, max_length=names.MAX_TITLE_LENGTH)
    name = forms.CharField(
        label=_("Address"),
        max_length=names.MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Its old address leads to the new one until another room takes it."),
    )
    is_shared = forms.BooleanField(label=_("List it for everybody"), required=False)
    is_locked = forms.BooleanField(
        label=_("Lock it"),
        required=False,
        help_text=_("People knock, and a host lets them in. It counts from the next meeting on."),
    )
    recording = forms.ChoiceField(label=_("Recording starts"))
    skip_consent = forms.BooleanField(
        label=_("Do not ask for consent"),
        required=False,
        help_text=_("Only where everybody has agreed in another way. People may refuse all the same."),
    )
    store_video = forms.BooleanField(label=_("Keep the video besides the audio"), required=False)
    recording_retention_days = forms.IntegerField(
        label=_("Days until recordings are deleted"),
        required=False,
        min_value=0,
        max_value=LONGEST_RETENTION_DAYS,
        help_text=_("Empty: as this server is set. 0: never."),
    )
    platform = forms.ChoiceField(label=_("Video platform"), required=False)
    never_elsewhere = forms.BooleanField(
        label=_("Never open it elsewhere"),
        required=False,
        help_text=_("While its platform cannot be used, the room does not open, instead of opening on another one."),
    )

    def __init__(self, room: Room, data: Any = None) -> None:
        super().__init__(room, data)
        stored = f"{room.recording_type} {room.recording_trigger}"
        own = {stored: gettext("As it was set elsewhere: %(value)s") % {"value": stored}}
        known = STARTS if stored in STARTS else {**own, **STARTS}
        self.initial["recording"] = NO_RECORDING if room.recording_type == Room.RecordingType.NONE else stored
        self.fields["recording"].choices = list(known.items())  # type: ignore[attr-defined]
        self.fields["is_shared"].help_text = where_listed()
        self.fields["platform"].choices = self._platforms()  # type: ignore[attr-defined]

    def _platforms(self) -> list[tuple[str, str]]:
        usable = [(alias, label) for alias, label in platform_choices() if self._may_choose(alias)]
        return [("", gettext("Automatic: as this server decides")), *usable]

    def _may_choose(self, alias: str) -> bool:
        return alias == self.room.platform or why_unavailable(alias) is None

    def changes(self) -> Facts:
        values = dict(self.cleaned_data)
        values["recording_type"], values["recording_trigger"] = values.pop("recording").split(" ")
        values["platform"] = values["platform"] or None
        del values["recording_retention_days"]
        return values

    def store(self, serializer: UpdateRoomSerializer) -> Room:
        return save_room(serializer, recording_retention_days=self.cleaned_data["recording_retention_days"])


def facts(request: HttpRequest, room: Room) -> Facts:
    opens_on = effective_platform(room, current_policy())
    return {
        "meanings": [(label, meaning_of(room, alias)) for alias, label in platform_choices()],
        "opens_on": platform_label(opens_on.platform),
        "reason": opens_on.reason,
    }


def meaning_of(room: Room, alias: str) -> str:
    """What choosing a platform would mean for this room, as a sentence."""
    client_class = find_platform_client_class(alias)
    if client_class is None or why_unavailable(alias):
        return gettext("It cannot be used on this server at present.")
    lost = lost_features(room, client_class)
    if not lost:
        return gettext("It does all this room is set to.")
    return gettext("It cannot do what this room is set to: %(lost)s.") % {"lost": "; ".join(lost)}


def save(request: HttpRequest, room: Room) -> SectionForm | None:
    form = SettingsForm(room, request.POST)
    if not form.save():
        return form
    tell(request, NAME, gettext("Saved. It counts from the next meeting on; who is in one now stays as it is."))
    return None


SECTION = Section(NAME, _("Settings"), "rooms/sections/settings.html", facts, SettingsForm, {"save": save})
