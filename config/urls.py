from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.decorators.cache import never_cache
from django.views.defaults import page_not_found, permission_denied

from rooms.api.errors import unknown_path


def icon(request: HttpRequest) -> HttpResponse:
    """For pages that are not ours to put it into, as those of Admin."""
    return redirect(static("icons/rooms.svg"))


urlpatterns = [
    path("favicon.ico", icon),
    path("admin/", admin.site.urls),
    path("", include("platforms.urls")),
    path("", include("rooms.urls")),
    path("", include("meetings.urls")),
    path("", include("recordings.urls")),
    path("", include("recordings.pages.urls")),
    re_path(r"^v1(?:/|$)", unknown_path),  # before the rooms, as none can be called so
    path("", include("meetings.pages.urls")),  # stays last: rooms are at the root
]

# Their pages tell who is signed in, too.
handler403, handler404 = never_cache(permission_denied), never_cache(page_not_found)
