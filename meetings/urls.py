from django.urls import path

from meetings.api import views

urlpatterns = [
    path("v1/rooms/<str:room_name>/meeting", views.OpenMeeting.as_view()),
    path("v1/rooms/<str:room_name>/meetings/active", views.ActiveMeetings.as_view()),
    path("v1/rooms/<str:room_name>/meetings/<str:meeting_id>", views.MeetingDetail.as_view()),
    path("v1/rooms/<str:room_name>/meetings/<str:meeting_id>/join", views.JoinMeeting.as_view()),
    path("v1/meetings/<str:meeting_id>/deactivate", views.DeactivateMeeting.as_view()),
]
