from django.db import models

from recordings.models.transcript import Transcript


class SearchDocument(models.Model):
    """What a transcript is found by; `recordings.search` writes it. The index over it is made by a migration."""

    id = models.BigAutoField(primary_key=True)  # a number, as SQLite's full-text index points to rows by number
    transcript = models.OneToOneField(Transcript, on_delete=models.CASCADE, related_name="search_document")
    title = models.TextField(blank=True, default="", help_text="Its name and title.")
    body = models.TextField(blank=True, default="", help_text="What was said, a segment a line.")

    def __str__(self) -> str:
        return self.title
