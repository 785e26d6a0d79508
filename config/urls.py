from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from rooms.api.errors import unknown_path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("platforms.urls")),
    path("", include("rooms.urls")),
    path("", include("meetings.urls")),
    path("", include("recordings.urls")),
    path("", RedirectView.as_view(url="/admin/")),
    re_path(r"^v1(?:/|$)", unknown_path),  # stays last
]
