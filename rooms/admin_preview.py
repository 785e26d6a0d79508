"""The page in Admin that says what a change would mean, before it is confirmed."""

import csv
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from rooms.rollout.preview import Preview, table

ROWS = 100
LONGEST_NOTE = 1000  # characters
CONFIRM, DOWNLOAD, PAGE = "_confirm", "_csv", "_page"


def preview_page(
    request: HttpRequest,
    preview: Preview,
    *,
    title: str,
    hidden: Sequence[tuple[str, Any]],
    address: str,
    cancel: str,
    warnings: Sequence[str] = (),
    differences: Sequence[str] = (),
    **context: Any,
) -> HttpResponse:
    """Pages and the download are asked for by the same form as the change, which holds what is to be changed."""
    if DOWNLOAD in request.POST:
        return download(preview)
    page = Paginator(preview.affected, ROWS).get_page(request.POST.get(PAGE))
    return TemplateResponse(
        request,
        "admin/rooms/preview.html",
        {
            **admin.site.each_context(request),
            **context,
            "title": title,
            "preview": preview,
            "page": page,
            "hidden": hidden,
            "address": address,
            "cancel": cancel,
            "warnings": warnings,
            "differences": differences,
            "note": note_of(request),
            "longest_note": LONGEST_NOTE,
        },
    )


def download(preview: Preview) -> HttpResponse:
    headers = {"Content-Disposition": 'attachment; filename="preview.csv"'}
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    csv.writer(response).writerows(table(preview))
    return response


def note_of(request: HttpRequest) -> str:
    """Why, as it was typed; nothing that a database refuses."""
    return str(request.POST.get("note", "")).replace("\x00", "").strip()[:LONGEST_NOTE]
