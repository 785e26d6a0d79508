"""From an alias in the RECORDING_PROCESSORS setting to a processor, made once per process."""

from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from platforms.exceptions import PlatformNotConfigured
from recordings.transcription.processors.base import Processor

_processors: dict[str, Processor] = {}


def get_available_processors() -> list[str]:
    return list(settings.RECORDING_PROCESSORS)


def create_processor(alias: str = "") -> Processor:
    """The process's processor of that alias, or of the RECORDING_PROCESSOR setting.

    Raises PlatformNotConfigured when the alias is unknown, or its backend cannot be loaded.
    """
    alias = alias or settings.RECORDING_PROCESSOR
    if alias not in _processors:
        _processors[alias] = _make(alias)
    return _processors[alias]


def _make(alias: str) -> Processor:
    chosen = _settings_of(alias)
    path = chosen.get("BACKEND", "")
    try:
        processor_class = import_string(path)
    except ImportError as error:
        raise PlatformNotConfigured(
            f"RECORDING_PROCESSORS[{alias!r}]: BACKEND {path!r} could not be imported: {error}"
        ) from error
    try:
        processor: Processor = processor_class(**chosen.get("OPTIONS", {}))
    except TypeError as error:
        raise PlatformNotConfigured(f"RECORDING_PROCESSORS[{alias!r}]: OPTIONS do not fit {path}: {error}") from error
    return processor


def _settings_of(alias: str) -> Mapping[str, Any]:
    try:
        return cast(Mapping[str, Any], settings.RECORDING_PROCESSORS[alias])
    except KeyError:
        known = ", ".join(get_available_processors()) or "none"
        raise PlatformNotConfigured(
            f"The RECORDING_PROCESSORS setting has no processor {alias!r}; it has: {known}."
        ) from None


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "RECORDING_PROCESSORS":
        _processors.clear()


setting_changed.connect(_forget)
