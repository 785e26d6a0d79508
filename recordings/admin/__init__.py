"""Recordings as staff see them: where each stands and why, what is stored of it, and what can be done about it."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from meetings.models import Meeting
from platforms.admin.input import ReadOnlyAdmin
from platforms.admin.searching import by_provider_names
from platforms.handler import platform_label
from platforms.work.admin import shortened
from recordings.admin import consent, jobs, transcripts, users  # noqa: F401  (registers them)
from recordings.admin.actions import RecordingActions
from recordings.admin.inlines import ErasureInline, IngestInline, SubmissionInline, TrackInline, clock
from recordings.models import Recording, Transcript
from rooms.admin_search import SearchById, rooms_called

State = Recording.State
MOST_MEETINGS = 1000  # of a room, whose recordings the search finds by its name

FIELDSETS: list[tuple[str | Promise | None, list[str]]] = [
    (None, ["meeting_link", "state", "error", "can_retry", "recorded_at", "length", "transcript_link", "id"]),
    (gettext_lazy("Stored"), ["player", "file", "size", "sha256", "content_type", "has_video"]),
    (
        gettext_lazy("At the provider"),
        ["platform_name", "kind", "provider_recording_id", "room_name", "events_link", "bucket", "key"],
    ),
    (gettext_lazy("When"), ["created_at", "updated_at", "deleted_at", "restored_at"]),
]


class InTrash(admin.SimpleListFilter):
    """What rests there can be taken out of it; what is deleted cannot."""

    title = gettext_lazy("trash")
    parameter_name = "trash"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("In the trash"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Recording]) -> QuerySet[Recording]:
        in_trash = queryset.filter(deleted_at__isnull=False).exclude(state=State.DELETED)
        return in_trash if self.value() == "yes" else queryset


@admin.register(Recording)
class RecordingAdmin(ReadOnlyAdmin, SearchById, RecordingActions):
    """A row that is deleted would come back with the next listing; see `delete_everywhere`."""

    list_display = ["name", "platform_name", "kind", "state", "length", "reason", "recorded_at"]
    list_filter = ["state", "platform", "kind", "can_retry", "recorded_at", InTrash]
    list_select_related = ["meeting"]
    search_fields = ["provider_recording_id", "room_name", "meeting__room_label", "key"]
    search_help_text = gettext_lazy("A room's name, an id or name that the provider gave, or a part of a key.")
    readonly_fields = [
        *("id", "meeting_link", "platform_name", "length", "transcript_link", "player", "events_link"),
        *("created_at", "updated_at"),
    ]
    inlines = [TrackInline, IngestInline, SubmissionInline, ErasureInline]
    change_list_template = "admin/recordings/recording/change_list.html"

    def whole(self, term: str) -> list[Q]:
        meetings = Meeting.objects.filter(room__in=rooms_called(term)).values_list("pk", flat=True)
        given = by_provider_names(provider_recording_id=term, room_name=term)
        return [Q(meeting__in=list(meetings.order_by("-start_date")[:MOST_MEETINGS])), *given]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Recording]:
        return super().get_queryset(request).defer("source_url")

    def get_fieldsets(self, request: HttpRequest, obj: Recording | None = None) -> Any:
        return [(title, {"fields": names}) for title, names in FIELDSETS]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        counts = {state: Count("pk", filter=Q(state=state)) for state in (State.UNMATCHED, State.FAILED)}
        waiting = Recording.objects.filter(state__in=counts).aggregate(**counts)
        return super().changelist_view(request, {**(extra_context or {}), "waiting": waiting})

    @admin.display(description=gettext_lazy("room"), ordering="room_name")
    def name(self, recording: Recording) -> str:
        return recording.meeting.room_label if recording.meeting else recording.room_name or str(recording.pk)

    @admin.display(description=gettext_lazy("platform"), ordering="platform")
    def platform_name(self, recording: Recording) -> str:
        return platform_label(recording.platform) if recording.platform else _("uploaded")

    @admin.display(description=gettext_lazy("error"))
    def reason(self, recording: Recording) -> str:
        return shortened(recording.error)

    @admin.display(description=gettext_lazy("duration"), ordering="duration")
    def length(self, recording: Recording) -> str:
        return clock(recording.duration)

    @admin.display(description=gettext_lazy("meeting"))
    def meeting_link(self, recording: Recording) -> SafeString | str:
        if recording.meeting is None:
            return _("not known")
        return _link("admin:meetings_meeting_change", recording.meeting_id, str(recording.meeting))

    @admin.display(description=gettext_lazy("transcript"))
    def transcript_link(self, recording: Recording) -> SafeString | str:
        transcript = Transcript.objects.filter(recording=recording).first()
        return _link("admin:recordings_transcript_change", transcript.pk, str(transcript)) if transcript else _("none")

    @admin.display(description=gettext_lazy("webhook events"))
    def events_link(self, recording: Recording) -> SafeString | str:
        if not recording.room_name:
            return _("the room is not known")
        address = reverse("admin:platforms_webhookevent_changelist")
        query = urlencode({"q": recording.room_name})
        return format_html('<a href="{}?{}">{}</a>', address, query, _("of this room"))

    @admin.display(description=gettext_lazy("play"))
    def player(self, recording: Recording) -> SafeString | str:
        if not recording.file or recording.state == State.DELETED:
            return _("see its tracks") if recording.kind == Recording.Kind.TRACKS else _("nothing is stored")
        if not recording.may_be_played():
            return _("it is in the trash, about to be deleted, or was refused")
        address = reverse("admin:recordings_recording_file", args=[recording.pk])
        element = (
            '<video controls preload="none" width="480" src="{0}"></video>'
            if recording.has_video
            else '<audio controls preload="none" src="{0}"></audio>'
        )
        return format_html(element + '<p><a href="{0}?download=1">{1}</a></p>', address, _("Download"))


def _link(view: str, pk: Any, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse(view, args=[pk]), text)
