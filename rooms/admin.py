"""Rooms as staff see them: which platform they open on and why, and moving them to another."""

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery, URLField
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from platforms.handler import get_available_platforms, platform_label, why_unavailable
from rooms import moving
from rooms.admin_filters import LiveFilter, OwnerFilter, PlatformFilter
from rooms.admin_forms import PlatformForm, RoomForm, platform_field
from rooms.admin_login import AdminLoginForm
from rooms.admin_search import NoGuessing, SearchById
from rooms.models import ApiKey, Room
from rooms.selection import Selection, current_policy

if TYPE_CHECKING:
    RoomModelAdmin = admin.ModelAdmin[Room]
    ApiKeyModelAdmin = admin.ModelAdmin[ApiKey]
else:
    RoomModelAdmin = ApiKeyModelAdmin = admin.ModelAdmin

admin.site.site_header = admin.site.site_title = "Reflector Rooms"
admin.site.index_title = "Rooms, meetings and platforms"
admin.site.site_url = "/"
admin.site.login_form = AdminLoginForm

LIVE_MEETINGS_LISTED = 50
FIELDSETS: list[tuple[str | None, list[str]]] = [
    (None, ["name", "owner", "is_shared", "id", "created_at", "updated_at"]),
    ("Platform", ["platform", "opens_on", "platforms_compared"]),
    ("Meetings", ["is_locked", "room_mode", "logo"]),
    ("Recording", ["recording_type", "recording_trigger", "skip_consent", "store_video", "recording_retention_days"]),
    ("Calendar", ["ics_enabled", "ics_url", "ics_fetch_interval", "ics_last_sync"]),
    ("Webhook", ["webhook_url", "webhook_secret"]),
    ("Transcripts", ["email_transcript_to", "zulip_auto_post", "zulip_stream", "zulip_topic"]),
]
# What people who may only look see instead of a field.
FOR_ONLOOKERS = {"platform": "platform_choice", "webhook_secret": "webhook_secret_state"}


