"""What the first page of Admin knows of each platform, by a few statements however much there is of everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from config.staff.charts import DAY, HOUR, CallChart, TimeChart, call_chart, time_chart
from meetings import draining
from platforms.abilities import WebhookRegistration, Webhooks
from platforms.handler import create_platform_client, get_platform_client_class
from platforms.health import figures, states
from platforms.health.figures import Tally
from platforms.models import StaffNotice
from platforms.webhooks import arrivals, subscriptions
from recordings import backlog
from recordings.backlog import Backlog

LATE = timedelta(minutes=5)  # that an event may wait


@dataclass(frozen=True)
class Span:
    """The last hour, or the last day, in equal steps."""

    title: str
    total: Tally
    calls: CallChart
    times: TimeChart

    @property
    def failed_percent(self) -> float:
        return 100 * (self.total.error_rate or 0)

    @property
    def median(self) -> float | None:
        return self.total.percentile(50)

    @property
    def slow(self) -> float | None:
        return self.total.percentile(95)


@dataclass
class Card:
    """One platform."""

    standing: states.Standing
    notices: list[StaffNotice] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    live: int = 0
    recordings: Backlog = field(default_factory=Backlog)
    oldest_event_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.standing.name

    @property
    def day(self) -> Tally:
        return self.spans[-1].total

    @property
    def badge(self) -> tuple[str, str]:
        """Its state in a word or two, and the tone of it."""
        if self.standing.lacking:
            return _("Not set up"), ""
        if self.standing.silence:
            return _("Does not answer"), "bad"
        if self.standing.state.check_error:
            return _("Refuses the credentials"), "bad"
        if self.standing.cordon:
            return _("Cordoned"), "warn"
        return (_("Has trouble"), "warn") if self.problems else (_("Usable"), "good")

    @property
    def problems(self) -> list[str]:
        """Sentences that say what is wrong, and what to do."""
        found = [self.standing.reason] if self.standing.reason else []
        if self.standing.state.check_error:
            found.append(_("Its credentials were refused: {error}").format(error=self.standing.state.check_error))
        found += [notice.text for notice in self.notices if not (self.standing.silence and _is_of_silence(notice))]
        if self.is_behind and not any(notice.key.startswith("inbox:") for notice in self.notices):
            found.append(_("Its events are not processed: see whether the workers run (-Q quick)."))
        return found

    @property
    def is_behind(self) -> bool:
        return bool(self.oldest_event_at and timezone.now() - self.oldest_event_at > LATE)

    @property
    def can_be_checked(self) -> bool:
        return states.can_be_checked(self.name)

    @property
    def can_register(self) -> bool:
        return subscriptions.is_watched(self.name)

    @property
    def webhooks(self) -> str:
        """How its events come here."""
        if self.standing.lacking:
            return _("nothing is expected")
        client_class = get_platform_client_class(self.name)
        if not issubclass(client_class, Webhooks):
            return _("it sends none")
        if any(notice.key.startswith("webhook") for notice in self.notices):
            return _("not as they should be, see above")
        if not issubclass(client_class, WebhookRegistration):
            return _("sent by the sandbox") if self.is_simulated else _("set up in its dashboard")
        return _("registered") if self.can_register else _("not watched: set its secret and PUBLIC_URL")

    @property
    def is_simulated(self) -> bool:
        return create_platform_client(self.name).is_simulated


def cards(notices: Sequence[StaffNotice]) -> list[Card]:
    """Of all platforms, each with those of the notices that are about it."""
    found = {standing.name: Card(standing) for standing in states.standings()}
    for notice in notices:
        if card := found.get(notice.key.partition(":")[2]):
            card.notices.append(notice)
    _add_figures(found)
    _add_meetings(found)
    _add_recordings(found)
    _add_events(found)
    return list(found.values())


def _add_figures(found: Mapping[str, Card]) -> None:
    stretches = figures.read(DAY)
    for name, card in found.items():
        its = stretches.get(name, {})
        card.spans = [
            _span(_("Last hour"), its, HOUR, timedelta(minutes=5)),
            _span(_("Last day"), its, DAY, timedelta(minutes=30)),
        ]


def _span(title: str, stretches: Mapping[datetime, Tally], since: timedelta, every: timedelta) -> Span:
    series = figures.series(stretches, since, every)
    total = Tally()
    for each in series:
        total.add(each[1])
    return Span(title, total, call_chart(series, title), time_chart(series, title))


def _add_meetings(found: Mapping[str, Card]) -> None:
    for name, live in draining.live_by_platform().items():
        if card := found.get(name):
            card.live = live


def _add_recordings(found: Mapping[str, Card]) -> None:
    for name, its in backlog.by_platform().items():
        if card := found.get(name):
            card.recordings = its


def _add_events(found: Mapping[str, Card]) -> None:
    for name, oldest in arrivals.oldest_unprocessed().items():
        if card := found.get(name):
            card.oldest_event_at = oldest


def _is_of_silence(notice: StaffNotice) -> bool:
    return notice.key.startswith("silent:")
