"""What a browser keeps about one meeting: signed cookies, sent only to the calls about that very meeting."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from meetings.models import Meeting

JOINED = "joined"  # this browser was let in
ANSWER = "answer"  # the id of what somebody answered who is not signed in
KEPT_FOR = timedelta(days=2)


def give(response: HttpResponseBase, meeting: Meeting, name: str, value: str = "1") -> None:
    response.set_signed_cookie(
        name,
        value,
        salt=_salt(meeting, name),
        max_age=KEPT_FOR,
        path=f"/v1/meetings/{meeting.pk}",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def find(request: HttpRequest, meeting: Meeting, name: str) -> str | None:
    value: str | None = request.get_signed_cookie(name, None, salt=_salt(meeting, name), max_age=KEPT_FOR)
    return value


def _salt(meeting: Meeting, name: str) -> str:
    """A cookie of one meeting or purpose must not stand for another's."""
    return f"meetings.keepsakes.{name}.{meeting.pk}"
