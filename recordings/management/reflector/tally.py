"""What came of the rows of a table, to be told as one line of a report."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

EXAMPLES = 3  # of what cannot come for the same reason
EXAMPLE_CHARACTERS = 60


@dataclass
class Notes:
    """Reasons, how many rows each is of, and some of these."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, label: str) -> None:
        self.counts[reason] += 1
        found = self.examples.setdefault(reason, [])
        if len(found) < EXAMPLES:
            found.append(label[:EXAMPLE_CHARACTERS])

    def lines(self) -> Iterator[str]:
        for reason, count in self.counts.most_common():
            shown = ", ".join(self.examples[reason])
            yield f"{count}: {reason} ({shown}{', …' if count > EXAMPLES else ''})"


@dataclass
class Tally:
    name: str
    new: int = 0
    here: int = 0  # already, and left as they are
    differ: int = 0  # of those: they are not as they are there, as somebody changed them since
    deleted: int = 0  # here, since they came
    left_out: Notes = field(default_factory=Notes)
    lacking: Notes = field(default_factory=Notes)  # of rows that come, what does not come with them

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.new, self.here, self.differ, self.deleted, self.left_out.counts.total()


def table_of(tallies: list[Tally], is_dry_run: bool) -> Iterator[str]:
    heads = ("to come" if is_dry_run else "new", "here already", "of these, other", "deleted here", "cannot come")
    yield f"{'':<12}" + "".join(f"{head:>16}" for head in heads)
    for tally in tallies:
        yield f"{tally.name:<12}" + "".join(f"{number:>16,}" for number in tally.numbers)
    for tally in tallies:
        for title, notes in (("cannot come", tally.left_out), ("come without", tally.lacking)):
            if notes.counts:
                yield f"{tally.name.capitalize()} that {title}:"
                yield from (f"  {line}" for line in notes.lines())
