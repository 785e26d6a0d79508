import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

LEFT_LIMIT = 1024 * 1024  # bytes

django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer, and read what the view left of the request's body.

    The web server closes a connection on which something was left; a client that is just sending its next request on it
    gets no answer to that one. Whoever sends more than the limit bears that.
    """
    response = django_application(environ, start_response)
    is_short = int(environ.get("CONTENT_LENGTH") or 0) <= LEFT_LIMIT  # what is longer was refused, and may never come
    if is_short and environ.get("wsgi.input_terminated"):  # else only the length in a header says where to stop
        environ["wsgi.input"].read(LEFT_LIMIT)
    return response
