"""Why a job failed, and why a meeting opened where it did, in words for the people whose room it is about."""

import re

from django import template
from django.utils.translation import gettext

register = template.Library()


@register.filter
def reason(error: str) -> str:
    """What is stored is in English, and begins with the name of the exception where one was the reason."""
    name, separator, words = error.partition(": ")
    return gettext(words if separator and name.isidentifier() else error)


@register.filter
def sentences(text: str) -> str:
    """Those of what is stored in English that are always the same are translated, each by itself."""
    return " ".join(gettext(sentence) for sentence in re.split(r"(?<=\.) ", text))
