from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from rooms.api import account_views, public_views, views

urlpatterns = [
    path("health", public_views.Health.as_view()),
    path("v1/config", public_views.Config.as_view()),
    path("v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path(
        "v1/schema/docs",
        SpectacularSwaggerView.as_view(url_name="schema", http_method_names=["get", "head"]),
        name="schema-docs",
    ),
    path("v1/auth/login", account_views.Login.as_view()),
    path("v1/me", account_views.Me.as_view()),
    path("v1/user/api-keys", account_views.ApiKeyList.as_view()),
    path("v1/user/api-keys/<str:key_id>", account_views.ApiKeyDetail.as_view()),
    path("v1/rooms", views.RoomList.as_view()),
    path("v1/rooms/name/<str:room_name>", views.RoomByName.as_view()),
    path("v1/rooms/<str:room_id>", views.RoomDetail.as_view()),
]
