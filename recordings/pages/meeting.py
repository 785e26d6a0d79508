"""One meeting, for whoever may change its room: who was in it and when, what they answered, and what was recorded."""

import csv
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meetings.models import Meeting
from recordings.models import Consent, Recording
from recordings.pages.home import not_in_trash, shown_platform, shown_recording
from recordings.pages.progress import with_fate
from recordings.pages.room import own_room
from recordings.transcripts.files import fit

NOBODY_KNOWN = gettext_lazy("Somebody who was not signed in")
ANSWERS = {True: gettext_lazy("agreed"), False: gettext_lazy("refused"), None: gettext_lazy("has not answered")}
# What a spreadsheet would take for one; of the wide signs some do, too.
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@dataclass
class Attendance:
    """One person of a meeting, from all the times they came in; `given` is their answer about being recorded."""

    name: str
    joined_at: datetime | None = None
    left_at: datetime | None = None
    is_in: bool = False
    given: bool | None = None
    answered_at: datetime | None = None

    @property
    def answer(self) -> str:
        return str(ANSWERS[self.given])


@require_safe
@never_cache
def meeting_page(request: HttpRequest, room_name: str, meeting_id: Any) -> HttpResponse:
    found = own_meeting(request, room_name, meeting_id)
    if found is None:
        return redirect_to_login(request.get_full_path())
    if found.room and found.room.name != room_name:
        return redirect("room-meeting", found.room.name, meeting_id)
    recordings = Recording.objects.visible_to(request.user).filter(meeting=found)
    shown = not_in_trash(with_fate(recordings.with_tracks()).select_related("transcript", "meeting__room"))
    context = {
        "room": found.room,
        "meeting": found,
        "platform": shown_platform(found.platform),
        "people": attendances(found),
        "is_asked": asks_consent(found),
        "recordings": [shown_recording(request.user, recording) for recording in shown],
    }
    return render(request, "recordings/meeting.html", context)


@require_safe
@never_cache
def answers_file(request: HttpRequest, room_name: str, meeting_id: Any) -> HttpResponse:
    """Who was in and what they answered, as CSV."""
    found = own_meeting(request, room_name, meeting_id)
    if found is None:
        return redirect_to_login(request.get_full_path())
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"{fit(f'{found.start_date:%Y-%m-%d %H.%M} {found.room_title} consent')}.csv"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    response.write("\ufeff")  # else some spreadsheets read it in another encoding
    writer = csv.writer(response)
    writer.writerow([_("name"), _("came in (UTC)"), _("left (UTC)"), _("answer"), _("answered (UTC)")])
    for person in attendances(found):
        moments = [_moment(moment) for moment in (person.joined_at, person.left_at, person.answered_at)]
        writer.writerow([_harmless(person.name), *moments[:2], person.answer, moments[2]])
    return response


@require_safe
@never_cache
def refusals(request: HttpRequest, room_name: str, meeting_id: Any) -> HttpResponse:
    """How many people refused, for the page of whoever is in the meeting and in charge of it."""
    found = own_meeting(request, room_name, meeting_id)
    if found is None:
        return JsonResponse({"detail": "Not authenticated"}, status=401)
    return JsonResponse({"refused": found.consents.filter(given=False).count()})


def own_meeting(request: HttpRequest, room_name: str, meeting_id: Any) -> Meeting | None:
    """None for who is not signed in. Raises Http404."""
    room = own_room(request, room_name)
    if room is None:
        return None
    meeting = Meeting.objects.select_related("room").filter(pk=meeting_id, room=room).first()
    if meeting is None:
        raise Http404
    return meeting


def asks_consent(meeting: Meeting) -> bool:
    return meeting.recording_type == "cloud" and not meeting.skip_consent


def attendances(meeting: Meeting) -> list[Attendance]:
    """People in the order in which they came, then answers of which nobody knows whose they are.

    An account tells for certain whose an answer is, but not every platform tells whose account came in: then the name
    that it came in with does, as of a guest, who typed theirs.
    """
    people: dict[str, Attendance] = {}
    for session in meeting.sessions.all():
        if session.is_bot:
            continue
        key = session.user_id or f"name {session.user_name}"
        person = people.setdefault(key, Attendance(session.user_name or _("Somebody without a name")))
        person.joined_at = person.joined_at or session.joined_at
        person.is_in = person.is_in or session.is_open
        person.left_at = max(filter(None, [person.left_at, session.left_at]), default=None)
    answers = meeting.consents.select_related("user").order_by("answered_at")
    for consent in sorted(answers, key=lambda consent: consent.user is None):
        user = consent.user
        name = (user.get_full_name() or user.get_username()) if user else consent.name
        key = _key_of(consent, name, people)
        person = people.setdefault(key, Attendance(name or str(NOBODY_KNOWN)))
        person.given, person.answered_at = consent.given, consent.answered_at
    return list(people.values())


def _key_of(consent: Consent, name: str, people: dict[str, Attendance]) -> str:
    """Their account's, or whoever came in under this name, unless there is an answer under that name already."""
    account, key = str(consent.user_id or ""), f"name {name}"
    if account in people:
        return account
    is_free = name and key in people and people[key].given is None
    return key if is_free else f"answer {consent.pk}"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
