"""Taking rows to work on, by as few statements as can be: most looks find nothing, or a row or two."""

import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from platforms.statements import Asked, Statement, ask, example

Rows = Any  # a JobQuerySet
Jobs = Any  # a subclass of Job


def _abandoned(rows: Rows, now: datetime) -> Rows:
    return rows.abandoned(now)


def _new(rows: Rows, now: datetime) -> Rows:
    return rows.waiting(now).filter(attempts=0)


def _waiting(rows: Rows, now: datetime) -> Rows:
    return rows.waiting(now)


CLAIM = """
    UPDATE {table} SET state = %s, attempts = attempts + 1, losses = losses + CASE WHEN state = %s THEN 1 ELSE 0 END,
        lease_until = %s, lease_token = %s
    WHERE {key} {oldest}
"""
# As an array, PostgreSQL looks for them once; of a plain subquery it may ask again and again, and lock others then.
OLDEST = {"postgresql": "= ANY(ARRAY({} FOR UPDATE SKIP LOCKED))", "sqlite": "IN ({})"}
# Who waits for what another one holds ends that while its claim lasts, and records it. Else the row would be taken over
# by one worker after another, each to wait as well, and in the end be given up as one that ends its workers.
LOCK_WAIT = "SET lock_timeout = {:.0f}"
WAITS_IN_A_LEASE = 3  # many rows are tried together, and then by themselves


def claim_next(model: Jobs) -> list[Any]:
    """Take the oldest due rows, first those that are new; all kinds are looked for at once.

    Abandoned ones one at a time: a row that kills its worker would take its neighbours along again and again. Where the
    new ones are few, those that wait for another attempt go with them: else a steady stream would keep them out.
    """
    now, token = timezone.now(), uuid.uuid4()
    abandoned, new, oldest = ask(*(look.asked(now=now) for look in _looks(model)))
    if abandoned and (claimed := claim(_abandoned(model.rows(), now), 1)):
        return claimed
    count = _take(_new(model.rows(), now), model.BATCH, token) if new else 0
    if oldest and count < model.BATCH and (oldest[0].attempts or not count):
        count += _take(_waiting(model.rows(), now), model.BATCH - count, token)
    return _read(model, token) if count else []


def claim(due: Rows, limit: int) -> list[Any]:
    """Take the oldest rows, for as long as a lease; those that others are just taking are left to them."""
    token = uuid.uuid4()
    return _read(due.model, token) if _take(due, limit, token) else []


def _take(due: Rows, limit: int, token: uuid.UUID) -> int:
    """How many rows have this token now."""
    model = due.model
    meta, running = model._meta, model.State.RUNNING
    oldest, parameters = due.order_by("next_attempt_at", "pk").values_list("pk")[:limit].query.sql_with_params()
    sql = CLAIM.format(
        table=connection.ops.quote_name(meta.db_table),
        key=connection.ops.quote_name(meta.pk.column),
        oldest=OLDEST[connection.vendor].format(oldest),
    )
    lease = {"lease_until": timezone.now() + model.LEASE, "lease_token": token}
    values = [meta.get_field(name).get_db_prep_value(value, connection) for name, value in lease.items()]
    with connection.cursor() as cursor:
        cursor.execute(sql, [running, running, *values, *parameters])
        return int(cursor.rowcount)


def _read(model: Jobs, token: uuid.UUID) -> list[Any]:
    return ask(*_limits(model.LEASE), _claimed(model).asked(token=token))[-1]


def _limits(lease: timedelta) -> list[Asked]:
    """What is set together with the next statement. SQLite has one lock for all, without which nobody claims either."""
    milliseconds = lease.total_seconds() * 1000 / WAITS_IN_A_LEASE
    return [Asked(LOCK_WAIT.format(milliseconds), [])] if connection.vendor == "postgresql" else []


def give_back(job: Jobs) -> None:
    """Leave this row, and those that were claimed with it and are not done, to whoever claims them next.

    They were not begun, which is no attempt. But what was tried together with others stays one that was tried.
    """
    rows = type(job)._default_manager.filter(state=job.State.RUNNING, lease_token=job.lease_token)
    before = Greatest(F("attempts") - 1, 1)
    rows.update(state=job.State.WAITING, attempts=before, lease_until=None, lease_token=None)


@cache
def _looks(model: Jobs) -> list[Statement[Any]]:
    """Whether rows were abandoned, whether some are new, and the one that is due for longest."""
    now = example(model, "next_attempt_at", datetime(2000, 1, 1, tzinfo=UTC))
    return [
        Statement(lambda now: _abandoned(model.rows(), now).order_by().only("pk")[:1], now=now),
        Statement(lambda now: _new(model.rows(), now).order_by().only("pk")[:1], now=now),
        Statement(lambda now: _waiting(model.rows(), now).order_by("next_attempt_at").only("attempts")[:1], now=now),
    ]


@cache
def _claimed(model: Jobs) -> Statement[Any]:
    return Statement(
        lambda token: model._default_manager.filter(state=model.State.RUNNING, lease_token=token).order_by(
            "attempts", "next_attempt_at", "pk"
        ),
        token=example(model, "lease_token", uuid.UUID(int=1)),
    )
