"""The catalogues of what the product says: `make messages` writes them anew, and tests hold them to the sources.

Each app has two for each language, for Python and templates (django) and for scripts (djangojs). A text belongs to the
app whose folder, or whose folder in templates/ or static/, its file is in; to `config` where that is none.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import template

ROOT = Path(settings.BASE_DIR)
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
DOMAINS = ("django", "djangojs")
CATALOGUES = [
    (app, domain, language) for app in settings.TRANSLATED_APPS for domain in DOMAINS for language in LANGUAGES
]
LEFT_OUT = {"migrations", "sandbox", "starter", "testing", "vendor"}  # folders
FOLDERS = {"registration": "rooms"}
# Of no moment, so that a catalogue is written the same whenever that is done.
WRITTEN_AT = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = """msgid ""
msgstr ""
"Language: {}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {}\\n"

"""
OPTIONS = {"encoding": "utf-8", "parse_template_string": True}
NAMES_OF_GETTEXT = {"_": None} | {
    f"{name}{ending}": DEFAULT_KEYWORDS[name]
    for name in ("gettext", "ngettext", "pgettext", "npgettext")
    for ending in ("", "_lazy", "_noop")
}


def path_of(app: str, domain: str, language: str) -> Path:
    return ROOT / app / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def app_of(file: Path) -> str:
    """By the file's path from the root."""
    for folder in file.parts[:-1]:
        if (app := FOLDERS.get(folder, folder)) in settings.TRANSLATED_APPS:
            return app
    return "config"


def sources(domain: str) -> Iterator[Path]:
    """Paths from the root, in order."""
    folders = ("static",) if domain == "djangojs" else (*settings.TRANSLATED_APPS, "templates")
    endings = {".js"} if domain == "djangojs" else {".py", ".html", ".txt"}
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*")):
            path = file.relative_to(ROOT)
            if file.suffix in endings and not LEFT_OUT & set(path.parts):
                yield path


def texts_in(file: Path) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    """Messages, with their contexts."""
    text, kind = (ROOT / file).read_text(), "javascript" if file.suffix == ".js" else "python"
    if file.suffix in {".html", ".txt"}:
        # Django makes something of it that looks like Python, but for the indentation.
        text = "\n".join(line.lstrip() for line in template.templatize(text, origin=str(file)).split("\n"))
    for _, message, _, context in extract(kind, BytesIO(text.encode()), NAMES_OF_GETTEXT, options=OPTIONS):
        yield message, context


def extracted(app: str, domain: str) -> Catalog:
    """What there is to translate, without translations."""
    found = Catalog()
    for file in sources(domain):
        if app_of(file) == app:
            for message, context in texts_in(file):
                found.add(message, locations=[(file.as_posix(), 1)], context=context)
    return found


def read(app: str, domain: str, language: str) -> Catalog:
    path = path_of(app, domain, language)
    catalog = read_po(BytesIO(path.read_bytes() if path.exists() else b""), locale=language)
    catalog.creation_date = catalog.revision_date = WRITTEN_AT
    return catalog


def updated(app: str, domain: str, language: str) -> Catalog:
    """The translations that there are, of the texts that there are now."""
    catalog = read(app, domain, language)
    catalog.update(extracted(app, domain), no_fuzzy_matching=True)
    catalog.creation_date = WRITTEN_AT
    catalog.obsolete.clear()
    return catalog


def written(catalog: Catalog) -> bytes:
    """As a .po file."""
    file = BytesIO()
    write_po(file, catalog, width=120, omit_header=True, sort_by_file=True, include_lineno=False)
    return HEADER.format(catalog.locale_identifier, catalog.plural_forms).encode() + file.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """As a .mo file."""
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def main() -> None:
    for app, domain, language in CATALOGUES:
        catalog, path = updated(app, domain, language), path_of(app, domain, language)
        if not len(catalog):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(catalog))
        path.with_suffix(".mo").write_bytes(compiled(read(app, domain, language)))
        if missing := sum(not message.string or not all(message.string) for message in catalog if message.id):
            print(f"{path.relative_to(ROOT)}: {missing} of {len(catalog)} are to be translated")  # noqa: T201


if __name__ == "__main__":
    main()
