"""How a meeting's page shows its platform: what it loads for it, and what it lets in.

A platform's part is found by its alias, or by the name of its backend's module: static/platforms/<name>.js and
templates/platforms/<name>.html. One without them is shown in a plain frame.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.contrib.staticfiles import finders
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from meetings.models import Meeting
from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import create_platform_client, get_platform_client_class

PLAIN_FRAME = "meetings/frame.js"
FEATURES = ("microphone", "camera", "display-capture", "fullscreen")


@dataclass(frozen=True)
class Embedding:
    origin: str
    client: VideoPlatformClient | None  # None for a platform that is not configured any more
    module: str
    template: str | None

    @property
    def is_framed(self) -> bool:
        return self.client is None or self.client.supports_embedding

    @property
    def is_simulated(self) -> bool:
        return self.client is not None and self.client.is_simulated

    def csp(self) -> dict[str, list[str]]:
        """What the page's policy gains. The style hashes are of what a provider's own code puts into the page."""
        if not self.is_framed:
            return {}
        hashes = self.client.embed_style_hashes if self.client else ()
        return {"frame-src": [self.origin], "style-src": [f"'{value}'" for value in hashes]}

    def permissions_policy(self) -> str:
        allowed = f'(self "{self.origin}")' if self.is_framed else "()"
        return ", ".join(f"{feature}={allowed}" for feature in FEATURES)


def embedding_of(meeting: Meeting) -> Embedding:
    parts = urlsplit(meeting.room_url)
    try:
        client = create_platform_client(meeting.platform)
    except PlatformNotConfigured:
        client = None
    names = _names(meeting.platform)
    modules = [name for name in (f"platforms/{name}.js" for name in names) if finders.find(name)]
    templates = [name for name in (f"platforms/{name}.html" for name in names) if _exists(name)]
    return Embedding(
        origin=f"{parts.scheme}://{parts.netloc}",
        client=client,
        module=modules[0] if modules else PLAIN_FRAME,
        template=templates[0] if templates else None,
    )


def _names(platform: str) -> list[str]:
    try:
        return [platform, get_platform_client_class(platform).__module__.rpartition(".")[2]]
    except PlatformNotConfigured:
        return [platform]


def _exists(template: str) -> bool:
    try:
        get_template(template)
    except TemplateDoesNotExist:
        return False
    return True
