"""What staff can do about recordings: fetch, transcribe, link and delete them, and listen to what is stored."""

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from meetings.models import Meeting
from recordings.intake import register
from recordings.intake.matching import likely_meetings
from recordings.models import Recording, Track
from recordings.privacy import deletion
from recordings.storage import links
from rooms.platform_change import count_of

if TYPE_CHECKING:
    RecordingModelAdmin = admin.ModelAdmin[Recording]
else:
    RecordingModelAdmin = admin.ModelAdmin

logger = logging.getLogger(__name__)

LINK_LIFETIME = timedelta(minutes=5)


class MeetingForm(forms.Form):
    meeting = forms.ModelChoiceField(Meeting.objects.known_to_provider())

    def __init__(self, *args: Any, site: admin.AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        relation = Recording._meta.get_field("meeting").remote_field
        self.fields["meeting"].widget = ForeignKeyRawIdWidget(relation, site)


class RecordingActions(RecordingModelAdmin):
    actions = ["fetch_again", "submit_again", "link_to_meeting", "restore", "delete_everywhere"]
    change_form_template = "admin/recordings/recording/change_form.html"

    def has_work_permission(self, request: HttpRequest) -> bool:
        """Nothing of a recording is edited by hand: whoever may change recordings may do this."""
        return request.user.has_perm("recordings.change_recording")

    def has_destroy_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("recordings.delete_recording")

    # Actions

    @admin.action(description=gettext_lazy("Fetch again"), permissions=["work"])
    def fetch_again(self, request: HttpRequest, queryset: QuerySet[Recording]) -> None:
        self._do(request, queryset, register.fetch_again, gettext_lazy("To be fetched again"))

    @admin.action(description=gettext_lazy("Transcribe again"), permissions=["work"])
    def submit_again(self, request: HttpRequest, queryset: QuerySet[Recording]) -> None:
        self._do(request, queryset, register.submit_again, gettext_lazy("To be transcribed again"))

    @admin.action(description=gettext_lazy("Link to meeting"), permissions=["work"])
    def link_to_meeting(self, request: HttpRequest, queryset: QuerySet[Recording]) -> HttpResponse | None:
        chosen = list(queryset[:2])
        if len(chosen) == 1:
            return HttpResponseRedirect(reverse("admin:recordings_recording_link", args=[chosen[0].pk]))
        self.message_user(request, _("Choose one recording at a time to link."), messages.WARNING)
        return None

    @admin.action(description=gettext_lazy("Take out of the trash"), permissions=["destroy"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Recording]) -> None:
        self._do(request, queryset, deletion.restore_recording, gettext_lazy("Taken out of the trash"))

    @admin.action(description=gettext_lazy("Delete everywhere"), permissions=["destroy"])
    def delete_everywhere(self, request: HttpRequest, queryset: QuerySet[Recording]) -> HttpResponse | None:
        """Ask, with what it means, and then do it."""
        chosen = queryset.exclude(state=Recording.State.DELETED)
        if "confirmed" in request.POST:
            self._do(request, chosen, _delete_everywhere, gettext_lazy("To be deleted everywhere"))
            return None
        if not chosen:
            self.message_user(request, _("They are deleted already."), messages.INFO)
            return None
        context = {"title": _("Delete everywhere"), "recordings": chosen, "action": "delete_everywhere"}
        return self._page(request, "delete_confirmation.html", context)

    def _do(
        self, request: HttpRequest, queryset: QuerySet[Recording], act: Callable[[Recording], bool], done: Any
    ) -> None:
        recordings = list(queryset)
        changed = sum(self._do_one(request, recording, act, format_lazy("{}.", done)) for recording in recordings)
        if changed:
            self.message_user(request, f"{done}: {count_of(changed, 'recording')}.", messages.SUCCESS)
        if left := len(recordings) - changed:
            self.message_user(request, left_alone(left), messages.WARNING)

    def _do_one(
        self, request: HttpRequest, recording: Recording, act: Callable[[Recording], bool], message: Any
    ) -> bool:
        with transaction.atomic():
            changed = act(recording)
            if changed:
                self.log_change(request, recording, message)
        return changed

    # Pages

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "link": ("<uuid:recording_id>/link/", self.link_view),
            "file": ("<uuid:recording_id>/file/", self.file_view),
            "track": ("<uuid:recording_id>/tracks/<int:track_id>/file/", self.file_view),
        }
        return [
            *(
                path(route, self.admin_site.admin_view(view), name=f"recordings_recording_{name}")
                for name, (route, view) in views.items()
            ),
            *super().get_urls(),
        ]

    @method_decorator(require_http_methods(["GET", "POST"]))
    def link_view(self, request: HttpRequest, recording_id: uuid.UUID) -> HttpResponse:
        """Choose the meeting that a recording belongs to, the likely ones first."""
        if not self.has_work_permission(request):
            raise PermissionDenied
        recording = get_object_or_404(Recording.objects.select_related("meeting"), pk=recording_id)
        form = MeetingForm(request.POST or None, site=self.admin_site)
        if request.method == "POST" and form.is_valid():
            self._link(request, recording, form.cleaned_data["meeting"])
            return HttpResponseRedirect(reverse("admin:recordings_recording_change", args=[recording.pk]))
        context = {
            "title": _("Link the recording to a meeting"),
            "recording": recording,
            "form": form,
            "meetings": likely_meetings(recording.platform, recording.room_name, recording.recorded_at),
            "media": self.media + form.media,
        }
        return self._page(request, "link.html", context)

    def _link(self, request: HttpRequest, recording: Recording, meeting: Meeting) -> None:
        with transaction.atomic():
            linked = register.link(recording, meeting)
            if linked:
                self.log_change(request, recording, f"Linked to the meeting {meeting} ({meeting.pk}).")
        if linked:
            self.message_user(request, _("Linked to {meeting}.").format(meeting=meeting), messages.SUCCESS)
        else:
            self.message_user(request, _("It is deleted, and stays as it is."), messages.WARNING)

    @method_decorator(require_safe)
    def file_view(self, request: HttpRequest, recording_id: uuid.UUID, track_id: int | None = None) -> HttpResponse:
        """On to the file, by a link that soon ends and stands on no page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        recording = get_object_or_404(Recording, pk=recording_id)
        track = None if track_id is None else get_object_or_404(recording.tracks, pk=track_id)
        if not _has_file(recording, track):
            raise Http404
        logger.info("recording_opened recording=%s track=%s user=%s", recording.pk, track_id, request.user.pk)
        suffix = "?download=1" if "download" in request.GET else ""
        return HttpResponseRedirect(links.link_to(recording, track, LINK_LIFETIME, to_play=True) + suffix)

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        common = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/recordings/recording/{template}", {**common, **context})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The actions of the list stand on the page of each recording as well."""
        chosen = self.get_actions(request).values() if kwargs.get("obj") else []
        context["recording_actions"] = [(action[1], action[2]) for action in chosen if action]
        return super().render_change_form(request, context, *args, **kwargs)


def left_alone(count: int) -> str:
    return _(
        "Left alone: {recordings}, in no state for it, in a worker's hands, or gone where it would come from."
    ).format(recordings=count_of(count, "recording"))


def _delete_everywhere(recording: Recording) -> bool:
    deletion.delete_everywhere(recording)
    return True


def _has_file(recording: Recording, track: Track | None) -> bool:
    return bool(track.file if track else recording.file) and recording.may_be_played()
