"""How the apps above learn what a platform reported."""

from django.dispatch import Signal

# Sent once for each normalized event of a webhook, with `sender` its class and `event` the event itself, in the
# transaction that marks the webhook as processed. A receiver writes rows and calls nobody; it returns True when the
# event changed something, and raises `work.models.UnknownMeeting` when what the event is about is not known (yet).
#
# The transaction may be that of many events. Where one of them raises, all is undone, and each is sent once more in a
# transaction of its own. What meetings make of the events is in the database when all of them were sent.
event_received = Signal()
