"""How the apps above learn what a platform reported."""

from django.dispatch import Signal

# Sent once for each normalized event of a webhook, with `sender` its class and `event` the event itself, in the
# transaction that marks the webhook as processed. A receiver writes rows and calls nobody; it returns True when the
# event changed something, and raises `work.models.UnknownMeeting` when what the event is about is not known (yet).
event_received = Signal()
