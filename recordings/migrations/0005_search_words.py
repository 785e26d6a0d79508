"""Index the words that `recordings.transcripts.words` finds, on both databases, in place of what their own parsers made of a text.

What was found before is found again: the words of every document are written here.
"""

from importlib import import_module

from django.db import migrations, models

from recordings.transcripts.search_vector import write_vector
from recordings.transcripts.words import in_a_row, words

before = import_module("recordings.migrations.0002_search_index")

POSTGRESQL = [
    "ALTER TABLE recordings_searchdocument ADD COLUMN vector tsvector",
    "CREATE INDEX search_document_words ON recordings_searchdocument USING gin (vector)",
]
# The words come with spaces between them and nothing else: "ascii" takes all beyond ASCII for parts of words.
SQLITE = [
    """
    CREATE VIRTUAL TABLE recordings_searchindex USING fts5(
        title_words, body_words, content='recordings_searchdocument', content_rowid='id', tokenize='ascii'
    )
    """,
    """
    CREATE TRIGGER search_document_added AFTER INSERT ON recordings_searchdocument BEGIN
        INSERT INTO recordings_searchindex(rowid, title_words, body_words)
        VALUES (new.id, new.title_words, new.body_words);
    END
    """,
    """
    CREATE TRIGGER search_document_removed AFTER DELETE ON recordings_searchdocument BEGIN
        INSERT INTO recordings_searchindex(recordings_searchindex, rowid, title_words, body_words)
        VALUES ('delete', old.id, old.title_words, old.body_words);
    END
    """,
    """
    CREATE TRIGGER search_document_changed AFTER UPDATE ON recordings_searchdocument BEGIN
        INSERT INTO recordings_searchindex(recordings_searchindex, rowid, title_words, body_words)
        VALUES ('delete', old.id, old.title_words, old.body_words);
        INSERT INTO recordings_searchindex(rowid, title_words, body_words)
        VALUES (new.id, new.title_words, new.body_words);
    END
    """,
]


REBUILD = "INSERT INTO recordings_searchindex(recordings_searchindex) VALUES ('rebuild')"


def fill(apps, schema_editor):
    for document in documents(apps, schema_editor):
        document.title_words = in_a_row(words(document.title))
        document.body_words = in_a_row(words(document.body))
        document.save(update_fields=["title_words", "body_words"])


def make(apps, schema_editor):
    before._execute(schema_editor, {"postgresql": POSTGRESQL, "sqlite": [*SQLITE, REBUILD]})
    for document in documents(apps, schema_editor):
        write_vector(schema_editor.connection, document.pk, document.title_words, document.body_words)


def make_as_before(apps, schema_editor):
    before._execute(schema_editor, {"postgresql": before.POSTGRESQL, "sqlite": [*before.SQLITE, REBUILD]})


def documents(apps, schema_editor):
    """One at a time: what was said in years is more than fits into memory."""
    found = apps.get_model("recordings", "SearchDocument").objects.using(schema_editor.connection.alias)
    for pk in list(found.values_list("pk", flat=True)):
        yield found.get(pk=pk)


class Migration(migrations.Migration):
    dependencies = [("recordings", "0004_transcript_is_everybodys")]

    operations = [
        migrations.RunPython(before.drop, make_as_before),
        migrations.AddField("searchdocument", "body_words", models.TextField(blank=True, default="")),
        migrations.AddField(
            "searchdocument",
            "title_words",
            models.TextField(blank=True, default="", help_text="As recordings.transcripts.words finds them, in a row."),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(make, before.drop),
    ]
