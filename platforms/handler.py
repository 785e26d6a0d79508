"""From an alias in the VIDEO_PLATFORMS setting to a configured client, made once per process."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.db import Error
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformError, PlatformNotConfigured, PlatformRejected
from platforms.types import VideoPlatformConfig

logger = logging.getLogger(__name__)

_registered: dict[str, tuple[type[VideoPlatformClient], VideoPlatformConfig]] = {}
_classes: dict[str, type[VideoPlatformClient]] = {}
_clients: dict[str, VideoPlatformClient] = {}


def register_platform(
    name: str, client_class: type[VideoPlatformClient], options: Mapping[str, Any] | None = None
) -> None:
    """Add a platform at run time, or replace one; the VIDEO_PLATFORMS setting is the usual way."""
    _registered[name] = (client_class, client_class.options_class.from_options(name, options or {}))
    _clients.pop(name, None)


def unregister_platform(name: str) -> None:
    _registered.pop(name, None)
    _clients.pop(name, None)


def get_available_platforms() -> list[str]:
    """The aliases that exist, configured or not, in the order of the setting."""
    return list(dict.fromkeys([*settings.VIDEO_PLATFORMS, *_registered]))


def require_known(name: str) -> None:
    """Raises PlatformNotConfigured, with the names that there are."""
    if name not in _registered:
        _settings_of(name)


def get_platform_client_class(name: str) -> type[VideoPlatformClient]:
    """Raises PlatformNotConfigured for an unknown alias or a BACKEND that cannot be imported."""
    if name in _registered:
        return _registered[name][0]
    if name not in _classes:
        path = _settings_of(name).get("BACKEND", "")
        try:
            _classes[name] = import_string(path)
        except ImportError as error:
            raise PlatformNotConfigured(
                f"VIDEO_PLATFORMS[{name!r}]: BACKEND {path!r} could not be imported: {error}", name
            ) from error
    return _classes[name]


def get_platform_config(name: str) -> VideoPlatformConfig:
    if name in _registered:
        return _registered[name][1]
    values = _settings_of(name)
    return get_platform_client_class(name).options_class.from_options(
        name, values.get("OPTIONS", {}), values.get("VARIABLES", {})
    )


def create_platform_client(name: str, config: VideoPlatformConfig | None = None) -> VideoPlatformClient:
    """The process's client of that alias, or a new one for another `config`.

    Raises PlatformNotConfigured when the alias is unknown or credentials are missing.
    """
    if config is None and name in _clients:
        return _clients[name]
    client = get_platform_client_class(name)(config or get_platform_config(name))
    client.require_configured()
    if config is None:
        _clients[name] = client
    return client


def find_platform_client(name: str) -> VideoPlatformClient | None:
    """As `create_platform_client`; None for a platform that is not configured, or not any more."""
    try:
        return create_platform_client(name)
    except PlatformNotConfigured:
        return None


def find_platform_client_class(name: str) -> type[VideoPlatformClient] | None:
    """None for an alias that is unknown, or whose backend cannot be loaded."""
    try:
        return get_platform_client_class(name)
    except PlatformNotConfigured:
        return None


@contextmanager
def adapter_errors(name: str) -> Iterator[None]:
    """Tell what a platform's own code did not expect as PlatformRejected, with its cause in the log: while a meeting is
    opened or joined, an adapter's fault is its platform's, and no one else's.
    """
    try:
        yield
    except (PlatformError, Error):
        raise
    except Exception as error:
        what = type(error).__name__
        logger.exception("adapter_failed platform=%s error=%s", name, what)
        raise PlatformRejected(
            f"{platform_label(name)} failed in a way that was not expected ({what}).", name
        ) from error


def platform_label(name: str) -> str:
    """The platform's own name for people; the alias itself for a platform that cannot be loaded."""
    client_class = find_platform_client_class(name)
    if client_class is None:
        return name
    return f"{client_class.label} (sandbox)" if get_platform_config(name).simulated else client_class.label


def why_unavailable(name: str) -> str | None:
    """Why no meeting can open on this platform, as a sentence for staff; None when one can."""
    try:
        client_class = get_platform_client_class(name)
    except PlatformNotConfigured as error:
        return str(error)
    if missing := client_class.missing_variables(get_platform_config(name)):
        return _("{platform} is not configured: set {variables}.").format(
            platform=client_class.label, variables=", ".join(missing)
        )
    return None


def platform_choices() -> list[tuple[str, str]]:
    """For the `choices` of model and form fields, so that a new platform needs no migration."""
    return [(name, platform_label(name)) for name in get_available_platforms()]


def _settings_of(name: str) -> Mapping[str, Any]:
    try:
        return settings.VIDEO_PLATFORMS[name]
    except KeyError:
        known = ", ".join(get_available_platforms()) or "none"
        raise PlatformNotConfigured(
            f"The VIDEO_PLATFORMS setting has no platform {name!r}; it has: {known}.", name
        ) from None


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "VIDEO_PLATFORMS" or setting.startswith("PROVIDER_"):
        _classes.clear()
        _clients.clear()


setting_changed.connect(_forget)
