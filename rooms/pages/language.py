"""Choosing the language of pages, with or without an account."""

from contextlib import suppress

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from rooms import languages


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    with suppress(DatabaseError), transaction.atomic():  # one that only reads leaves it to the browser
        if request.user.is_authenticated:
            languages.choose(request.user, request.POST.get("language", ""))
    return set_language(request)
