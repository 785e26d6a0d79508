"""Which function does the work of which rows."""

from platforms.alerts import sending
from platforms.models import NoticeMessage, WebhookEvent
from platforms.webhooks import processing
from platforms.work.registry import performs

performs(WebhookEvent, processing.process, perform_together=processing.process_together)
performs(NoticeMessage, sending.perform)
