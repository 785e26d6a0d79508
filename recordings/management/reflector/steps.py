"""One table after the other: some rows at a time, each time in a transaction of its own."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar
from uuid import UUID

from django.db import DataError, IntegrityError, models, reset_queries, transaction

from recordings.management.reflector.source import Row, Source, Table
from recordings.management.reflector.tally import Tally
from recordings.management.reflector.values import key_of, text
from recordings.models import ImportedRow

LONGEST_ID = 255
WAITS = "what it belongs to does not come either"
REFUSED = "the database does not take it: {}"


class LeftOut(Exception):
    """Why a row does not come."""


class Step:
    """What is brought of one table. A row that came once is left as it is, whatever became of it here."""

    kind: ClassVar[ImportedRow.Kind]
    model: ClassVar[type[models.Model]]
    table: ClassVar[Table]
    order: ClassVar[Sequence[str]]
    also: ClassVar[Sequence[str]] = ()
    size: ClassVar[int] = 200  # rows at a time

    def __init__(self, source: Source, is_dry_run: bool, before: Sequence["Step"] = ()) -> None:
        self.source, self.is_dry_run = source, is_dry_run
        self.tally = Tally(f"{self.kind}s")
        self.left_out: set[str] = set()
        self._before = {step.kind: step for step in before}
        self._found: dict[str, dict[str, UUID | None]] = {}

    # What each table has of its own

    def look(self, rows: Sequence[Row]) -> None:
        """At what several rows need, at once."""

    def find_here(self, row: Row) -> UUID | None:
        """The row here that came in another way, as from the platform itself."""
        return None

    def plan(self, row: Row) -> Any:
        """What `write` needs; nothing is stored yet. Raises LeftOut."""
        raise NotImplementedError

    def write(self, pk: UUID, plan: Any) -> None:
        raise NotImplementedError

    def differs(self, stored: Any, row: Row) -> bool:
        """Whether what is here is not as it is there, in what people change."""
        return False

    def label(self, row: Row) -> str:
        """By which people know it."""
        return text(row["id"])

    # The same for all

    def run(self, step: Callable[[], None] = lambda: None) -> None:
        """`step` is called for each row."""
        for rows in self.source.rows(self.table, self.size, self.order, self.also_read()):
            with self._together():
                self._bring_all(rows)
            reset_queries()  # with DEBUG, Django keeps what was sent to the database
            for _ in rows:
                step()

    def also_read(self) -> Sequence[str]:
        return self.also

    def refer(self, kind: ImportedRow.Kind, rows: Iterable[Row], name: str) -> None:
        """Find what the rows refer to by that column; see `referred`."""
        ids = {row[name] for row in rows if row.get(name)}
        model = self._before[kind].model
        known = dict(ImportedRow.objects.filter(kind=kind, source_id__in=ids).values_list("source_id", "row"))
        there = set(model._default_manager.filter(pk__in=known.values()).values_list("pk", flat=True))
        found: dict[str, UUID | None] = {key: pk if pk in there else None for key, pk in known.items()}
        if self.is_dry_run:
            found |= {key: key_of(kind, key) for key in ids - known.keys()}
        self._found[kind] = found

    def referred(self, kind: ImportedRow.Kind, source_id: str | None) -> UUID | None:
        """None for what was deleted, there or here. Raises LeftOut for what does not come, or not yet."""
        if not source_id:
            return None
        if source_id in self._before[kind].left_out:
            raise LeftOut(WAITS)
        return self._found[kind].get(source_id)

    def _together(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.is_dry_run else transaction.atomic()

    def _bring_all(self, rows: Sequence[Row]) -> None:
        ids = [row["id"] for row in rows]
        imported = ImportedRow.objects.filter(kind=self.kind, source_id__in=ids)
        known = dict(imported.values_list("source_id", "row"))
        keys = {row_id: known.get(row_id) or key_of(self.kind, row_id) for row_id in ids}
        stored = self.model._default_manager.in_bulk(list(keys.values()))
        self.look(rows)
        for row in rows:
            pk = keys[row["id"]]
            if pk in stored:
                self._keep(row, pk, row["id"] in known, self.differs(stored[pk], row))
            elif row["id"] in known:
                self.tally.deleted += 1
            elif here := self.find_here(row):
                self._keep(row, here, False, False)
            else:
                self._bring(row, pk)

    def _keep(self, row: Row, pk: UUID, is_known: bool, differs: bool) -> None:
        self.tally.here += 1
        self.tally.differ += differs
        if not is_known and not self.is_dry_run:
            self._remember(row, pk)

    def _bring(self, row: Row, pk: UUID) -> None:
        try:
            if len(row["id"]) > LONGEST_ID:
                raise LeftOut("its id is too long")
            plan = self.plan(row)
            if not self.is_dry_run:
                with transaction.atomic():
                    self.write(pk, plan)
                    self._remember(row, pk)
            self.tally.new += 1
        except LeftOut as reason:
            self._leave_out(row, str(reason))
        except (IntegrityError, DataError) as error:
            self._leave_out(row, REFUSED.format(type(error).__name__))

    def _remember(self, row: Row, pk: UUID) -> None:
        ImportedRow.objects.create(kind=self.kind, source_id=row["id"], row=pk)

    def _leave_out(self, row: Row, reason: str) -> None:
        self.left_out.add(row["id"])
        self.tally.left_out.add(reason, self.label(row))


def is_other(stored: Any, values: dict[str, Any]) -> bool:
    return any(getattr(stored, name) != value for name, value in values.items())
