"""System checks: the chosen processor says itself what it lacks."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from platforms.exceptions import PlatformNotConfigured
from platforms.handler import create_platform_client, get_available_platforms, platform_label, why_unavailable
from recordings.transcription.processors.handler import create_processor, get_available_processors


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


@register()
def check_stand_in(**kwargs: Any) -> Iterable[CheckMessage]:
    """Who turns to a real platform must not find out by its transcripts that nobody understands a word."""
    if settings.RECORDING_PROCESSOR != "sandbox":
        return
    usable = (name for name in get_available_platforms() if why_unavailable(name) is None)
    if real := [platform_label(name) for name in usable if not create_platform_client(name).is_simulated]:
        yield Warning(
            f"Recordings of {', '.join(real)} are transcribed by the sandbox, which only describes sounds.",
            hint="RECORDING_PROCESSOR names one that understands what is said.",
            id="recordings.W002",
        )
