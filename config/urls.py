from django.contrib import admin
from django.urls import include, path, re_path

from rooms.api.errors import unknown_path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("platforms.urls")),
    path("", include("rooms.urls")),
    path("", include("meetings.urls")),
    path("", include("recordings.urls")),
    path("", include("recordings.pages.urls")),
    re_path(r"^v1(?:/|$)", unknown_path),  # before the rooms, as none can be called so
    path("", include("meetings.pages.urls")),  # stays last: rooms are at the root
]
