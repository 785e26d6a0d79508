"""Meetings as staff see them: where and why they opened, how they go, and ending one. Nothing is edited by hand."""

import logging
import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from meetings.joining import MeetingGone, let_in
from meetings.models import EmailRecipient, Meeting, MeetingQuerySet, ParticipantSession, ProviderCall, room_key_of
from meetings.opening import end_meeting
from meetings.recording_starts import begins_by
from platforms.admin.input import ReadOnlyAdmin, ReadOnlyRows
from platforms.admin.searching import by_provider_names
from platforms.exceptions import PlatformError
from platforms.handler import get_platform_client_class, platform_label, why_unavailable
from platforms.types import JoinRequest
from platforms.work.admin import JobAdmin, shortened
from rooms.admin_search import SearchById, rooms_called
from rooms.platform_change import count_of

if TYPE_CHECKING:
    MeetingModelAdmin = admin.ModelAdmin[Meeting]
    ProviderCallTable = admin.TabularInline[ProviderCall, Meeting]
    PeopleTable = admin.TabularInline[ParticipantSession, Meeting]
    RecipientTable = admin.TabularInline[EmailRecipient, Meeting]
else:
    MeetingModelAdmin = admin.ModelAdmin
    ProviderCallTable = PeopleTable = RecipientTable = admin.TabularInline

logger = logging.getLogger(__name__)

ANSWERS = gettext_lazy("What people said to being recorded")
FIELDSETS: list[tuple[str | Promise | None, list[str]]] = [
    (None, ["room_link", "state", "error", "num_clients", "start_date", "end_date", "ended_at", "id"]),
    (gettext_lazy("Platform"), ["platform_name", "platform_reason"]),
    (gettext_lazy("At the provider"), ["provider_meeting_id", "room_name", "room_url", "has_host_address"]),
    (
        gettext_lazy("What the provider told of recordings"),
        ["recording_started_at", "recording_ended_at", "recording_failed_at"],
    ),
    (
        gettext_lazy("As the room was set when it opened"),
        ["is_locked", "room_mode", "recording_type", "recording_trigger", "skip_consent", "store_video"],
    ),
    (ANSWERS, ["answers"]),
]


class PeopleInline(ReadOnlyRows, PeopleTable):
    model = ParticipantSession
    verbose_name_plural = gettext_lazy("people who were in it")
    fields = ["user_name", "joined_at", "left_at", "is_bot"]


class EmailRecipientInline(ReadOnlyRows, RecipientTable):
    model = EmailRecipient
    verbose_name_plural = gettext_lazy("who asked to be sent what was said")
    fields = ["email", "include_link", "added_at"]
    readonly_fields = ["added_at"]


class ProviderCallInline(ReadOnlyRows, ProviderCallTable):
    model = ProviderCall
    fields = ["kind", "state", "attempts", "next_attempt_at", "last_error"]
    show_change_link = True


