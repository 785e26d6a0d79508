from django.db import models
from django.utils.translation import gettext_lazy as _

from recordings.models.transcript import Transcript


class SearchDocument(models.Model):
    """What a transcript is found by; `transcripts.search` writes it. A migration makes the index over the words."""

    id = models.BigAutoField(primary_key=True)  # a number, as SQLite's full-text index points to rows by number
    transcript = models.OneToOneField(Transcript, on_delete=models.CASCADE, related_name="search_document")
    title = models.TextField(blank=True, default="", help_text=_("Its name, its title, and who spoke, a line each."))
    body = models.TextField(blank=True, default="", help_text=_("What was said, a segment a line."))
    title_words = models.TextField(
        blank=True, default="", help_text=_("As recordings.transcripts.words finds them, in a row.")
    )
    body_words = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.title
