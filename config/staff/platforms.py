"""The first page of Admin: how the platforms do, where rooms go, and what staff can do about it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin import site
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.staff import background, overview
from meetings import draining
from meetings.models import Meeting
from platforms.abilities import WebhookRegistration
from platforms.exceptions import PlatformError, PlatformNotConfigured, PlatformRejected
from platforms.handler import create_platform_client, platform_label
from platforms.health import notices, probing, states
from platforms.models import PlatformState
from platforms.webhooks import subscriptions
from rooms.models import Rollout, Room
from rooms.permissions import may_operate_platforms, staff_may_change, staff_may_view
from rooms.platform_change import count_of
from rooms.rollout import actions, picture, watching
from rooms.rollout.undo import undoable
from rooms.rollout.words import environment_differs
from rooms.selection import current_policy

LONGEST_REASON = 500  # characters
CHANGES_SHOWN = 3
MEETINGS_SHOWN = 100

Act = Callable[[HttpRequest, str], None]


@site.admin_view
@require_GET
def platforms_page(request: HttpRequest) -> HttpResponse:
    """Asked for quietly, by its own script, it is what changes of itself only."""
    sees_platforms = _sees_platforms(request.user)
    context = {**site.each_context(request), "title": _("Platforms"), "sees_platforms": sees_platforms}
    shown = list(notices.shown()) if request.user.has_perm("platforms.view_staffnotice") else []
    cards = overview.cards(shown) if sees_platforms else []
    told = {notice.pk for card in cards for notice in card.notices}
    kinds = background.kinds_for(request)
    others = [(notice, background.address_of(notice, kinds)) for notice in shown if notice.pk not in told]
    context |= {"cards": cards, "notices": others}
    if sees_platforms:
        context |= {"may_operate": may_operate_platforms(request.user), **_rollout(request)}
    template = "admin/platforms/live.html" if "X-Quiet" in request.headers else "admin/platforms/page.html"
    return TemplateResponse(request, template, context)


def _sees_platforms(user: Any) -> bool:
    return may_operate_platforms(user) or staff_may_view(user, PlatformState) or staff_may_view(user, Room)


def _rollout(request: HttpRequest) -> dict[str, Any]:
    policy = current_policy()
    shares, is_of_all = picture.spread(policy)
    row = Rollout.objects.select_related("decided_by").filter(pk=Rollout.ONLY).first()
    return {
        "policy": policy,
        "plan": watching.describe(row),
        "stages": row.stages if row else [],
        "target": platform_label(policy.target),
        "shares": shares,
        "looked_at": 0 if is_of_all else picture.LOOKED_AT,
        "sentences": picture.sentences(policy),
        "only_simulated": picture.only_simulated(policy),
        "differs": environment_differs(row),
        "changes": undoable(CHANGES_SHOWN),
        "may_roll_out": staff_may_change(request.user, Rollout),
    }


# Buttons


def operating(act: Act) -> Callable[..., HttpResponse]:
    """A button on a platform's card: done by those who may, told of on the page that they come back to."""

    @site.admin_view
    @require_POST
    @wraps(act)
    def view(request: HttpRequest, name: str) -> HttpResponse:
        if not may_operate_platforms(request.user):
            raise PermissionDenied
        _require_platform(name)
        try:
            act(request, name)
        except PlatformError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:index"))

    return view


def _require_platform(name: str) -> states.Standing:
    try:
        return states.standing_of(name)
    except PlatformNotConfigured as error:
        raise Http404(str(error)) from error


@operating
def check(request: HttpRequest, name: str) -> None:
    state = probing.check_platform(name)
    if state.check_error:
        messages.error(
            request,
            _("{platform} was asked: {error}").format(platform=platform_label(name), error=state.check_error),
        )
    else:
        messages.success(
            request, _("{platform} was asked, and takes its credentials.").format(platform=platform_label(name))
        )


@operating
def register_webhook(request: HttpRequest, name: str) -> None:
    client = create_platform_client(name).require(WebhookRegistration)
    url = subscriptions.webhook_url(name)
    if not (client.is_simulated or subscriptions.is_public(url)):
        messages.error(
            request,
            _("{url} is no https address that {platform} could reach: set PUBLIC_URL to one.").format(
                url=url, platform=client.label
            ),
        )
        return
    try:
        subscription = subscriptions.register(client, url)
    except PlatformRejected as error:
        tried = _(
            "{platform} tries the address out: {url} must be reachable from outside and answer 200 at once."
        ).format(platform=client.label, url=url)
        messages.error(request, f"{error} {tried}")
        return
    subscriptions.check_subscription(name)
    messages.success(
        request,
        _("{platform} sends its events to {url} ({state}).").format(
            platform=client.label, url=subscription.url, state=subscription.state
        ),
    )


@operating
def cordon(request: HttpRequest, name: str) -> None:
    reason = request.POST.get("reason", "").replace("\x00", "").strip()
    if len(reason) > LONGEST_REASON:
        messages.error(
            request,
            _("The reason is too long: {most} characters at most. Nothing was changed.").format(most=LONGEST_REASON),
        )
        return
    states.cordon(name, request.user, reason)
    left = count_of(draining.left_on(name), "meeting")
    messages.success(
        request,
        _("{platform} is cordoned: no new meeting opens there. {left} left on it.").format(
            platform=platform_label(name), left=left
        ),
    )


@operating
def uncordon(request: HttpRequest, name: str) -> None:
    states.uncordon(name, request.user)
    messages.success(request, _("New meetings may open on {platform} again.").format(platform=platform_label(name)))


@site.admin_view
@require_GET
def drain(request: HttpRequest, name: str) -> HttpResponse:
    """How many meetings are left there, and which."""
    if not _sees_platforms(request.user):
        raise PermissionDenied
    standing = _require_platform(name)
    meetings = Meeting.objects.unfinished().filter(platform=name).order_by("start_date")
    context = {
        **site.each_context(request),
        "title": _("Drain {platform}").format(platform=standing.label),
        "standing": standing,
        "left": draining.left_on(name),
        "meetings": meetings[:MEETINGS_SHOWN] if staff_may_view(request.user, Meeting) else (),
        "may_operate": may_operate_platforms(request.user),
    }
    template = "admin/platforms/left.html" if "X-Quiet" in request.headers else "admin/platforms/drain.html"
    return TemplateResponse(request, template, context)


# The rollout


def deciding(act: Callable[[HttpRequest], None]) -> Callable[[HttpRequest], HttpResponse]:
    """A button of the rollout, as `operating` is for those of the cards."""

    @site.admin_view
    @require_POST
    @wraps(act)
    def view(request: HttpRequest) -> HttpResponse:
        if not staff_may_change(request.user, Rollout):
            raise PermissionDenied
        try:
            act(request)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return HttpResponseRedirect(reverse("admin:index"))

    return view


@deciding
def roll_back(request: HttpRequest) -> None:
    if actions.roll_back(request.user):
        messages.success(
            request,
            _("Rolled back. {sentence} Meetings that run stay.").format(
                sentence=picture.sentences(current_policy())[0]
            ),
        )
    else:
        messages.info(request, _("It was rolled back already: nothing was changed."))


@deciding
def pause(request: HttpRequest) -> None:
    if actions.pause(request.user):
        messages.success(request, _("The plan is paused: no further room moves until it is resumed."))
    else:
        messages.info(request, _("The plan was paused already: nothing was changed."))


@deciding
def resume(request: HttpRequest) -> None:
    if actions.resume(request.user):
        messages.success(request, _("The plan goes on. Its stage begins anew."))
    else:
        messages.info(request, _("The plan was not paused: nothing was changed."))
