"""The languages that people may say a recording is in, which the transcription alone decides."""

from django.utils.translation import gettext as _

from recordings.transcription.processors import create_processor
from recordings.transcription.processors.languages import language_name


def language_choices() -> list[tuple[str, str]]:
    """Codes and names, from A to Z; none where a choice would change nothing."""
    codes = create_processor().languages()
    return sorted(((code, _(language_name(code))) for code in codes), key=lambda choice: choice[1])
