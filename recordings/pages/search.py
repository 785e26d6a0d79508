"""Looking for what was said, by a page: the same transcripts, in the same order, as by the API's search."""

import re
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework import exceptions

from recordings.api.transcripts.search import LAST_OFFSET, SearchQuery, among, find
from recordings.models import SearchDocument, Transcript
from recordings.pages.pieces import Piece, marked
from recordings.pages.places import Place, places_of
from recordings.pages.transcript.access import refuse
from recordings.transcripts import matches, search, spelling
from recordings.transcripts.access import IsAuthenticatedOrPublicMode, find_transcript, listed_for
from rooms.models import Room

SIZE = 20  # transcripts on a page
MOST_PLACES = 500  # of a transcript, on the page of all
LONGEST_QUERY = 1000  # characters
MOST_ROOMS = 500  # to choose from
MOST_LOOKED_AT = 1000  # transcripts, the newest, whose rooms these are
WORDS = {
    "max_length": gettext_lazy("Please search for fewer words."),
    "null_characters_not_allowed": gettext_lazy("Please type words to find."),
}


@dataclass(frozen=True)
class Hit:
    transcript: Transcript
    title: list[Piece]
    places: list[Place]
    more: int  # segments that match besides those
    query: str  # what its page needs to mark the words


@require_safe
@never_cache
def search_page(request: HttpRequest) -> HttpResponse:
    if not IsAuthenticatedOrPublicMode().has_permission(request, None):  # type: ignore[arg-type]
        return redirect_to_login(request.get_full_path())
    text, number = request.GET.get("q", ""), page_number(request)
    wanted = {"q": text, "limit": SIZE, "offset": (number - 1) * SIZE}
    if room := request.GET.get("room", ""):
        wanted["room_id"] = room
    if with_trash := request.user.is_authenticated and "trash" in request.GET:
        wanted["include_deleted"] = True
    form = SearchQuery(data=wanted)
    context: dict[str, Any] = {"text": text, "room": room, "rooms": rooms_with_transcripts(request.user)}
    context["with_trash"] = with_trash
    context["takes_uploads"] = request.user.is_authenticated and settings.UPLOAD_HOURS_PER_DAY > 0
    if not form.is_valid():
        return render(request, "recordings/search.html", context | {"errors": in_plain_words(form.errors)}, status=422)
    found, total = find(request.user, form.validated_data)
    query = search.Query.parse(text)
    # Only counted: which rows a page shows was found already.
    page = Paginator(range(total), SIZE).get_page(number)
    context |= {"hits": hits_of(found, query, text), "total": total, "page": page}
    if not total and query.alternatives:
        meant = spelling.meant(among(request.user, form.validated_data), text)
        context |= {"meant": meant, "meant_query": rest_of_address(meant, room, with_trash)}
    context["is_more"] = bool(query.alternatives) and search.is_more(total, SIZE, (number - 1) * SIZE)
    context |= {"has_words": bool(query.alternatives), "rest": rest_of_address(text, room, with_trash)}
    return render(request, "recordings/search.html", context)


def rest_of_address(text: str, room: str, with_trash: bool) -> str:
    """For the links to other pages of the same results."""
    return urlencode({"q": text, "room": room, **({"trash": "on"} if with_trash else {})})


def page_number(request: HttpRequest) -> int:
    """The first page for what is no number."""
    text = request.GET.get("page", "")
    number = int(text) if re.fullmatch("[0-9]{1,6}", text) else 1
    return min(max(number, 1), LAST_OFFSET // SIZE)


def rooms_with_transcripts(user: Any) -> list[tuple[str, str]]:
    """Id and title of those of the newest transcripts, as many as are looked at; of one title, the address as well."""
    theirs = listed_for(user).filter(room__isnull=False).values("room_id", 0, MOST_LOOKED_AT)
    rooms = Room.objects.filter(pk__in=set(theirs)).from_a_to_z()[:MOST_ROOMS]
    titles = Counter(room.label for room in rooms)
    return [(str(room.pk), f"{room.label} (/{room.name})" if titles[room.label] > 1 else room.label) for room in rooms]


def in_plain_words(errors: Any) -> dict[str, str]:
    """The first thing that is wrong with each field."""
    if "room_id" in errors:
        return {"room": _("There is no such room. Please choose one of the list.")}
    return {name: str(WORDS.get(found[0].code, found[0])) for name, found in errors.items()}


def hits_of(found: list[Transcript], query: search.Query, text: str) -> list[Hit]:
    counts: dict[uuid.UUID, int] = {}
    lines: dict[uuid.UUID, dict[int, str]] = {}
    for transcript in found if query.alternatives else ():
        lines[transcript.pk], counts[transcript.pk] = matches.matching_lines(transcript.search_document.body, query)
    places = places_of(lines, query)
    return [
        Hit(
            transcript=t,
            title=marked(str(t), query),
            places=places.get(t.pk, []),
            more=counts.get(t.pk, 0) - len(lines.get(t.pk, {})),
            query=urlencode({"q": text}),
        )
        for t in found
    ]


@require_safe
@never_cache
def all_places(request: HttpRequest, transcript_id: uuid.UUID) -> HttpResponse:
    """Every place of one transcript at which a search matches."""
    try:
        transcript = find_transcript(request.user, str(transcript_id))
    except (exceptions.NotFound, exceptions.PermissionDenied) as error:
        return refuse(request, error)
    text = request.GET.get("q", "")[:LONGEST_QUERY]
    query = search.Query.parse(text)
    body = SearchDocument.objects.filter(transcript=transcript).values_list("body", flat=True).first() or ""
    lines, count = matches.matching_lines(body, query, MOST_PLACES) if query.alternatives else ({}, 0)
    places = places_of({transcript.pk: lines}, query)[transcript.pk]
    context = {"transcript": transcript, "text": text, "places": places, "count": count, "more": count - len(lines)}
    return render(request, "recordings/places.html", context | {"query": urlencode({"q": text})})
