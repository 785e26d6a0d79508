from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.decorators.cache import never_cache
from django.views.defaults import page_not_found, permission_denied

import meetings.urls
import recordings.urls
import rooms.urls
from config.errors import server_error
from config.languages import ScriptTexts
from config.metrics import metrics_page
from config.readiness import Ready
from config.routes import grouped
from rooms.api.errors import unknown_path
from rooms.pages.language import choose_language


def icon(request: HttpRequest) -> HttpResponse:
    """For pages that are not ours to put it into, as those of Admin."""
    return redirect(static("icons/rooms.svg"))


def nothing(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


urlpatterns = [
    *grouped(rooms.urls.urlpatterns, meetings.urls.urlpatterns, recordings.urls.urlpatterns),
    # Admin would look for a page of any row by any key here; none of ours has one.
    path("admin/r/<path:row>", nothing),
    path("favicon.ico", icon),
    path("ready", Ready.as_view()),
    path("metrics", metrics_page),
    path("account/language", choose_language, name="language"),
    path("account/language/<str:language>.js", ScriptTexts.as_view(), name="script-texts"),
    path("admin/", include("config.staff.urls")),
    path("admin/", admin.site.urls),
    path("", include("recordings.pages.urls")),
    re_path(r"^v1(?:/|$)", unknown_path),  # before the rooms, as none can be called so
    path("", include("meetings.pages.urls")),  # stays last: rooms are at the root
]

# Their pages tell who is signed in, too.
handler403, handler404, handler500 = never_cache(permission_denied), never_cache(page_not_found), server_error
