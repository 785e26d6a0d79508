"""Routes of the API, which are looked through in groups."""

import re

import pytest
from django.urls import path, resolve
from django.urls.resolvers import RegexPattern, URLResolver

import meetings.urls
import recordings.urls
import rooms.urls
from config.routes import grouped

ROUTES = [*rooms.urls.urlpatterns, *meetings.urls.urlpatterns, *recordings.urls.urlpatterns]
PARTS = {"str": "any-name", "uuid": "01234567-89ab-cdef-0123-456789abcdef"}


def example_of(route):
    return re.sub(r"<(\w+):\w+>", lambda part: PARTS[part[1]], str(route.pattern))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: str(route.pattern))
def test_a_path_leads_where_it_does_when_they_are_tried_one_after_the_other(route):
    in_turn = URLResolver(RegexPattern(r"^/"), ROUTES).resolve(f"/{example_of(route)}")
    found = resolve(f"/{example_of(route)}")
    assert (found.func, found.kwargs, found.route) == (in_turn.func, in_turn.kwargs, in_turn.route)


def test_one_of_any_length_is_refused():
    with pytest.raises(ValueError, match="files"):
        grouped([path("v1/files/<path:name>", lambda request: None)])
