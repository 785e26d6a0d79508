"""What is true of the platforms in all processes: cordoned by staff, left alone by the breaker.

The rows are the truth. What an opening reads of them is kept by their revision, so that it costs nothing while nothing
changes, and needs no cache that could be away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms import revision
from platforms.abilities import CredentialCheck
from platforms.handler import (
    get_available_platforms,
    get_platform_client_class,
    platform_label,
    require_known,
    why_unavailable,
)
from platforms.models import PlatformState

_kept = revision.Cached(lambda: {state.platform: state for state in _rows()})


def cordon(platform: str, by: Any = None, reason: str = "") -> PlatformState:
    """Let no new meeting open there; those that run finish. `by` is a user, None for a command.

    Raises PlatformNotConfigured for a platform that there is not.
    """
    return _decide(platform, by, cordoned_at=timezone.now(), cordoned_by=by, cordon_reason=reason.strip())


def uncordon(platform: str, by: Any = None) -> PlatformState:
    return _decide(platform, by, cordoned_at=None, cordoned_by=None, cordon_reason="")


@transaction.atomic
def _decide(platform: str, by: Any, **values: Any) -> PlatformState:
    require_known(platform)
    make_row(platform)
    state = PlatformState.objects.select_for_update().get(pk=platform)
    for name, value in {**values, "_history_user": by}.items():  # the last is for the library of history
        setattr(state, name, value)
    state.save(update_fields=PlatformState.CORDON)
    revision.renew()
    return state


def current(token: str | None = None) -> Mapping[str, PlatformState]:
    """The states by platform, for looking only. `token` is the present revision, where the caller has asked for it.

    A breaker's counts in it may be of earlier.
    """
    return _kept.get(token)


def away(token: str | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """The platforms on which no new meeting is to open: those cordoned, and those that do not answer; why, for each."""
    now = timezone.now()
    cordoned, silent = {}, {}
    for name, state in current(token).items():
        if state.cordoned_at:
            cordoned[name] = cordon_sentence(state)
        if _is_left_alone(state, now):
            silent[name] = _("{platform} does not answer at present.").format(platform=platform_label(name))
    return cordoned, silent


def _is_left_alone(state: PlatformState, now: datetime) -> bool:
    """Where no worker can see whether it is back, the next meeting does."""
    if state.open_since is None or state.probe_at is None:
        return False
    return now < state.probe_at or can_be_checked(state.platform)


def can_be_checked(name: str) -> bool:
    return why_unavailable(name) is None and issubclass(get_platform_client_class(name), CredentialCheck)


@dataclass(frozen=True)
class Standing:
    """How a platform stands: each reason is a sentence for staff, "" where it does not hold."""

    name: str
    label: str
    lacking: str  # what must be set before it can be used
    cordon: str
    silence: str  # left alone by the breaker
    state: PlatformState

    @property
    def is_usable(self) -> bool:
        """Whether new meetings open there now."""
        return not self.reason

    @property
    def reason(self) -> str:
        return " ".join(filter(None, (self.lacking, self.cordon, self.silence)))


def standings() -> list[Standing]:
    """Of all platforms that there are, as the rows have it now."""
    states = {state.platform: state for state in _rows()}
    return [_standing(name, states.get(name) or PlatformState(pk=name)) for name in get_available_platforms()]


def standing_of(name: str) -> Standing:
    """Raises PlatformNotConfigured for a platform that there is not."""
    require_known(name)
    return _standing(name, _rows().filter(pk=name).first() or PlatformState(pk=name))


def _standing(name: str, state: PlatformState) -> Standing:
    return Standing(
        name=name,
        label=platform_label(name),
        lacking=why_unavailable(name) or "",
        cordon=cordon_sentence(state),
        silence=silence_sentence(state),
        state=state,
    )


def cordon_sentence(state: PlatformState) -> str:
    if state.cordoned_at is None:
        return ""
    platform, by = platform_label(state.platform), state.cordoned_by
    if by:
        told = _("{platform} is cordoned by {person}").format(platform=platform, person=by.get_full_name() or by)
    else:
        told = _("{platform} is cordoned").format(platform=platform)
    return f"{told}: {state.cordon_reason.rstrip('.')}." if state.cordon_reason else f"{told}."


def silence_sentence(state: PlatformState) -> str:
    if state.open_since is None:
        return ""
    return _("{platform} has not answered since {moment:%H:%M} UTC.").format(
        platform=platform_label(state.platform), moment=state.failing_since or state.open_since
    )


def note_check(platform: str, error: str) -> PlatformState:
    """Keep what trying its credentials found; `error` is empty for good ones."""
    make_row(platform)
    PlatformState.objects.filter(pk=platform).update(checked_at=timezone.now(), check_error=error)
    revision.renew()
    return _rows().get(pk=platform)


def make_row(platform: str) -> None:
    """Where there is none yet. It is no decision, so it is not in the history."""
    PlatformState.objects.bulk_create([PlatformState(pk=platform)], ignore_conflicts=True)


def _rows() -> QuerySet[PlatformState]:
    return PlatformState.objects.select_related("cordoned_by")
