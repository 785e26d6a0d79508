"""Where webhooks arrive: /v1/<platform>/webhook, and each platform's own older paths.

A middleware answers them (`config.middleware.webhooks`), before anything is done that only people need.
"""

from functools import lru_cache

from platforms.abilities import Webhooks
from platforms.base import VideoPlatformClient
from platforms.handler import find_platform_client_class, get_available_platforms

Backend = tuple[str, type[VideoPlatformClient] | None]  # an alias, and its class where that can be loaded


def webhook_routes() -> dict[str, str]:
    """The paths at which webhooks of this installation's platforms arrive, each with its platform's alias."""
    return _routes(tuple((name, find_platform_client_class(name)) for name in get_available_platforms()))


@lru_cache(maxsize=1)
def _routes(backends: tuple[Backend, ...]) -> dict[str, str]:
    routes = {f"/v1/{path}": backend[0] for backend in reversed(backends) for path in _paths(*backend)}
    # With a slash at the end as well: addresses are typed by hand at some providers.
    return routes | {f"{path}/": name for path, name in routes.items()}


def _paths(name: str, backend: type[VideoPlatformClient] | None) -> tuple[str, ...]:
    """None where there are no webhooks."""
    if backend is None or not issubclass(backend, Webhooks):
        return ()
    return (f"{name}/webhook", *backend.webhook_paths)
