"""Where webhooks arrive: /v1/<platform>/webhook, and each platform's own older paths."""

from django.urls import path, register_converter

from platforms.exceptions import PlatformNotConfigured
from platforms.handler import get_available_platforms, get_platform_client_class
from platforms.views import receive


class WebhookPath:
    """Finds the platform by the path, so that one that is added needs no route."""

    regex = r"[\w/-]+"

    def to_python(self, value: str) -> str:
        for name in get_available_platforms():
            if value.removesuffix("/") in webhook_paths(name):  # addresses are typed by hand at some providers
                return name
        raise ValueError("no platform's webhooks arrive here")

    def to_url(self, platform: str) -> str:
        return f"{platform}/webhook"


def webhook_paths(name: str) -> tuple[str, ...]:
    try:
        return (f"{name}/webhook", *get_platform_client_class(name).webhook_paths)
    except PlatformNotConfigured:
        return ()


register_converter(WebhookPath, "webhook_path")

urlpatterns = [path("v1/<webhook_path:platform>", receive, name="webhook")]
