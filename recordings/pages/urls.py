from django.contrib.auth.views import LogoutView
from django.urls import path

from recordings.pages import home, login, retry, rooms, search, transcript

# What stands first in each of these paths is reserved in rooms/names.py.
urlpatterns = [
    path("", home.home, name="home"),
    path("login", login.LoginPage.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("new", rooms.new_room, name="new-room"),
    path("search", search.search_page, name="search"),
    path("transcripts/<uuid:transcript_id>", transcript.transcript_page, name="transcript"),
    path("transcripts/<uuid:transcript_id>/download/<str:ending>", transcript.download, name="transcript-download"),
    path("recordings/<uuid:recording_id>/retry", retry.retry, name="recording-retry"),
]
