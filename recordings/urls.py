from django.urls import path

from recordings import callback

urlpatterns = [
    path("v1/recordings/files/<str:token>", callback.download, name="recording-file"),
    path("v1/recordings/<uuid:recording_id>/result", callback.TakeResult.as_view(), name="recording-result"),
]
