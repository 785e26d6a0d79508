"""Who is let in: programs, and pages of the sandbox itself; others' pages load the scripts that are there for them.

A browser brings requests of any website here. Those are known by what it says of them, and a website whose own name was
made to lead to this machine by that name: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
"""

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  (not bound to here)
REFUSAL = b"This is for programs and for the sandbox's own pages.\n"


class AllowedHosts:
    """Listening everywhere, it cannot know by which names it is reached. `scripts` are paths; they hold no secret."""

    def __init__(
        self, app: WSGIApplication, host: str, addresses: Iterable[str] = (), scripts: Collection[str] = ()
    ) -> None:
        self._app = app
        self._scripts = scripts
        self._names = LOCAL | {host} | {_name(urlsplit(address).netloc) for address in addresses}
        self._has_any_name = host in EVERYWHERE

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_known = self._has_any_name or _name(environ.get("HTTP_HOST", "")) in self._names
        if is_known and (self._is_script(environ) or not _is_of_another_site(environ)):
            return self._app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", str(len(REFUSAL)))])
        return [REFUSAL]

    def _is_script(self, environ: WSGIEnvironment) -> bool:
        return environ["REQUEST_METHOD"] == "GET" and environ.get("PATH_INFO") in self._scripts


def _is_of_another_site(environ: WSGIEnvironment) -> bool:
    """Other sites may lead here and show pages of this one in a frame; scripts and forms of theirs may not come."""
    if site := environ.get("HTTP_SEC_FETCH_SITE"):
        leads_here = environ["REQUEST_METHOD"] == "GET" and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        return site not in {"same-origin", "none"} and not leads_here
    origin = environ.get("HTTP_ORIGIN")
    return origin is not None and urlsplit(origin).netloc != environ.get("HTTP_HOST")


def _name(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""
