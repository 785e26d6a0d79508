"""Which messages there are to be: one for each place, when a notice is shown, and one when it is over."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from platforms.health import notices
from platforms.models import NoticeMessage, StaffNotice

Channel = NoticeMessage.Channel
State = NoticeMessage.State

KEPT = timedelta(days=90)


def channels() -> list[Channel]:
    """Where people want to be told."""
    wanted = {Channel.MAIL: settings.NOTICE_EMAILS, Channel.WEBHOOK: settings.NOTICE_WEBHOOK_URL}
    return [channel for channel, address in wanted.items() if address]


def announce() -> int:
    """Have all told that are not yet told of what stands now, or is over since. How many messages that makes.

    What comes and goes between two looks is told of to nobody. Safe in several processes at once.
    """
    if not (wanted := channels()):
        return 0
    standing = [notice for notice in notices.shown() if not _is_about_messages(notice)]
    with transaction.atomic():
        made = [*_of_what_stands(standing, wanted), *_of_what_is_over(standing, wanted)]
        if made:
            NoticeMessage.objects.bulk_create(made, ignore_conflicts=True)
            transaction.on_commit(NoticeMessage.enqueue)
    return len(made)


def forget_old() -> None:
    standing = StaffNotice.objects.filter(resolved_at=None).values("key")
    old = NoticeMessage.objects.filter(created_at__lt=timezone.now() - KEPT, state__in=[State.DONE, State.FAILED])
    old.exclude(key__in=standing).delete()


def _is_about_messages(notice: StaffNotice) -> bool:
    """A message that cannot be sent is no matter for another message."""
    return notice.key.endswith(f":{NoticeMessage._meta.label}")


def _of_what_stands(standing: Iterable[StaffNotice], wanted: Iterable[Channel]) -> list[NoticeMessage]:
    told = set(
        NoticeMessage.objects.filter(key__in=[notice.key for notice in standing], is_over=False).values_list(
            "key", "opened_at", "channel"
        )
    )
    return [
        NoticeMessage(key=notice.key, opened_at=notice.opened_at, channel=channel, text=notice.text)
        for notice in standing
        for channel in wanted
        if (notice.key, notice.opened_at, channel) not in told
    ]


def _of_what_is_over(standing: Iterable[StaffNotice], wanted: Iterable[Channel]) -> list[NoticeMessage]:
    """For those who were told that it stands. Who was not told yet is told nothing."""
    now = {(notice.key, notice.opened_at) for notice in standing}
    its_end = NoticeMessage.objects.filter(
        key=OuterRef("key"), opened_at=OuterRef("opened_at"), channel=OuterRef("channel"), is_over=True
    )
    raised = NoticeMessage.objects.filter(~Exists(its_end), is_over=False, channel__in=wanted)
    over = [message for message in raised.exclude(state=State.FAILED) if (message.key, message.opened_at) not in now]
    NoticeMessage.objects.filter(pk__in=[message.pk for message in over], state=State.WAITING).delete()
    return [
        NoticeMessage(
            key=message.key,
            opened_at=message.opened_at,
            channel=message.channel,
            text=message.text,
            is_over=True,
        )
        for message in over
        if message.state != State.WAITING
    ]
