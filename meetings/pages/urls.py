from django.urls import re_path

from meetings.pages import instead, views

NAME = r"(?P<room_name>[A-Za-z0-9_-]+)"
MEETING = r"(?P<meeting_id>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"

# Rooms are at the root, so that these stay behind all other routes.
urlpatterns = [
    re_path(rf"^mock/{NAME}/?$", views.no_call),
    re_path(rf"^{NAME}/?$", views.room_page, name="room"),
    re_path(rf"^{NAME}/open-instead$", instead.open_instead, name="open-instead"),
    re_path(rf"^{NAME}/{MEETING}/?$", views.meeting_page, name="meeting"),
]
