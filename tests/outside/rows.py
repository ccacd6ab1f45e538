"""Commands with what they answer, and how they are run on both databases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.docs.test_documented import rows, section
from tests.outside.places import Both, Ended, Place

DOCUMENTED = {
    int(cells[0]) for cells in rows(section("commands.md", "Exit codes")) if cells[0].isdigit()
}


@dataclass(frozen=True)
class Row:
    """A command, its exit code, and what its answer contains.

    `before` changes the files or the values of a place; a `{word}` stands for one of its values.
    `into` is a file that the command writes, in which the words are then looked for too.
    """

    line: str
    says: str | tuple[str, ...]
    code: int = 0
    role: str = "worker"
    given: str = ""
    into: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[Place], object] | None = None

    def __str__(self) -> str:
        return ascii(self.line[:70])

    def run(self, place: Place) -> Ended:
        if self.before is not None:
            self.before(place)
        return place.lesart(self.line, self.role, self.given, **self.settings)

    def faults(self, place: Place, ended: Ended) -> list[str]:
        """Return what is wrong with the end of the command."""
        told = ended.told
        if self.into:
            file = place.folder / place.filled(self.into)
            told += (
                file.read_bytes().decode("utf-8", "replace") if file.exists() else "no such file"
            )
        expected = (self.says,) if isinstance(self.says, str) else self.says
        found = [
            f"it does not say {each!r}" for each in map(place.filled, expected) if each not in told
        ]
        if ended.code != self.code or ended.code not in DOCUMENTED:
            found.append(f"exit code {ended.code} instead of {self.code}")
        if "internal error" in told or "Traceback" in told:
            found.append("an internal error")
        if not found:
            return []
        return [
            *(f"{place.name}: {self.line}: {each}" for each in found),
            f"{ended.output[:1500]}{ended.messages[:1500]}",
        ]


@dataclass
class Course:
    """Rows in their order on both databases; a row runs after all rows before it."""

    both: Both
    rows: Sequence[Row]
    found: list[list[str]] = field(default_factory=list)

    def faults(self, number: int) -> list[str]:
        """Return what was wrong with a row, on either database."""
        while len(self.found) <= number:
            row = self.rows[len(self.found)]
            told = self.both.each(lambda place: _faults_of(row, place))  # noqa: B023  # it runs now
            self.found.append([each for faults in told.values() for each in faults])
        return self.found[number]


def _faults_of(row: Row, place: Place) -> list[str]:
    try:
        return row.faults(place, row.run(place))
    except AssertionError as error:  # what comes before it, or a value that it needs
        return [f"{place.name}: {error}"]


def names(rows: Sequence[Row]) -> list[str]:
    """Return the names of the tests of rows."""
    return [f"{number:03} {row}" for number, row in enumerate(rows)]
