from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from recordings.models import Transcript
from recordings.transcripts import search


class Command(BaseCommand):
    help = "Write anew what the search finds transcripts by, as after rows were changed past the product."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for pk in Transcript.objects.order_by("created_at", "pk").values_list("pk", flat=True):
            count += reindex(pk)
        self.stdout.write(f"{count} transcript{'' if count == 1 else 's'} indexed")


def reindex(pk: Any) -> bool:
    """False for one that is deleted by now, or awaited still. Locked, so that no change made at once is undone."""
    with transaction.atomic():
        transcript = Transcript.objects.select_for_update().filter(pk=pk).first()
        if transcript is None or transcript.is_awaited():
            return False
        texts = transcript.segments.order_by("start", "pk").values_list("text", flat=True)
        search.index(transcript, search.body_of(texts))
    return True
