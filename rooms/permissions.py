"""What staff may do outside of Admin: what the same permissions let them do there, and nothing by being staff alone."""

from typing import Any

from django.contrib.auth import get_permission_codename
from django.db import models

SEE_ROLLOUT = [(action, model) for model in ("rollout", "room") for action in ("view", "change")]


def staff_may_view(user: Any, model: type[models.Model]) -> bool:
    """As in Admin, whoever may change rows may look at them."""
    return _staff_may(user, model, "view") or _staff_may(user, model, "change")


def staff_may_change(user: Any, model: type[models.Model]) -> bool:
    return _staff_may(user, model, "change")


def staff_may_delete(user: Any, model: type[models.Model]) -> bool:
    return _staff_may(user, model, "delete")


def may_see_rollout(user: Any) -> bool:
    """Whoever may look at rooms in Admin is told of each of them where it opens and why."""
    # By their names, as the models import this.
    return bool(user.is_staff and any(user.has_perm(f"rooms.{action}_{model}") for action, model in SEE_ROLLOUT))


def may_operate_platforms(user: Any) -> bool:
    """Whether a person may check, cordon and drain platforms."""
    return bool(user.is_staff and user.has_perm("platforms.operate"))


def _staff_may(user: Any, model: type[models.Model], action: str) -> bool:
    if not user.is_staff:
        return False
    options = model._meta
    granted: bool = user.has_perm(f"{options.app_label}.{get_permission_codename(action, options)}")
    return granted