@admin.register(Meeting)
class MeetingAdmin(ReadOnlyAdmin, SearchById, MeetingModelAdmin):
    linked_lookups = frozenset({"room__id__exact"})
    list_display = [
        "room_label",
        "platform_name",
        "reason",
        "state",
        "start_date",
        "num_clients",
    ]
    list_filter = ["platform", "state", "start_date"]
    search_fields = ["room_label", "provider_meeting_id", "room_name"]
    search_help_text = gettext_lazy("A room's name, or an id or name that the provider or this product gave.")
    readonly_fields = ["id", "room_link", "platform_name", "has_host_address", "answers"]
    inlines = [PeopleInline, EmailRecipientInline, ProviderCallInline]
    actions = ["end"]

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Ending a meeting is the one change there is to make; being its host allows as much."""
        return request.user.has_perm("meetings.change_meeting")

    def whole(self, term: str) -> list[Q]:
        given = by_provider_names(provider_meeting_id=term, room_key=room_key_of(term))
        return [Q(room__in=rooms_called(term)), *given]

    # What is shown

    def get_fieldsets(self, request: HttpRequest, obj: Meeting | None = None) -> Any:
        hidden = () if request.user.has_perm("recordings.view_consent") else (ANSWERS,)
        return [(title, {"fields": names}) for title, names in FIELDSETS if title not in hidden]

    @admin.display(description=gettext_lazy("platform"), ordering="platform")
    def platform_name(self, meeting: Meeting) -> str:
        return platform_label(meeting.platform)

    @admin.display(description=gettext_lazy("reason"))
    def reason(self, meeting: Meeting) -> str:
        return shortened(meeting.platform_reason)

    @admin.display(description=gettext_lazy("room"))
    def room_link(self, meeting: Meeting) -> SafeString | str:
        if meeting.room_id is None:
            return _("{room} (deleted since)").format(room=meeting.room_label)
        address = reverse("admin:rooms_room_change", args=[meeting.room_id])
        return format_html('<a href="{}">{}</a>', address, meeting.room_label)

    @admin.display(description=gettext_lazy("answers"))
    def answers(self, meeting: Meeting) -> SafeString | str:
        """Each one is in a list of its own."""
        said = list(meeting.consents.values_list("given", flat=True))
        if not said:
            return _("nobody answered")
        address = reverse("admin:recordings_consent_changelist")
        words = _("{agreed} agreed, {refused} refused").format(agreed=said.count(True), refused=said.count(False))
        return format_html('<a href="{}?meeting__id__exact={}">{}</a>', address, meeting.pk, words)

    @admin.display(description=gettext_lazy("host address held"), boolean=True)
    def has_host_address(self, meeting: Meeting) -> bool:
        """The address itself lets anybody in as host: it is on no page that may be shown around."""
        return bool(meeting.host_room_url)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        meeting: Meeting | None = kwargs.get("obj")
        context["may_end"] = bool(meeting and meeting.is_active and self.has_end_permission(request))
        return super().render_change_form(request, context, *args, **kwargs)

    # What can be done

    @admin.action(description=gettext_lazy("End meeting"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: MeetingQuerySet) -> None:
        live = list(queryset.live())
        ended = sum(self._end(request, meeting) for meeting in live)
        if ended:
            self.message_user(
                request, _("{meetings} ended.").format(meetings=count_of(ended, "meeting")), messages.SUCCESS
            )
        if others := queryset.exclude(pk__in=[meeting.pk for meeting in live]).count() + len(live) - ended:
            self.message_user(
                request,
                _("Not live, so left as it was: {meetings}.").format(meetings=count_of(others, "meeting")),
                messages.WARNING,
            )

    def _end(self, request: HttpRequest, meeting: Meeting) -> bool:
        with transaction.atomic():
            ended = end_meeting(meeting)
            if ended:
                self.log_change(request, meeting, "Ended for everybody.")
        return ended

    def get_urls(self) -> list[URLPattern]:
        end = self.admin_site.admin_view(self.end_view)
        host = self.admin_site.admin_view(self.host_view)
        return [
            path("<uuid:meeting_id>/end/", end, name="meetings_meeting_end"),
            path("<uuid:meeting_id>/host/", host, name="meetings_meeting_host"),
            *super().get_urls(),
        ]

    @method_decorator(require_http_methods(["GET", "POST"]))
    def end_view(self, request: HttpRequest, meeting_id: uuid.UUID) -> HttpResponse:
        """Ask, with what it means, and then do it."""
        meeting = self._get_permitted(request, meeting_id)
        if request.method == "POST":
            self.end(request, Meeting.objects.filter(pk=meeting.pk))
            return _to_page_of(meeting)
        context = {
            **self.admin_site.each_context(request),
            "title": _("End the meeting {meeting}").format(meeting=meeting),
            "opts": self.opts,
            "meeting": meeting,
            "room_closes": _closes_rooms(meeting.platform),
            "platform": platform_label(meeting.platform),
        }
        return TemplateResponse(request, "admin/meetings/meeting/end_confirmation.html", context)

    @method_decorator(require_GET)
    def host_view(self, request: HttpRequest, meeting_id: uuid.UUID) -> HttpResponse:
        """On to the meeting as its host; the address appears on no page."""
        meeting = self._get_permitted(request, meeting_id)
        if not meeting.is_active:
            self.message_user(request, _("The meeting is not live."), messages.WARNING)
            return _to_page_of(meeting)
        try:
            link = let_in(meeting, _as_host(request, meeting))
        except MeetingGone:
            self.message_user(
                request, _("The platform has no such room any more: the meeting has ended."), messages.ERROR
            )
            return _to_page_of(meeting)
        except PlatformError as error:
            self.message_user(request, str(error), messages.ERROR)
            return _to_page_of(meeting)
        logger.info("meeting_opened_as_host meeting=%s user=%s", meeting.pk, request.user.pk)
        return HttpResponseRedirect(link.url)

    def _get_permitted(self, request: HttpRequest, meeting_id: uuid.UUID) -> Meeting:
        if not self.has_end_permission(request):
            raise PermissionDenied
        return get_object_or_404(Meeting, pk=meeting_id)


def _as_host(request: HttpRequest, meeting: Meeting) -> JoinRequest:
    return JoinRequest(
        room_name=meeting.room_name,
        room_url=meeting.room_url,
        host_room_url=meeting.host_room_url,
        settings=meeting,
        expires_at=meeting.end_date,
        is_owner=True,
        user_id=str(request.user.pk),
        user_name=request.user.get_username(),
        starts_recording=begins_by(meeting, request.user),
    )


def _closes_rooms(platform: str) -> bool:
    return not why_unavailable(platform) and get_platform_client_class(platform).supports_closing


def _to_page_of(meeting: Meeting) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:meetings_meeting_change", args=[meeting.pk]))


@admin.register(ProviderCall)
class ProviderCallAdmin(JobAdmin):
    about = ["kind", "meeting"]
    list_filter = ["state", "kind"]
    search_fields = ["meeting__room_label", "meeting__room_name", "last_error"]
