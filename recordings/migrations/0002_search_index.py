"""Full-text indexes over the search documents, which Django's models cannot describe.

The words are taken as they are ("simple", no stems): one index holds transcripts of all languages, and the stems of a
wrong language hide what is there. So both databases find the same.
"""

from django.db import migrations

POSTGRESQL = [
    """
    ALTER TABLE recordings_searchdocument ADD COLUMN vector tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple'::regconfig, title), 'A') || setweight(to_tsvector('simple'::regconfig, body), 'B')
    ) STORED
    """,
    "CREATE INDEX search_document_words ON recordings_searchdocument USING gin (vector)",
]
SQLITE = [
    """
    CREATE VIRTUAL TABLE recordings_searchindex USING fts5(
        title, body, content='recordings_searchdocument', content_rowid='id', tokenize='unicode61 remove_diacritics 0'
    )
    """,
    """
    CREATE TRIGGER search_document_added AFTER INSERT ON recordings_searchdocument BEGIN
        INSERT INTO recordings_searchindex(rowid, title, body) VALUES (new.id, new.title, new.body);
    END
    """,
    """
    CREATE TRIGGER search_document_removed AFTER DELETE ON recordings_searchdocument BEGIN
        INSERT INTO recordings_searchindex(recordings_searchindex, rowid, title, body)
        VALUES ('delete', old.id, old.title, old.body);
    END
    """,
    """
    CREATE TRIGGER search_document_changed AFTER UPDATE ON recordings_searchdocument BEGIN
        INSERT INTO recordings_searchindex(recordings_searchindex, rowid, title, body)
        VALUES ('delete', old.id, old.title, old.body);
        INSERT INTO recordings_searchindex(rowid, title, body) VALUES (new.id, new.title, new.body);
    END
    """,
]
UNDO = {
    "postgresql": ["ALTER TABLE recordings_searchdocument DROP COLUMN vector"],
    "sqlite": [
        "DROP TRIGGER search_document_added",
        "DROP TRIGGER search_document_removed",
        "DROP TRIGGER search_document_changed",
        "DROP TABLE recordings_searchindex",
    ],
}


def make(apps, schema_editor):
    _execute(schema_editor, {"postgresql": POSTGRESQL, "sqlite": SQLITE})


def drop(apps, schema_editor):
    _execute(schema_editor, UNDO)


def _execute(schema_editor, statements):
    for statement in statements[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("recordings", "0001_initial")]

    operations = [migrations.RunPython(make, drop)]
