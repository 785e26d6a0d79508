"""Looking for what was said, by a page: the same transcripts, in the same order, as by the API's search."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from recordings import search
from recordings.api.transcript_access import SignedInOrPublicMode, listed_for
from recordings.api.transcript_search import LAST_OFFSET, SearchQuery, find
from recordings.models import Transcript
from rooms.models import Room

SIZE = 20  # transcripts on a page
MOST_ROOMS = 500  # to choose from
WORDS = {"max_length": "Please search for fewer words.", "null_characters_not_allowed": "Please type words to find."}

Piece = tuple[str, bool]  # a text, and whether it is what was looked for


@dataclass(frozen=True)
class Place:
    line: int
    pieces: list[Piece]


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
    if not SignedInOrPublicMode().has_permission(request, None):  # type: ignore[arg-type]
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
    if not form.is_valid():
        return render(request, "recordings/search.html", context | {"errors": in_plain_words(form.errors)}, status=422)
    found, total = find(request.user, form.validated_data)
    query = search.Query.parse(text)
    # Only counted: which rows a page shows was found already.
    page = Paginator(range(total), SIZE).get_page(number)
    context |= {"hits": [hit_of(t, query, text) for t in found], "total": total, "page": page}
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


def rooms_with_transcripts(user: Any) -> QuerySet[Room]:
    theirs = listed_for(user).order_by().values("room")
    return Room.objects.filter(pk__in=theirs).order_by("name")[:MOST_ROOMS]


def in_plain_words(errors: Any) -> dict[str, str]:
    """The first thing that is wrong with each field."""
    if "room_id" in errors:
        return {"room": "There is no such room. Please choose one of the list."}
    return {name: WORDS.get(found[0].code, str(found[0])) for name, found in errors.items()}


def hit_of(transcript: Transcript, query: search.Query, text: str) -> Hit:
    places: list[Place] = []
    count = 0
    if query.alternatives:
        lines, count = search.matching_lines(transcript.search_document.body, query)
        places = [Place(line, marked(said, query)) for line, said in lines.items()]
    return Hit(transcript, marked(str(transcript), query), places, count - len(places), urlencode({"q": text}))


def marked(text: str, query: search.Query) -> list[Piece]:
    """The text in pieces, so that a template can mark some of them and escape all."""
    if not query.alternatives:
        return [(text, False)]
    pieces: list[Piece] = []
    end = 0
    for match in query.pattern().finditer(text):
        pieces += [(text[end : match.start()], False), (match.group(), True)]
        end = match.end()
    return [piece for piece in [*pieces, (text[end:], False)] if piece[0]]
