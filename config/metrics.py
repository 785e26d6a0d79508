"""/metrics for Prometheus: what the processes of this machine counted, and what the database says now."""

import os
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from platforms.health import heartbeats, notices, states
from platforms.limits.callers import address_of
from platforms.webhooks import arrivals
from platforms.work.models import Job, job_models
from recordings.models import Recording

OPEN_STATES = (Job.State.WAITING, Job.State.RUNNING)
# Of the others there may be any number, and more every day.
UNFINISHED = (
    Recording.State.REPORTED,
    Recording.State.FETCHING,
    Recording.State.STORED,
    Recording.State.PROCESSING,
    Recording.State.FAILED,
    Recording.State.UNMATCHED,
)


@require_safe
@never_cache
def metrics_page(request: HttpRequest) -> HttpResponse:
    if not may_read(request):
        if not settings.METRICS_TOKEN:
            raise Http404
        return HttpResponse("A bearer token is needed.\n", status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        counted = generate_latest(registry)
    else:
        counted = generate_latest(REGISTRY)
    stored = CollectorRegistry()
    stored.register(Stored())
    return HttpResponse(counted + generate_latest(stored), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN and constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        return True
    address = address_of(request)
    return address is not None and any(address in network for network in settings.METRICS_NETWORKS)


class Stored(Collector):
    """Every query goes by an index to rows that are not done, so that none takes longer as the tables grow."""

    def collect(self) -> Iterable[Metric]:
        yield from _events()
        yield from _jobs()
        yield from _gauges()


def _events() -> Iterator[Metric]:
    now = timezone.now()
    oldest = GaugeMetricFamily(
        "reflector_oldest_event_seconds", "How long the oldest event waits to be processed", labels=["platform"]
    )
    for platform, at in arrivals.oldest_unprocessed().items():
        oldest.add_metric([platform], (now - at).total_seconds())
    yield oldest
    silent = GaugeMetricFamily(
        "reflector_breaker_open", "1 while a provider is left alone as it does not answer", labels=["platform"]
    )
    last = GaugeMetricFamily("reflector_last_event_seconds", "Since the last webhook came", labels=["platform"])
    for standing in states.standings():
        silent.add_metric([standing.name], bool(standing.state.open_since))
        if standing.state.last_event_at:
            last.add_metric([standing.name], (now - standing.state.last_event_at).total_seconds())
    yield silent
    yield last


def _jobs() -> Iterator[Metric]:
    now = timezone.now()
    depth = GaugeMetricFamily("reflector_jobs", "Rows of work that are not done", labels=["job", "queue", "state"])
    oldest = GaugeMetricFamily(
        "reflector_oldest_due_seconds", "How long the oldest row has been due", labels=["job", "queue"]
    )
    for model in job_models():
        name, queue = str(model._meta.model_name), model.QUEUE
        counts = model.rows().filter(state__in=OPEN_STATES).values_list("state").annotate(Count("pk"))
        found = dict(counts)
        for state in OPEN_STATES:
            depth.add_metric([name, queue, str(state)], found.get(state, 0))
        due = model.rows().waiting(now).order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
        oldest.add_metric([name, queue], (now - due).total_seconds() if due else 0)
    yield depth
    yield oldest


def _gauges() -> Iterator[Metric]:
    recordings = GaugeMetricFamily(
        "reflector_recordings", "Recordings that are under way, failed or without a meeting", labels=["state"]
    )
    counted = dict(Recording.objects.filter(state__in=UNFINISHED).order_by().values_list("state").annotate(Count("pk")))
    for state in UNFINISHED:
        recordings.add_metric([str(state)], counted.get(state, 0))
    yield recordings
    yield GaugeMetricFamily("reflector_notices", "Problems that staff are shown", notices.shown().count())
    age = heartbeats.scheduler_age()
    if age is not None:
        yield GaugeMetricFamily("reflector_scheduler_age_seconds", "Since it last sent something", age.total_seconds())
    worked = GaugeMetricFamily("reflector_queue_worked", "1 while a worker of the queue lives", labels=["queue"])
    alive = heartbeats.queues_worked()
    for queue in sorted({model.QUEUE for model in job_models()}):
        worked.add_metric([queue], queue in alive)
    yield worked
