"""Rooms' webhooks in Admin: how each is doing, a test, and what was sent."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.work.admin import JobAdmin
from rooms.models import Room, Webhook, WebhookDelivery
from rooms.webhooks import trial

if TYPE_CHECKING:
    RoomModelAdmin = admin.ModelAdmin[Room]
else:
    RoomModelAdmin = object


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(JobAdmin):
    """What was said in a transcript is sent, and not shown here."""

    linked_lookups = frozenset({"room__id__exact"})
    about = ["event", "room"]
    list_filter = ["state", "event"]
    list_select_related = ["room"]
    search_fields = ["room__name", "event_id"]
    readonly_fields = ["event_id", "attempts_made", *JobAdmin.readonly_fields]

    @admin.display(description=gettext_lazy("attempts made"))
    def attempts_made(self, delivery: WebhookDelivery) -> SafeString:
        rows = (
            (a["at"][:19], a["status"] or _("no answer"), a["seconds"], a["error"], a["answer"]) for a in delivery.log
        )
        return format_html_join("", "<p>{} UTC: {}, {} s. {}<br><code>{}</code></p>", rows)


class RoomWebhookAdmin(RoomModelAdmin):
    """The part of a room's page that is about its webhook; goes before ModelAdmin."""

    @admin.display(description=gettext_lazy("webhook address"))
    def webhook_url_state(self, room: Room) -> str:
        return _("stored, not shown") if room.has_webhook else _("none")

    @admin.display(description=gettext_lazy("webhook secret"))
    def webhook_secret_state(self, room: Room) -> str:
        return _("stored, not shown") if room.has_webhook_secret else _("none")

    @admin.display(description=gettext_lazy("State"))
    def webhook_state(self, room: Room) -> SafeString | str:
        if room._state.adding or not room.has_webhook:
            return _("Nothing is sent.")
        webhook = Webhook.objects.filter(room=room).first() or Webhook()
        state = _("It is on.")
        if webhook.off_since:
            state = _("Switched off since {moment:%Y-%m-%d %H:%M} UTC. {reason}").format(
                moment=webhook.off_since, reason=webhook.off_reason
            )
        elif webhook.failing_since:
            state = _("Nothing was delivered since {moment:%Y-%m-%d %H:%M} UTC; it is tried again.").format(
                moment=webhook.failing_since
            )
        log = reverse("admin:rooms_webhookdelivery_changelist")
        return format_html('{} <a href="{}?room__id__exact={}">{}</a>', state, log, room.pk, _("What was sent"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.test_webhook)
        return [path("<uuid:room_id>/webhook-test/", view, name="rooms_room_webhook_test"), *super().get_urls()]

    def test_webhook(self, request: HttpRequest, room_id: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        room = self.get_object(request, str(room_id))
        if room is None:
            raise Http404
        if not self.has_change_permission(request, room):
            raise PermissionDenied
        result = trial.send_test(room)
        said = " ".join(filter(None, [result["message"], str(result["status_code"] or ""), result["error"]]))
        answer = (
            " " + _("The answer: {answer}").format(answer=result["response_preview"])
            if result["response_preview"]
            else ""
        )
        self.message_user(request, said + answer, messages.SUCCESS if result["success"] else messages.ERROR)
        return HttpResponseRedirect(reverse("admin:rooms_room_change", args=[room.pk]))

    def test_address(self, request: HttpRequest, room: Room | None) -> str:
        """Where a test is asked for, by those who may."""
        if room is None or not room.has_webhook or not self.has_change_permission(request, room):
            return ""
        return reverse("admin:rooms_room_webhook_test", args=[room.pk])

    def tell_secret(self, request: HttpRequest, room: Room) -> None:
        text = _("A webhook secret was made; it is shown this once: {secret}").format(secret=room.webhook_secret)
        self.message_user(request, text, messages.WARNING)
