from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularJSONAPIView, SpectacularSwaggerView

from rooms import logos
from rooms.api import (
    account_views,
    calendar_link_views,
    calendar_views,
    platform_views,
    public_views,
    rollout_views,
    views,
    webhook_views,
    zulip_views,
)

urlpatterns = [
    path("openapi.json", SpectacularJSONAPIView.as_view()),  # where generators of clients look
    path("health", public_views.Health.as_view()),
    path("media/logos/<str:name>", logos.logo_view),
    path("v1/config", public_views.Config.as_view()),
    path("v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path(
        "v1/schema/docs",
        SpectacularSwaggerView.as_view(url_name="schema", http_method_names=["get", "head"]),
        name="schema-docs",
    ),
    path("v1/auth/login", account_views.Login.as_view()),
    path("v1/auth/logout", account_views.Logout.as_view()),
    path("v1/me", account_views.Me.as_view()),
    path("v1/user/api-keys", account_views.ApiKeyList.as_view()),
    path("v1/user/api-keys/<str:key_id>", account_views.ApiKeyDetail.as_view()),
    path("v1/platforms", platform_views.PlatformList.as_view()),
    path("v1/rollout", rollout_views.RolloutView.as_view()),
    path("v1/zulip/streams", zulip_views.StreamList.as_view()),
    path("v1/zulip/streams/<str:stream_id>/topics", zulip_views.TopicList.as_view()),
    path("v1/rooms", views.RoomList.as_view()),
    path("v1/rooms/<str:room_name>/meetings", calendar_views.RoomCalendar.as_view()),
    path("v1/rooms/<str:room_name>/meetings/upcoming", calendar_views.UpcomingEvents.as_view()),
    path("v1/rooms/<str:room_name>/ics/status", calendar_views.CalendarStatus.as_view()),
    path("v1/rooms/<str:room_name>/ics/sync", calendar_views.SyncCalendar.as_view()),
    path("v1/rooms/<str:room_name>/calendar.ics", calendar_link_views.calendar_file),
    path("v1/rooms/<str:room_name>/calendar-link", calendar_link_views.CalendarLink.as_view()),
    path("v1/rooms/name/<str:room_name>", views.RoomByName.as_view()),
    path("v1/rooms/<str:room_id>/webhook", webhook_views.WebhookStatus.as_view()),
    path("v1/rooms/<str:room_id>/webhook/test", webhook_views.TestWebhook.as_view()),
    path("v1/rooms/<str:room_id>/webhook/rotate-secret", webhook_views.RotateSecret.as_view()),
    path("v1/rooms/<str:room_id>/webhook/deliveries", webhook_views.DeliveryList.as_view()),
    path("v1/rooms/<str:room_id>/webhook/deliveries/send-again", webhook_views.SendFailedAgain.as_view()),
    path("v1/rooms/<str:room_id>/webhook/deliveries/<str:delivery_id>/send-again", webhook_views.SendAgain.as_view()),
    path("v1/rooms/<str:room_id>", views.RoomDetail.as_view()),
]
