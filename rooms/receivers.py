from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model, user_logged_in
from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest
from simple_history.signals import pre_create_historical_record

from platforms import revision
from rooms import browsers, history, languages
from rooms.calendar import sync
from rooms.models import Rollout, Room
from rooms.models.change import ChangeRecord
from rooms.rollout import watching
from rooms.signals import platforms_changed
from rooms.webhooks import moves as webhook_moves


@receiver(post_save, sender=Room, dispatch_uid="rooms.calendar")
def follow_calendar(*, instance: Room, created: bool, raw: bool = False, **kwargs: Any) -> None:
    if raw or (created and not instance.ics_enabled):
        return
    sync.follow_room(instance)


@receiver(platforms_changed, sender=Room.history.model, dispatch_uid="rooms.webhooks")
def tell_of_moves(*, moves: Sequence[Any], **kwargs: Any) -> None:
    webhook_moves.tell(moves)


@receiver(post_delete, sender=Group, dispatch_uid="rooms.rollout")
@receiver(m2m_changed, sender=get_user_model().groups.through, dispatch_uid="rooms.rollout")
@receiver(m2m_changed, sender=Rollout.groups.through, dispatch_uid="rooms.rollout")
@receiver(m2m_changed, sender=Rollout.listed_rooms.through, dispatch_uid="rooms.rollout")
@receiver(m2m_changed, sender=Rollout.held_back_rooms.through, dispatch_uid="rooms.rollout")
def renew_rollout(**kwargs: Any) -> None:
    """Who is in a group, and what is on a list, is kept in each process with the rest of the rollout."""
    revision.renew()


@receiver(user_logged_in, dispatch_uid="rooms.browsers")
def note_browser(*, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    browsers.note(request, user)


@receiver(user_logged_in, dispatch_uid="rooms.languages")
def bring_language(*, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    languages.bring(request, user)


@receiver(post_save, sender=Rollout, dispatch_uid="rooms.rollout.notice")
def settle_notice(*, instance: Rollout, **kwargs: Any) -> None:
    watching.settle_notice(instance)


@receiver(pre_create_historical_record, dispatch_uid="rooms.history")
def say_why(*, history_instance: Any, sender: type[Any], **kwargs: Any) -> None:
    if issubclass(sender, ChangeRecord):
        doing = history.doing()
        history_instance.change = doing.change
        history_instance.history_change_reason = doing.note or None
