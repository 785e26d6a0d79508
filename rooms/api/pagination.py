"""Pages of a list, in the shape that the single-page app reads."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from rooms.api.input import read_query

LARGEST_PAGE = 100


class PageQuery(serializers.Serializer[Any]):
    page = serializers.IntegerField(min_value=1, default=1)
    size = serializers.IntegerField(min_value=1, max_value=LARGEST_PAGE, default=50)


class PageSerializer(serializers.Serializer[Any]):
    # Subclasses add `items`.

    total = serializers.IntegerField()
    page = serializers.IntegerField()
    size = serializers.IntegerField()
    pages = serializers.IntegerField()


def page_of(queryset: QuerySet[Any], request: Request) -> dict[str, Any]:
    """`items` are the rows of the page that the query asks for; a page beyond the end has none."""
    query = read_query(request, PageQuery)
    page, size = query["page"], query["size"]
    total = queryset.count()
    start = (page - 1) * size
    # Beyond the end the database is not asked: a start of fifty digits would be an error to it.
    items = list(queryset[start : start + size]) if start < total else []
    return {"items": items, "total": total, "page": page, "size": size, "pages": -(-total // size)}
