"""Which function does the work of which rows."""

from platforms.work.registry import performs
from rooms.calendar import sync
from rooms.models import CalendarSync, WebhookDelivery
from rooms.webhooks import sending

performs(CalendarSync, sync.perform)
performs(WebhookDelivery, sending.perform, lambda delivery, _: sending.on_permanent_failure(delivery))
