"""System checks: the chosen processor says itself what it lacks."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from platforms.exceptions import PlatformNotConfigured
from recordings.processors.handler import create_processor, get_available_processors


@register()
def check_processors(**kwargs: Any) -> Iterable[CheckMessage]:
    known = get_available_processors()
    if settings.RECORDING_PROCESSOR not in known:
        yield Error(
            f"RECORDING_PROCESSOR names {settings.RECORDING_PROCESSOR!r}, which is no processor; there are: "
            f"{', '.join(known)}.",
            id="recordings.E002",
        )
    for alias in known:
        try:
            processor = create_processor(alias)
        except PlatformNotConfigured as error:
            yield Error(
                str(error),
                hint="BACKEND is the dotted path of a processor class, OPTIONS are its arguments.",
                id="recordings.E001",
            )
            continue
        if alias == settings.RECORDING_PROCESSOR:
            for problem in processor.problems():
                yield Warning(problem, hint="Recordings wait for a transcript until then.", id="recordings.W001")
