"""Searching what was said. Ranks come from the database for all that matches, snippets are cut for one page only."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response

from platforms.listing import Listing
from platforms.statements import StatementOfKeys
from recordings.api.transcripts.serializers import TITLE, Milliseconds
from recordings.models import Transcript
from recordings.transcripts import matches, search
from recordings.transcripts.access import IsAuthenticatedOrPublicMode, listed_for
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest
from rooms.api.input import StrictCharField, read_query
from rooms.api.quick import Columns, QuickSerializer
from rooms.api.schema import INVALID, answers

LONGEST_QUERY = 1000  # characters
LAST_OFFSET = 100_000
# What the page shows of what was found; the rest is not even read.
FOUND_FIELDS = [
    *("name", "title", "user", "room", "source_kind", "created_at", "deleted_at", "status", "duration", "change_seq"),
    *("room__name", "room__title", "recording__recorded_at", "search_document__transcript", "search_document__body"),
]
TOTAL_HELP = (
    f"How many there are, as far as they are counted. Of more than {search.RANKED} the newest are ranked and older "
    "ones follow by date; the number is then one more than those that were counted."
)
DELETED_SIGN_IN = ErrorDetail("Authentication required to view deleted transcripts", "not_authenticated")
WRONG_ORDER = ErrorDetail("'from' must be less than or equal to 'to'", "from_after_to")


class AwareDateTimeField(serializers.DateTimeField):
    """A moment; one without an offset could mean any of many."""

    default_error_messages = {"naive": "A time zone is required, as in 2026-01-02T03:04:05Z."}

    def enforce_timezone(self, value: Any) -> Any:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)


class SearchQuery(serializers.Serializer[Any]):
    q = StrictCharField(
        allow_blank=True, max_length=LONGEST_QUERY, help_text='Words, "phrases", -excluded, or alternatives.'
    )
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    offset = serializers.IntegerField(min_value=0, max_value=LAST_OFFSET, default=0)
    room_id = serializers.UUIDField(required=False)
    source_kind = serializers.ChoiceField(choices=Transcript.SourceKind.choices, required=False)
    to = AwareDateTimeField(required=False)
    include_deleted = serializers.BooleanField(default=False, help_text="One's own deleted ones, and only those.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of Python."""
        return {**super().get_fields(), "from": AwareDateTimeField(required=False)}


@extend_schema_serializer(component_name="SearchResult")
class FoundSerializer(QuickSerializer[Transcript]):
    title = serializers.CharField(
        source="shown_title", read_only=True, help_text="While it has none, its name, and of a meeting the day."
    )
    user_id = serializers.CharField(allow_null=True, read_only=True)
    room_id = serializers.UUIDField(allow_null=True, read_only=True)
    room_name = serializers.CharField(source="room.name", allow_null=True, default=None, read_only=True)
    duration = Milliseconds()
    rank = serializers.FloatField(read_only=True, help_text="From 0 to 1; comparable within one answer only.")
    search_snippets = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="Plain text.")
    total_match_count = serializers.IntegerField(read_only=True, help_text="How many segments match.")

    class Meta:
        model = Transcript
        fields = [
            "id",
            "name",
            "title",
            "user_id",
            "room_id",
            "room_name",
            "source_kind",
            "created_at",
            "status",
            "rank",
            "duration",
            "search_snippets",
            "total_match_count",
            "change_seq",
        ]
        read_only_fields = fields


@extend_schema_serializer(component_name="SearchResponse")
class FoundPageSerializer(serializers.Serializer[Any]):
    results = FoundSerializer(many=True)
    total = serializers.IntegerField(help_text=TOTAL_HELP)
    query = serializers.CharField(allow_null=True)
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()


class SearchTranscripts(ApiView):
    permission_classes = [IsAuthenticatedOrPublicMode]

    @extend_schema(
        operation_id="v1_transcripts_search",
        summary="Transcripts in which something was said, best first",
        parameters=[SearchQuery],
        responses=answers(FoundPageSerializer, e400=WRONG_ORDER, e401=DELETED_SIGN_IN, e422=INVALID),
    )
    def get(self, request: Request) -> Response:
        wanted = read_query(request, SearchQuery)
        require_sensible(request, wanted)
        results, total = shown(request.user, wanted)
        page = {"total": total, "query": wanted["q"] or None, "limit": wanted["limit"], "offset": wanted["offset"]}
        return Response({"results": results, **page})


def require_sensible(request: Request, wanted: dict[str, Any]) -> None:
    if wanted["include_deleted"] and not request.user.is_authenticated:
        raise AuthenticationFailed(DELETED_SIGN_IN)
    if "from" in wanted and "to" in wanted and wanted["from"] > wanted["to"]:
        raise BadRequest(WRONG_ORDER)


def shown(user: Any, wanted: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """One page as the serializer shows it, and how many there are; an empty query gives all, newest first."""
    visible, query = among(user, wanted), search.Query.parse(wanted["q"])
    limit, offset = wanted["limit"], wanted["offset"]
    if not wanted["q"].strip():
        rows = visible.of_values(*FOUND.names)[offset : offset + limit]
        return [one | {"rank": 0.0, "search_snippets": [], "total_match_count": 0} for one in FOUND.shown(rows)], (
            visible.count()
        )
    found, total = search.ranked_values(visible, query, limit, offset, MATCHING.names)
    results = MATCHING.shown([row for _, row in found])
    for result, (rank, row) in zip(results, found, strict=True):
        result["rank"] = rank
        result["search_snippets"], result["total_match_count"] = matches.snippets(row[-1], query)
    return results, total


def find(user: Any, wanted: dict[str, Any]) -> tuple[list[Transcript], int]:
    """The same as objects, with all that was said in them where words are sought."""
    visible = among(user, wanted)
    limit, offset = wanted["limit"], wanted["offset"]
    if not wanted["q"].strip():
        return visible[offset : offset + limit], visible.count()
    ranks, total = search.ranked(visible, search.Query.parse(wanted["q"]), limit, offset)
    found = {row.pk: row for row in _FOUND.rows(list(ranks))}
    return [found[pk] for pk in ranks if pk in found], total


FOUND = Columns(FoundSerializer, {"title": TITLE})
MATCHING = Columns(FoundSerializer, {"title": TITLE}, also=["search_document.body"])
_FOUND = StatementOfKeys(
    lambda keys: (
        Transcript.objects.select_related("room", "recording", "search_document")
        .only(*FOUND_FIELDS)
        .order_by()
        .filter(pk__in=keys)
    )
)


def among(user: Any, wanted: dict[str, Any]) -> Listing[Transcript]:
    """Those that this person may find, within what is wanted besides words."""
    chosen = {"room_id": "room_id", "source_kind": "source_kind", "from": "created_at__gte", "to": "created_at__lte"}
    narrowed = {lookup: wanted[name] for name, lookup in chosen.items() if name in wanted}
    return listed_for(user, wanted["include_deleted"]).filter(**narrowed)
