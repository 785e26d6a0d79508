"""The sidebar of Admin: what staff do, and which pages they do it on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from platforms.work.models import Job


@dataclass(frozen=True)
class Page:
    """One that is not the list of a model. It may stand for many lists, and is for those who may see one of them."""

    title: str | Promise
    view: str
    of: type[Model] | None = None

    @property
    def address(self) -> str:
        return reverse(self.view)


@dataclass(frozen=True)
class Section:
    title: str | Promise
    icon: str  # a symbol of templates/admin/icons.html
    pages: list[str | Page]  # a model by its label, or a page


@dataclass
class Link:
    title: str | Promise
    address: str
    is_current: bool


SECTIONS = [
    Section(gettext_lazy("Platforms"), "platforms", [Page(gettext_lazy("Platforms"), "admin:index")]),
    Section(gettext_lazy("Rollout"), "rollout", ["rooms.rollout", "rooms.change"]),
    Section(gettext_lazy("Rooms"), "rooms", ["rooms.room"]),
    Section(gettext_lazy("Meetings"), "meetings", ["meetings.meeting"]),
    Section(gettext_lazy("Recordings"), "recordings", ["recordings.recording", "recordings.consent"]),
    Section(gettext_lazy("Transcripts"), "transcripts", ["recordings.transcript"]),
    Section(
        gettext_lazy("Health"),
        "health",
        [Page(gettext_lazy("Background work"), "background_work", of=Job), "platforms.staffnotice"],
    ),
    Section(
        gettext_lazy("People"),
        "people",
        ["auth.user", "rooms.invitation", "auth.group", "rooms.apikey", "platforms.auditentry"],
    ),
]
MORE = gettext_lazy("More")


def shown(available_apps: Iterable[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    """Each section of which there is anything for whoever looks; what nobody gave a section comes last."""
    models = {entry["model"]._meta.label_lower: entry for app in available_apps for entry in app["models"]}
    rest = Section(MORE, "more", [label for label, entry in models.items() if not _has_place(label, entry["model"])])
    sections = [(section, _links(section.pages, models, path)) for section in [*SECTIONS, rest]]
    return [{"title": section.title, "icon": section.icon, "links": links} for section, links in sections if links]


def _has_place(label: str, model: type[Model]) -> bool:
    pages = [page for section in SECTIONS for page in section.pages]
    return label in pages or any(isinstance(page, Page) and page.of and issubclass(model, page.of) for page in pages)


def _links(pages: list[str | Page], models: dict[str, dict[str, Any]], path: str) -> list[Link]:
    found = []
    for page in pages:
        if isinstance(page, Page):
            lists = [entry["admin_url"] for entry in models.values() if page.of and issubclass(entry["model"], page.of)]
            if lists or not page.of:
                is_current = path == page.address or path.startswith(tuple(lists))
                found.append(Link(page.title, page.address, is_current))
        elif entry := models.get(page):
            title = capfirst(entry["model"]._meta.verbose_name_plural)
            found.append(Link(title, entry["admin_url"], path.startswith(entry["admin_url"])))
    return found
