"""The one way in which entries go: when they are old. On PostgreSQL a trigger lets nothing else delete them."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from platforms.models import AuditEntry

LEAST_DAYS = 30  # that entries are kept, whatever is set; the trigger knows the number as well
BATCH = 5000  # rows in one transaction


def prune() -> int:
    """Delete the entries older than AUDIT_RETENTION_DAYS, if that is not 0. How many."""
    if not settings.AUDIT_RETENTION_DAYS:
        return 0
    before = timezone.now() - timedelta(days=max(LEAST_DAYS, settings.AUDIT_RETENTION_DAYS))
    deleted = 0
    while count := _delete_some(before):
        deleted += count
    return deleted


@transaction.atomic
def _delete_some(before: datetime) -> int:
    entries = AuditEntry.objects.filter(at__lt=before).order_by("at")
    keys = list(entries.values_list("pk", flat=True)[:BATCH])
    if not keys:
        return 0
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL audit.pruning = 'on'")
    deleted: int = AuditEntry.objects.filter(pk__in=keys)._raw_delete(using=connection.alias)
    return deleted
