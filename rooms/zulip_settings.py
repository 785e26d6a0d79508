"""Where a room posts its transcripts in Zulip, as people enter it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from rooms.services import why_no_zulip

FIELDS = ("zulip_auto_post", "zulip_stream", "zulip_topic")
TOPIC_CHARACTERS = 60  # the most that Zulip takes


def check(values: dict[str, Any]) -> None:
    """Raises ValidationError, by field: a room that is to post needs a stream and a topic, and a server that can."""
    errors: dict[str, ValidationError] = {}
    wanted = [name for name in FIELDS if values[name]]
    if wanted and (why := why_no_zulip()):
        errors[wanted[0]] = ValidationError(why, code="not_configured")
    elif values["zulip_auto_post"]:
        missing = [name for name in ("zulip_stream", "zulip_topic") if not values[name]]
        errors = {name: ValidationError(gettext("Say where to post."), code="required") for name in missing}
    if len(values["zulip_topic"]) > TOPIC_CHARACTERS:
        errors["zulip_topic"] = ValidationError(
            gettext("Zulip takes at most %(count)s characters.") % {"count": TOPIC_CHARACTERS}, code="max_length"
        )
    if errors:
        raise ValidationError(errors)
