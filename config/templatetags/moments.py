"""Moments as they are read best: how long ago."""

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import npgettext_lazy

register = template.Library()

JUST_NOW = 60  # seconds
# How long ago, where a language has another case for that than for how long.
AGO: dict[str, Any] = {
    "year": npgettext_lazy("ago", "%(num)d year", "%(num)d years", "num"),
    "month": npgettext_lazy("ago", "%(num)d month", "%(num)d months", "num"),
    "week": npgettext_lazy("ago", "%(num)d week", "%(num)d weeks", "num"),
    "day": npgettext_lazy("ago", "%(num)d day", "%(num)d days", "num"),
    "hour": npgettext_lazy("ago", "%(num)d hour", "%(num)d hours", "num"),
    "minute": npgettext_lazy("ago", "%(num)d minute", "%(num)d minutes", "num"),
}


@register.filter
def ago(moment: datetime) -> SafeString:
    """The moment itself is shown to whoever points at it."""
    is_just_now = (timezone.now() - moment).total_seconds() < JUST_NOW
    since = timesince(moment, time_strings=AGO, depth=1)
    words = _("just now") if is_just_now else _("{time} ago").format(time=since)
    written = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return format_html(
        '<time class="ago" datetime="{}" title="{}">{}</time>', moment.isoformat(), written, words.replace("\xa0", " ")
    )
