"""Rooms as staff see them: which platform they open on and why, and moving them to another."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, URLField
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from platforms.admin.input import CarefulAdmin, ReadOnly
from platforms.handler import platform_label
from rooms import admin_invitations, admin_rollout, platform_change  # noqa: F401  (the first two register themselves)
from rooms.admin_calendar import RoomCalendarAdmin
from rooms.admin_filters import LiveFilter, OwnerFilter, PlatformFilter
from rooms.admin_forms import RoomForm, platform_field
from rooms.admin_history import lines_of_room
from rooms.admin_moves import RoomMoveAdmin, move_address
from rooms.admin_search import SearchById, people_called, rooms_called
from rooms.admin_webhooks import RoomWebhookAdmin
from rooms.history import changed_by
from rooms.models import ApiKey, Room
from rooms.selection import Selection, current_policy

if TYPE_CHECKING:
    RoomModelAdmin = admin.ModelAdmin[Room]
    ApiKeyModelAdmin = admin.ModelAdmin[ApiKey]
else:
    RoomModelAdmin = ApiKeyModelAdmin = admin.ModelAdmin

# Their pages would show what a second factor is made of.
admin.site.unregister([StaticDevice, TOTPDevice])

LIVE_MEETINGS_LISTED = 50
FIELDSETS: list[tuple[str | Promise, list[str]]] = [
    (
        gettext_lazy("Room"),
        ["name", "title", "owner", "is_shared", "is_locked", "room_mode", "logo", "id", "created_at", "updated_at"],
    ),
    (gettext_lazy("Platform"), ["platform", "never_elsewhere", "opens_on", "platforms_compared"]),
    (
        gettext_lazy("Recording and consent"),
        ["recording_type", "recording_trigger", "skip_consent", "store_video", "recording_retention_days"],
    ),
    (
        gettext_lazy("Calendar"),
        [
            "ics_enabled",
            "ics_url",
            "ics_removed",
            "ics_all_events",
            "ics_fetch_interval",
            "calendar_state",
            "calendar_link_state",
        ],
    ),
    (gettext_lazy("Transcripts"), ["email_transcript_to", "zulip_auto_post", "zulip_stream", "zulip_topic"]),
    (
        gettext_lazy("Webhooks"),
        ["webhook_url", "webhook_secret", "webhook_participants", "webhook_muted", "webhook_state"],
    ),
]
# What people who may only look see instead of a field.
FOR_ONLOOKERS = {
    "platform": "platform_choice",
    "ics_url": "ics_url_state",
    "ics_removed": "",
    "email_transcript_to": "recipients_state",
    "webhook_url": "webhook_url_state",
    "webhook_secret": "webhook_secret_state",
}


@admin.register(Room)
class RoomAdmin(CarefulAdmin, SearchById, RoomMoveAdmin, RoomCalendarAdmin, RoomWebhookAdmin, RoomModelAdmin):
    form = RoomForm
    list_display = ["name", "owner", "platform_choice", "live_meetings", "recording_type", "created_at"]
    list_filter = [PlatformFilter, ("owner", OwnerFilter), "recording_type", LiveFilter]
    list_select_related = ["owner"]
    list_per_page = 100
    search_fields = ["name", "title", "owner__username", "owner__email"]
    search_help_text = gettext_lazy("A room's name, title or id, its owner's name or e-mail address.")
    autocomplete_fields = ["owner"]
    formfield_overrides = {URLField: {"assume_scheme": "https"}}
    readonly_fields = [
        "id",
        "opens_on",
        "platforms_compared",
        "created_at",
        "updated_at",
        "calendar_state",
        "calendar_link_state",
        "webhook_state",
    ]

    class Media:
        css = {"all": ["rooms/admin.css"]}

    def whole(self, term: str) -> list[Q]:
        return [Q(pk__in=rooms_called(term)), Q(owner__in=people_called(term))]

    # What is shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Counted room by room, so that only the rooms on the page cost anything."""
        same_room = Room.objects.filter(platform_change.LIVE, pk=OuterRef("pk")).order_by().values("pk")
        count = Subquery(same_room.annotate(count=Count("meetings")).values("count"))
        counted: QuerySet[Any] = super().get_queryset(request).annotate(live_meetings=Coalesce(count, 0))
        return counted

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown: list[Any] = list(self.list_display)
        if not _may_see_meetings(request):
            shown[shown.index("live_meetings")] = "live_meetings_count"
        shown.insert(3, _opens_on_column())
        return shown

    def get_fieldsets(self, request: HttpRequest, obj: Room | None = None) -> Any:
        may_edit = obj is None or self.has_change_permission(request, obj)
        swapped = {} if may_edit else FOR_ONLOOKERS
        shown = [
            (title, [swapped.get(name, name) for name in names if swapped.get(name, name)])
            for title, names in FIELDSETS
        ]
        return [(title, {"fields": names, "classes": ["tab"]}) for title, names in shown]

    @admin.display(description=gettext_lazy("live"), ordering="live_meetings")
    def live_meetings(self, room: Any) -> SafeString | int:
        if not room.live_meetings:
            return 0
        address = reverse("admin:meetings_meeting_changelist")
        return format_html(
            '<a href="{}?room__id__exact={}&amp;state__exact=live">{}</a>', address, room.pk, room.live_meetings
        )

    @admin.display(description=gettext_lazy("live"), ordering="live_meetings")
    def live_meetings_count(self, room: Any) -> int:
        count: int = room.live_meetings
        return count

    @admin.display(description=gettext_lazy("transcripts are sent to"))
    def recipients_state(self, room: Room) -> str:
        return _("stored, not shown") if room.email_transcript_to else _("nobody")

    @admin.display(description=gettext_lazy("opens on"))
    def opens_on(self, room: Room) -> str:
        if room._state.adding:
            return _("To be seen once the room is saved.")
        return _in_words(platform_change.select_or_refusal(room, current_policy()), "{}: {}")

    @admin.display(description=gettext_lazy("platforms compared"))
    def platforms_compared(self, room: Room) -> SafeString:
        rows = platform_change.compare_platforms(None if room._state.adding else room)
        return render_to_string("admin/rooms/room/platforms.html", {"rows": rows})

    @admin.display(description=gettext_lazy("platform"), ordering="platform")
    def platform_choice(self, room: Room) -> str:
        return platform_change.choice_label(room.platform)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        room: Room | None = kwargs.get("obj")
        context["webhook_test_url"] = self.test_address(request, room)
        context["calendar_buttons"] = self.calendar_buttons(request, room)
        if room and _may_see_meetings(request):
            context["live_meetings"] = room.meetings.live()[:LIVE_MEETINGS_LISTED]
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With what was not changed here: by the API, by commands and by shells."""
        room = self.get_object(request, unquote(object_id))
        lines = lines_of_room(room) if room else []
        return super().history_view(request, object_id, {**(extra_context or {}), "lines": lines})

    # What is changed

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "platform":
            return platform_field()
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "owner":
            # People are not to be made, changed or deleted in passing.
            for button in ("can_add_related", "can_change_related", "can_delete_related"):
                setattr(field.widget, button, False)
        return field

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        if change:
            self.leave_platform(obj, form)
        had_secret = obj.has_webhook_secret
        with changed_by(request.user):
            super().save_model(request, obj, form, change)
        if obj.has_webhook_secret and not had_secret:
            self.tell_secret(request, obj)

    def leave_platform(self, obj: Room, form: Any) -> None:
        """As it is stored, whatever an old page says; another one that was chosen waits for being confirmed."""
        if "platform" in form.changed_data:
            obj.chosen_platform = obj.platform  # type: ignore[attr-defined]
        obj.platform = form.initial["platform"]

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Without the platform, which is not changed by this form."""
        message = super().construct_change_message(request, form, formsets, add)
        if not add and "platform" in form.changed_data:
            fields = message[0]["changed"]["fields"]
            fields.remove("Platform")
            return message if fields else message[1:]
        return message

    def response_change(self, request: HttpRequest, obj: Room) -> HttpResponse:
        """The rest of the form is saved; where another platform was chosen, what that would mean comes next."""
        chosen: str | None = getattr(obj, "chosen_platform", None)
        if chosen is None:
            return super().response_change(request, obj)
        return HttpResponseRedirect(move_address(obj, chosen))


def _opens_on_column() -> Callable[[Room], str]:
    """A column for one page: the rollout is looked up once, for all of its rooms."""
    policy = cache(current_policy)

    @admin.display(description=gettext_lazy("opens on"))
    def opens_on(room: Room) -> str:
        return _in_words(platform_change.select_or_refusal(room, policy()), '{} <span class="quiet">{}</span>')

    return opens_on


def _in_words(selection: Selection, layout: str) -> SafeString:
    return format_html(
        layout, platform_label(selection.platform) if selection.platform else _("Nowhere"), selection.reason
    )


def _may_see_meetings(request: HttpRequest) -> bool:
    return any(request.user.has_perm(f"meetings.{action}_meeting") for action in ("view", "change"))


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly, CarefulAdmin, ApiKeyModelAdmin):
    """Keys are made by their users, who see them once; staff can only take them away."""

    list_display = ["__str__", "user", "created_at", "expires_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username", "user__email"]
    fields = ["name", "user", "scopes", "created_at", "expires_at", "last_used_at"]
