"""Index what was said without accents, by the words of `recordings.transcripts.words`, and who said it.

One document at a time, each for itself: while it runs, searches go on, and nothing is locked for longer than a moment.
"""

from django.db import migrations, models

from recordings.transcripts.search import title_of
from recordings.transcripts.search_vector import write_vector
from recordings.transcripts.words import in_a_row, words


def write(apps, schema_editor):
    documents = apps.get_model("recordings", "SearchDocument").objects.using(schema_editor.connection.alias)
    for pk in list(documents.order_by("pk").values_list("pk", flat=True)):
        document = documents.select_related("transcript").filter(pk=pk).first()
        if document:
            write_one(schema_editor.connection, document)


def write_one(connection, document):
    transcript = document.transcript
    speakers = transcript.participants.order_by("speaker", "name").values_list("name", flat=True)
    document.title = title_of(transcript.name, transcript.title, speakers)
    document.title_words = in_a_row(words(document.title))
    document.body_words = in_a_row(words(document.body))
    document.save(update_fields=["title", "title_words", "body_words"])
    write_vector(connection, document.pk, document.title_words, document.body_words)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("recordings", "0016_waveform")]

    operations = [
        migrations.AlterField(
            "searchdocument",
            "title",
            models.TextField(
                blank=True, default="", help_text="Its name, its title, and who spoke, a line each."
            ),
        ),
        migrations.RunPython(write, migrations.RunPython.noop),
    ]
