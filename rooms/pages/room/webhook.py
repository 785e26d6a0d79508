"""The webhook of a room on its page: where events go, which ones, and what became of each."""

import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rooms import keyring
from rooms.models import Room, Webhook, WebhookDelivery
from rooms.pages.room.addresses import masked
from rooms.pages.room.section import Facts, Section, SectionForm, tell
from rooms.webhooks import again, rotation, trial
from rooms.webhooks.names import EVENTS

NAME = "webhook"
DELIVERIES = 10  # on a page of the log
NEW_SECRET = "new_webhook_secret"  # noqa: S105  (where the session keeps it, encrypted, until it is shown)
SINCE = {  # hours
    1: _("the last hour"),
    24: _("the last day"),
    72: _("the last three days"),
    7 * 24: _("the last week"),
}
IS_OFF = _("The webhook is switched off. A test that succeeds switches it on.")
PEOPLE = "participants"


class WebhookForm(SectionForm):
    webhook_url = forms.CharField(
        label=_("Webhook address"),
        required=False,
        max_length=2000,
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    events = forms.MultipleChoiceField(
        label=_("Tell it when"),
        required=False,
        choices=[*EVENTS.items(), (PEOPLE, _("Somebody comes or goes"))],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, room: Room, data: Any = None) -> None:
        super().__init__(room, data)
        address = masked(room, "webhook_url")
        self.fields["webhook_url"].help_text = (
            gettext("Stored is %(address)s. Enter another one to replace it.") % {"address": address}
            if address
            else gettext("Events are posted to it as JSON, and signed with a secret that is made for it.")
        )
        told = [name for name in EVENTS if name not in room.webhook_muted]
        self.initial["events"] = [*told, PEOPLE] if room.webhook_participants else told

    def clean(self) -> Facts:
        if not self.cleaned_data.get("webhook_url") and not self.room.has_webhook:
            self.add_error("webhook_url", gettext("Enter the address that events are to be posted to."))
        return self.cleaned_data

    def changes(self) -> Facts:
        """An address that was not touched stays."""
        events, address = self.cleaned_data["events"], self.cleaned_data["webhook_url"]
        chosen = {
            "webhook_muted": [name for name in EVENTS if name not in events],
            "webhook_participants": PEOPLE in events,
        }
        return chosen | ({"webhook_url": address} if address else {})


def facts(request: HttpRequest, room: Room) -> Facts:
    deliveries = WebhookDelivery.objects.filter(room=room).defer("body")
    webhook = Webhook.objects.filter(room=room).first() if room.has_webhook else None
    page = Paginator(deliveries, DELIVERIES).get_page(request.GET.get("page"))
    return {
        "has_address": room.has_webhook,
        "webhook": webhook,
        "new_secret": _secret_to_show(request, room),
        "page": page,
        "deliveries": [(delivery, delivery.due_at(webhook)) for delivery in page],
        "has_failed": deliveries.filter(state=WebhookDelivery.State.FAILED).exists(),
        "since": SINCE,
    }


def save(request: HttpRequest, room: Room) -> SectionForm | None:
    had_secret = room.has_webhook_secret
    form = WebhookForm(room, request.POST)
    if not form.save():
        return form
    if not had_secret:
        _show_once(request, form.room)
    tell(request, NAME, gettext("Saved."))
    return None


def forget(request: HttpRequest, room: Room) -> None:
    room.webhook_url = room.webhook_secret = None
    room.save(update_fields=["webhook_url", "webhook_secret", "updated_at"])
    tell(request, NAME, gettext("The address and its secret are gone from here. Nothing is sent any more."))


def send_test(request: HttpRequest, room: Room) -> None:
    result = trial.send_test(room)
    said = [gettext("The test was delivered.") if result["success"] else gettext("The test failed.")]
    if result["status_code"]:
        said.append(gettext("The receiver answered %(status_code)s.") % result)
    else:
        said.append(gettext(result["error"]))
    if result["response_preview"]:
        said.append(gettext("It said: %(response_preview)s") % result)
    tell(request, NAME, " ".join(said), is_good=result["success"])


def rotate(request: HttpRequest, room: Room) -> None:
    if not room.has_webhook:
        tell(request, NAME, gettext(trial.NO_ADDRESS), is_good=False)
        return
    until = rotation.rotate(room)
    _show_once(request, room)
    said = gettext("There is a new secret. Until %(time)s UTC events are signed with the old one, too.")
    tell(request, NAME, said % {"time": date_format(until, "d M, H:i")})


def send_again(request: HttpRequest, room: Room) -> None:
    """One event; what there is no delivery of is not here."""
    try:
        event_id = uuid.UUID(request.POST.get("delivery", ""))
    except ValueError:
        raise Http404 from None
    if not WebhookDelivery.objects.filter(room=room, event_id=event_id).exists():
        raise Http404
    if _may_send(request, room):
        tell(request, NAME, _counted(again.send_again(room, event_id=event_id)))


def send_failed_again(request: HttpRequest, room: Room) -> None:
    hours = request.POST.get("hours", "")
    if hours not in map(str, SINCE):
        raise Http404
    if _may_send(request, room):
        since = timezone.now() - timedelta(hours=int(hours))
        tell(request, NAME, _counted(again.send_failed_again(room, since)))


def _may_send(request: HttpRequest, room: Room) -> bool:
    is_off = Webhook.objects.filter(room=room, off_since__isnull=False).exists()
    if room.has_webhook and not is_off:
        return True
    tell(request, NAME, IS_OFF if is_off else gettext(trial.NO_ADDRESS), is_good=False)
    return False


def _counted(count: int) -> str:
    if not count:
        return gettext("There was nothing to send again.")
    return gettext("Sent again: %(count)s.") % {"count": count}


def _show_once(request: HttpRequest, room: Room) -> None:
    request.session[NEW_SECRET] = [str(room.pk), keyring.encrypt(room.webhook_secret or "")]


def _secret_to_show(request: HttpRequest, room: Room) -> str:
    """A secret that was just made, on the first page that a person sees after that."""
    kept = request.session.get(NEW_SECRET)
    if not kept or kept[0] != str(room.pk) or request.headers.get("X-Quiet"):
        return ""
    del request.session[NEW_SECRET]
    return keyring.decrypt(kept[1])


SECTION = Section(
    NAME,
    _("Webhook"),
    "rooms/sections/webhook.html",
    facts,
    WebhookForm,
    {
        "save": save,
        "forget": forget,
        "test": send_test,
        "rotate": rotate,
        "again": send_again,
        "failed-again": send_failed_again,
    },
)
