"""How a meeting's page shows its platform: what it loads for it, and what it lets in.

A platform's part is found by its alias, or by the name of its backend's module or folder: static/platforms/<name>.js
and templates/platforms/<name>.html. One without them is shown in a plain frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.contrib.staticfiles import finders
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from meetings.models import Meeting
from platforms.base import VideoPlatformClient
from platforms.handler import find_platform_client, find_platform_client_class

PLAIN_FRAME = "meetings/frame.js"
FEATURES = ("microphone", "camera", "display-capture", "fullscreen")


@dataclass(frozen=True)
class Embedding:
    origin: str
    client: VideoPlatformClient | None  # None for a platform that is not configured any more
    module: str
    template: str | None
    sources: Mapping[str, Sequence[str]]  # what its own script may load or call, by directive of the policy

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
        policy = {"frame-src": self._frames(), "style-src": [f"'{value}'" for value in hashes]}
        for directive, sources in self.sources.items():
            policy[directive] = [*policy.get(directive, []), *sources]
        return policy

    def permissions_policy(self) -> str:
        others = [f'"{origin}"' for origin in self._frames()]
        allowed = f"({' '.join(['self', *others])})" if self.is_framed else "()"
        return ", ".join(f"{feature}={allowed}" for feature in FEATURES)

    def _frames(self) -> list[str]:
        """Where the meeting is a web page, which a frame can show."""
        return [self.origin] if self.origin.startswith("http") else []


def embedding_of(meeting: Meeting) -> Embedding:
    parts = urlsplit(meeting.room_url)
    client = find_platform_client(meeting.platform)
    names = _names(meeting.platform)
    modules = [name for name in (f"platforms/{name}.js" for name in names) if finders.find(name)]
    templates = [name for name in (f"platforms/{name}.html" for name in names) if _exists(name)]
    return Embedding(
        origin=f"{parts.scheme}://{parts.netloc}",
        client=client,
        module=modules[0] if modules else PLAIN_FRAME,
        template=templates[0] if templates else None,
        sources=client.page_sources(meeting.room_url) if client else {},
    )


def _names(platform: str) -> list[str]:
    client_class = find_platform_client_class(platform)
    if client_class is None:
        return [platform]
    *_, folder, module = ["", *client_class.__module__.split(".")]
    return [platform, module, folder]


def _exists(template: str) -> bool:
    try:
        get_template(template)
    except TemplateDoesNotExist:
        return False
    return True