@admin.register(Room)
class RoomAdmin(NoGuessing, SearchById, RoomModelAdmin):
    form = RoomForm
    never_filtered = frozenset({"webhook_secret"})
    list_display = ["name", "owner", "platform", "live_meetings", "recording_type", "created_at"]
    list_editable = ["platform"]
    list_filter = [PlatformFilter, ("owner", OwnerFilter), "recording_type", LiveFilter]
    list_select_related = ["owner"]
    list_per_page = 100
    search_fields = ["name", "owner__username", "owner__email"]
    search_help_text = "A room's name or id, its owner's name or e-mail address."
    autocomplete_fields = ["owner"]
    formfield_overrides = {URLField: {"assume_scheme": "https"}}
    readonly_fields = ["id", "opens_on", "platforms_compared", "created_at", "updated_at", "ics_last_sync"]

    class Media:
        css = {"all": ["rooms/admin.css"]}

    # What is shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Counted room by room, so that only the rooms on the page cost anything."""
        same_room = Room.objects.filter(moving.LIVE, pk=OuterRef("pk")).order_by().values("pk")
        count = Subquery(same_room.annotate(count=Count("meetings")).values("count"))
        counted: QuerySet[Any] = super().get_queryset(request).annotate(live_meetings=Coalesce(count, 0))
        return counted

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown: list[Any] = list(self.list_display)
        if not self.has_change_permission(request):
            shown = [FOR_ONLOOKERS.get(name, name) for name in shown]
        if not _may_see_meetings(request):
            shown[shown.index("live_meetings")] = "live_meetings_count"
        shown.insert(3, _opens_on_column())
        return shown

    def get_fieldsets(self, request: HttpRequest, obj: Room | None = None) -> Any:
        may_edit = obj is None or self.has_change_permission(request, obj)
        swapped = {} if may_edit else FOR_ONLOOKERS
        return [(title, {"fields": [swapped.get(name, name) for name in names]}) for title, names in FIELDSETS]

    @admin.display(description="live meetings", ordering="live_meetings")
    def live_meetings(self, room: Any) -> SafeString | int:
        if not room.live_meetings:
            return 0
        address = reverse("admin:meetings_meeting_changelist")
        return format_html(
            '<a href="{}?room__id__exact={}&amp;state__exact=live">{}</a>', address, room.pk, room.live_meetings
        )

    @admin.display(description="live meetings", ordering="live_meetings")
    def live_meetings_count(self, room: Any) -> int:
        count: int = room.live_meetings
        return count

    @admin.display(description="opens on")
    def opens_on(self, room: Room) -> str:
        if room._state.adding:
            return "To be seen once the room is saved."
        return _in_words(moving.select_or_refusal(room, current_policy()), "{}: {}")

    @admin.display(description="platforms compared")
    def platforms_compared(self, room: Room) -> SafeString:
        rows = moving.compare_platforms(None if room._state.adding else room)
        return render_to_string("admin/rooms/room/platforms.html", {"rows": rows})

    @admin.display(description="platform", ordering="platform")
    def platform_choice(self, room: Room) -> str:
        return moving.choice_label(room.platform)

    @admin.display(description="webhook secret")
    def webhook_secret_state(self, room: Room) -> str:
        return "stored, not shown" if room.webhook_secret else "none"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        room: Room | None = kwargs.get("obj")
        if room and _may_see_meetings(request):
            context["live_meetings"] = room.meetings.live()[:LIVE_MEETINGS_LISTED]
        return super().render_change_form(request, context, *args, **kwargs)

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

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{"form": PlatformForm, "fields": self.list_editable, **kwargs})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "platform" in form.changed_data:
            live = moving.live_meetings_of(Room.objects.filter(pk=obj.pk))
            move = moving.weigh(obj.platform, {form.initial["platform"]: [obj]}, live)
            for sentence in move.consequences():
                self.message_user(request, f"{obj.name}: {sentence}", messages.WARNING)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The history says which platform was left for which."""
        message = super().construct_change_message(request, form, formsets, add)
        if not add and "platform" in form.changed_data:
            fields = message[0]["changed"]["fields"]
            changed = _changed_platform(form.initial["platform"], form.cleaned_data["platform"])
            fields[fields.index("Platform")] = changed
        return message

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if "_popup" in request.GET or not self.has_change_permission(request):
            return actions
        for name in get_available_platforms():
            if not why_unavailable(name):
                actions[f"move_to_{name}"] = (_moving_to(name), f"move_to_{name}", f"Move to {platform_label(name)}")
        actions["follow_the_rollout"] = (_moving_to(""), "follow_the_rollout", "Follow the rollout")
        return actions

    def move(self, request: HttpRequest, rooms: QuerySet[Room], platform: str) -> None:
        with transaction.atomic():
            move = moving.move_rooms(rooms, platform)
            for left, moved in move.before.items():
                changed = {"changed": {"fields": [_changed_platform(left, platform)]}}
                LogEntry.objects.log_actions(request.user.pk, moved, CHANGE, [changed])  # type: ignore[arg-type]
        if not move.moved:
            self.message_user(request, "Nothing to move: the rooms have that choice already.", messages.INFO)
            return
        what = f"moved to {platform_label(platform)}" if platform else "now following the rollout"
        self.message_user(request, f"{moving.count_of(move.moved, 'room')} {what}.", messages.SUCCESS)
        for sentence in move.consequences():
            self.message_user(request, sentence, messages.WARNING)


def _moving_to(platform: str) -> Callable[[RoomAdmin, HttpRequest, QuerySet[Room]], None]:
    return partial(RoomAdmin.move, platform=platform)


def _changed_platform(old: str, new: str) -> str:
    return f"Platform from {moving.choice_label(old)} to {moving.choice_label(new)}"


def _opens_on_column() -> Callable[[Room], str]:
    """A column for one page: the rollout is looked up once, for all of its rooms."""
    policy = cache(current_policy)

    @admin.display(description="opens on")
    def opens_on(room: Room) -> str:
        return _in_words(moving.select_or_refusal(room, policy()), '{}<br><span class="quiet mini">{}</span>')

    return opens_on


def _in_words(selection: Selection, layout: str) -> SafeString:
    return format_html(
        layout, platform_label(selection.platform) if selection.platform else "Nowhere", selection.reason
    )


def _may_see_meetings(request: HttpRequest) -> bool:
    return any(request.user.has_perm(f"meetings.{action}_meeting") for action in ("view", "change"))


@admin.register(ApiKey)
class ApiKeyAdmin(ApiKeyModelAdmin):
    """Keys are made by their users, who see them once; staff can only take them away."""

    list_display = ["__str__", "user", "created_at"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username", "user__email"]
    fields = ["name", "user", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False
