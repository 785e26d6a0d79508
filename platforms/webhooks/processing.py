"""What becomes of an event that a platform reported: the apps above hear of it, each in the event's transaction."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from django.db import transaction

from platforms import logs, metrics
from platforms.abilities import Webhooks
from platforms.events import Event
from platforms.handler import create_platform_client
from platforms.models import WebhookEvent
from platforms.signals import event_received

Outcome = WebhookEvent.Outcome

# What begins before many events are told in one transaction, and ends after it; it gives whether each can be told so.
Preparation = Callable[[Sequence[Event]], AbstractContextManager[Sequence[bool]]]

_preparations: list[Preparation] = []


def prepare_by(preparation: Preparation) -> None:
    """Have what hears of events get ready for many of them, to need few statements for all."""
    _preparations.append(preparation)


def process(kept: WebhookEvent) -> None:
    _tell(kept, _parse(kept))


def process_together(several: Sequence[WebhookEvent]) -> list[WebhookEvent]:
    """Process those that can be in one transaction: which of them that were."""
    single = {kept: found[0] for kept in several if len(found := _parse(kept)) == 1}
    with ExitStack() as stack:
        answers = [stack.enter_context(prepare(list(single.values()))) for prepare in _preparations]
        done = [kept for kept, *are_ready in zip(single, *answers, strict=True) if all(are_ready)]
        for kept in done:
            with logs.about(**kept.log_ids()):
                _tell(kept, [single[kept]])
    return done


def _parse(kept: WebhookEvent) -> Sequence[Event]:
    return create_platform_client(kept.platform).require(Webhooks).parse_webhook(bytes(kept.body))


def _tell(kept: WebhookEvent, found: Sequence[Event]) -> None:
    kept.outcome = ""
    kept.room_name = next((event.room_name for event in found if event.room_name), "")
    kept.meeting_id = next((event.meeting_id for event in found if event.meeting_id), "")
    answers = [event_received.send(sender=type(event), event=event) for event in found]
    applied = any(answer for receivers in answers for _, answer in receivers)
    kept.outcome = Outcome.APPLIED if applied else Outcome.IGNORED
    counter = metrics.events_processed.labels(kept.platform, kept.type, kept.outcome)
    transaction.on_commit(counter.inc)
