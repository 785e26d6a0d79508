"""One page for all that is done in the background, whatever table it is in: what waits, what failed, run again."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import site
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin.input import is_key
from platforms.models import StaffNotice
from platforms.work.admin import JobAdmin, shortened
from platforms.work.models import Job

State = Job.State

LISTED = 100
MOST_CHOSEN = 1000
UNFINISHED = [State.FAILED, State.UNMATCHED, State.WAITING, State.RUNNING]
STATES = {
    "trouble": (gettext_lazy("Needs a look"), [State.FAILED, State.UNMATCHED]),
    "open": (gettext_lazy("Waiting or running"), [State.WAITING, State.RUNNING]),
    **{str(state.value): (capfirst(state.label), [state]) for state in State},
    "all": (gettext_lazy("Any"), list(State)),
}
AGES = {
    "": (gettext_lazy("Any time"), None),
    "hour": (gettext_lazy("The last hour"), timedelta(hours=1)),
    "day": (gettext_lazy("The last day"), timedelta(days=1)),
    "week": (gettext_lazy("The last week"), timedelta(days=7)),
}


# What the key of a notice begins with -> the state of the rows that it is about.
NOTICED = {"failed": "failed", "in-vain": "waiting", "late": "open"}


@dataclass(frozen=True)
class Row:
    kind: str
    job: Job
    address: str
    may_run: bool

    @property
    def error(self) -> str:
        return shortened(self.job.last_error)

    @property
    def key(self) -> str:
        return f"{self.job._meta.label_lower}:{self.job.pk}"


@dataclass
class Wanted:
    """What of the work is to be listed, as the address says."""

    kind: str = ""
    state: str = "trouble"
    age: str = ""
    before: datetime | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def states(self) -> Sequence[str]:
        return STATES[self.state][1]

    @property
    def since(self) -> datetime | None:
        age = AGES[self.age][1]
        return timezone.now() - age if age else None

    def address(self, **changes: str) -> str:
        values = {"kind": self.kind, "state": self.state, "age": self.age, **changes}
        return "?" + urlencode({name: value for name, value in values.items() if value})


def kinds_for(request: HttpRequest) -> dict[str, JobAdmin]:
    """What of it somebody may see, by the label of its model."""
    admins = {model._meta.label_lower: admin for model, admin in site._registry.items() if isinstance(admin, JobAdmin)}
    return {label: admin for label, admin in admins.items() if admin.has_view_permission(request)}


@site.admin_view
def background_work(request: HttpRequest) -> HttpResponse:
    kinds = kinds_for(request)
    if not kinds:
        raise PermissionDenied
    if request.method == "POST":
        _run_again(request, kinds)
        return HttpResponseRedirect(request.get_full_path())
    wanted = read(request, kinds)
    rows = _rows(request, wanted, kinds)
    context = {
        **site.each_context(request),
        "title": _("Background work"),
        "kinds": [(label, title_of(admin)) for label, admin in kinds.items()],
        "states": [(value, title) for value, (title, states) in STATES.items()],
        "ages": [(value, title) for value, (title, age) in AGES.items()],
        "wanted": wanted,
        "table": [(label, title_of(admin), _counts(admin, wanted, label)) for label, admin in kinds.items()],
        "columns": UNFINISHED,
        "rows": rows[:LISTED],
        "older": _older(wanted, rows),
        "may_run": any(row.may_run for row in rows),
    }
    return TemplateResponse(request, "admin/background_work.html", context)


def title_of(admin: JobAdmin) -> str:
    return str(capfirst(admin.opts.verbose_name_plural))


def read(request: HttpRequest, kinds: Iterable[str]) -> Wanted:
    """What the address asks for. A word that it does not know is told of, and counts as not said."""
    wanted = Wanted()
    for name, known in (("kind", kinds), ("state", STATES), ("age", AGES)):
        value = request.GET.get(name, "")
        if value in known:
            setattr(wanted, name, value)
        elif value:
            wanted.problems.append(
                _("There is no {name} “{value}”: choose one of the list.").format(name=name, value=value[:50])
            )
    if before := request.GET.get("before", ""):
        wanted.before = _moment(before)
        if wanted.before is None:
            wanted.problems.append(_("“Older” names no time: this is the beginning of the list."))
    return wanted


def address_of(notice: StaffNotice, kinds: Collection[str]) -> str:
    """Where the rows are listed that a notice is about; empty where it is about none, or about those of other kinds."""
    about, _, name = notice.key.partition(":")
    kind = "" if about == "late" else name.lower()
    if about not in NOTICED or not kinds or (kind and kind not in kinds):
        return ""
    return reverse("background_work") + Wanted(kind, NOTICED[about]).address()


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is None or timezone.is_aware(moment) else timezone.make_aware(moment)


def _rows(request: HttpRequest, wanted: Wanted, kinds: dict[str, JobAdmin]) -> list[Row]:
    """The latest of each kind and state, brought together: each is found by the index that workers use, too."""
    found = []
    for label, admin in kinds.items():
        if wanted.kind in ("", label):
            view = f"admin:{admin.opts.app_label}_{admin.opts.model_name}_change"
            may_run = admin.has_run_again_permission(request)
            for state in wanted.states:
                jobs = _latest(admin.get_queryset(request).filter(state=state), wanted)
                related = admin.list_select_related
                jobs = jobs.select_related(*related) if isinstance(related, list | tuple) else jobs
                found += [Row(title_of(admin), job, reverse(view, args=[job.pk]), may_run) for job in jobs]
    return sorted(found, key=lambda row: row.job.next_attempt_at, reverse=True)[: LISTED + 1]


def _latest(jobs: QuerySet[Any], wanted: Wanted) -> QuerySet[Any]:
    if wanted.since:
        jobs = jobs.filter(next_attempt_at__gte=wanted.since)
    if wanted.before:
        jobs = jobs.filter(next_attempt_at__lt=wanted.before)
    return jobs.order_by("-next_attempt_at")[: LISTED + 1]


def _counts(admin: JobAdmin, wanted: Wanted, label: str) -> list[tuple[int, str]]:
    """How many there are in each unfinished state, and where these are listed."""
    jobs = admin.model._default_manager.filter(state__in=UNFINISHED).order_by()
    counts = Counter(dict(jobs.values_list("state").annotate(Count("pk"))))
    return [(counts[state], wanted.address(kind=label, state=str(state.value), age="")) for state in UNFINISHED]


def _older(wanted: Wanted, rows: Sequence[Row]) -> str:
    if len(rows) <= LISTED:
        return ""
    return wanted.address(before=rows[LISTED - 1].job.next_attempt_at.isoformat())


def _run_again(request: HttpRequest, kinds: dict[str, JobAdmin]) -> None:
    chosen = sorted(key.partition(":")[::2] for key in request.POST.getlist("chosen"))
    if not chosen:
        next(iter(kinds.values())).message_user(request, _("Nothing was chosen."))
    if len(chosen) > MOST_CHOSEN:
        raise BadRequest(_("Choose {most} rows at most.").format(most=MOST_CHOSEN))
    for label, pairs in groupby(chosen, key=lambda pair: pair[0]):
        admin, keys = kinds.get(label), [key for _, key in pairs]
        if admin is None or not all(is_key(admin.model, key) for key in keys):
            raise BadRequest(_("What was chosen is no row of this list."))
        if not admin.has_run_again_permission(request):
            raise PermissionDenied
        admin.run_again(request, admin.model._default_manager.filter(pk__in=keys))
