"""The events that a room's receiver is told of, unless its owner leaves some out; docs/webhooks.md describes them."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Those of people who come and go are sent only where `webhook_participants` asks for them, and tests always.
EVENTS = {
    "meeting.started": _("A meeting opened"),
    "meeting.ended": _("A meeting ended"),
    "recording.ready": _("A recording is stored"),
    "recording.failed": _("A recording failed"),
    "transcript.completed": _("A transcript is complete"),
    "consent.refused": _("Somebody refused to be recorded"),
    "rollout.platform_changed": _("The room was moved to another platform"),
}


def known_events(names: Any) -> None:
    if not isinstance(names, list) or any(name not in EVENTS for name in names):
        raise ValidationError(f"Enter a list of these: {', '.join(EVENTS)}.", code="unknown_event")
