"""Pages of a list, in the shape that the single-page app reads."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from platforms.listing import COUNTED, LAST_PLACE, Listing, count_up_to
from rooms.api.input import read_query

LARGEST_PAGE = 100
COUNT_HELP = f"Exact up to {COUNTED:,}; a list that goes on from there has at least so many."


class PageQuery(serializers.Serializer[Any]):
    page = serializers.IntegerField(min_value=1, default=1)
    size = serializers.IntegerField(min_value=1, max_value=LARGEST_PAGE, default=50)


class PageSerializer(serializers.Serializer[Any]):
    # Subclasses add `items`.

    total = serializers.IntegerField(help_text=COUNT_HELP)
    page = serializers.IntegerField()
    size = serializers.IntegerField()
    pages = serializers.IntegerField()


def page_of(
    rows: QuerySet[Any] | Listing[Any], request: Request, query_class: type[PageQuery] = PageQuery
) -> dict[str, Any]:
    """`items` are the rows of the page that the query asks for; a page beyond the end has none."""
    query = read_query(request, query_class)
    page, size = query["page"], query["size"]
    start = (page - 1) * size
    # Beyond the last place the database is not asked: a start of fifty digits would be an error to it.
    found, counted = _look(rows, start, start + size + 1) if start < LAST_PLACE else ([], None)
    total = total_of(rows, start, size, found, counted)
    return {"items": found[:size], "total": total, "page": page, "size": size, "pages": -(-total // size)}


def _look(rows: QuerySet[Any] | Listing[Any], start: int, stop: int) -> tuple[list[Any], int | None]:
    return rows.page_and_count(start, stop) if isinstance(rows, Listing) else (list(rows[start:stop]), None)


def total_of(
    rows: QuerySet[Any] | Listing[Any], start: int, size: int, found: list[Any], counted: int | None = None
) -> int:
    """How many rows there are, as far as they are counted; the last page tells it by itself.

    `found` are the rows from `start` on, with one after the page; `counted` is their number, where it is known.
    """
    if len(found) <= size and (found or not start):
        return start + len(found)
    if counted is None:
        counted = rows.count() if isinstance(rows, Listing) else count_up_to(rows)
    total = counted
    return max(total, start + len(found)) if total > COUNTED and found else total
