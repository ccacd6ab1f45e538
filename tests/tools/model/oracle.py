"""What an archive must know after all that happened: lists, and no code of the program.

Times are hours from a start. A look is what was readable at an origin at a time; versions are the
runs of equal text among the looks of an article, in order of time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, pairwise

REDACTED = b"redacted".hex()
Capture = tuple[str, int, float, tuple[str, str]]
"""Origin, text, hour and order of a capture."""

Answer = tuple[float, bool]
"""An answer of an address: its hour, and whether it reserved its rights."""
Declared = tuple[str, float | None, float, float, float | None, int]
"""A declaration: origin, last hour without it, first and last with it, first without, answers."""


@dataclass(frozen=True)
class Look:
    """A text that was readable at an hour; `order` decides between looks of one moment."""

    at: float
    text: int
    order: tuple[str, str]
    known: float
    """When the archive was told."""
    read: float
    """When the capture was read that shows it; scans confirm earlier ones."""


@dataclass(frozen=True)
class Version:
    """A run of looks; `text` is None where it may not be shown."""

    text: int | None
    changed_after: float | None
    changed_by: float
    last_seen: float


@dataclass(frozen=True)
class Written:
    """What was written to a file; the number tells equal contents apart."""

    number: int
    text: int
    order: tuple[str, str]


@dataclass
class File:
    """A file that is watched."""

    origin: str
    written: Written
    is_new: bool = True
    is_taken: bool = False
    read: float = 0.0


@dataclass
class Oracle:
    """The looks at each origin, the watched files, and what was ordered about texts."""

    looks: dict[str, list[Look]] = field(default_factory=lambda: defaultdict(list))
    absences: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When scans found for the first time that a file was no longer there."""
    files: dict[str, File] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    """The origins of the files from which a text was ever taken."""
    listed: set[str] = field(default_factory=set)
    """Those of them that the last scan found."""
    redacted: set[int] = field(default_factory=set)
    erasures: int = 0
    """How often texts or bytes were erased."""
    stored: list[int] = field(default_factory=list)
    """The texts in the order in which they were first taken."""
    restricted: set[str] = field(default_factory=set)
    relations: set[frozenset[str]] = field(default_factory=set)
    undone: set[frozenset[str]] = field(default_factory=set)
    """The relations that were undone; they do not come again."""
    merged: list[Capture] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)
    """The origins that were redacted themselves."""
    matched: float = 0.0
    """Until when changes were reported."""
    reported: set[tuple[str, int, int]] = field(default_factory=set)
    """The reported changes: origin, text, and how many versions had this text until then."""
    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))

    # ------------------------------------------------------------------- what happens

    def write(self, name: str, origin: str, written: Written) -> None:
        """Write a file, whose content is new to the archive even if it is the same."""
        self.files[name] = File(origin, written)

    def remove(self, name: str) -> None:
        del self.files[name]

    def scan(self, now: float) -> None:
        """Look at every file at once."""
        for _name, file in sorted(self.files.items()):
            text, order = file.written.text, file.written.order
            if file.is_new:
                file.is_new, file.read = False, now
                file.is_taken = self.see(file.origin, text, now, order, now)
            elif file.is_taken:
                self.looks[file.origin].append(Look(now, text, order, now, file.read))
        for name in self.listed - self.files.keys():
            self.absences[self.taken[name]].append(now)
        self.taken |= {name: f.origin for name, f in self.files.items() if f.is_taken}
        self.listed = self.files.keys() & self.taken.keys()

    def see(self, origin: str, text: int, at: float, order: tuple[str, str], known: float) -> bool:
        """Take in one text that was readable at an hour; return whether it was taken."""
        if text in self.redacted or origin in self.erased:
            return False
        if text not in self.stored:
            self.stored.append(text)
        if text not in self.texts(origin):
            self._relate(origin, text)
        look = Look(at, text, order, known, known)
        if look not in self.looks[origin]:
            self.looks[origin].append(look)
        return True

    def _relate(self, origin: str, text: int) -> None:
        """Relate an article to the one that was first in the archive with the same text."""
        self.looks[origin]  # in the archive from now on
        holders = [each for each in self.looks if each != origin and text in self.texts(each)]
        if holders:
            self.relations.add(frozenset((origin, holders[0])))

    def merge(self, captures: Iterable[Capture], known: float) -> None:
        """Take in the captures of another archive, each once."""
        for capture in captures:
            if capture not in self.merged:
                self.merged.append(capture)
                self.see(*capture, known)

    def redact(self, texts: set[int]) -> None:
        """Remove texts wherever they are."""
        self.redacted |= texts
        self.erasures += 1

    def match(self, now: float) -> None:
        """Report the changes that were read since the last time."""
        for origin in self.origins():
            runs = [] if origin in self.restricted else self._runs(origin)
            seen: list[int] = []
            for number, run in enumerate(runs):
                text = run[0].text
                seen.append(text)
                is_known = not self.redacted & {*seen[-2:]}
                if number and is_known and run[0].read > self.matched:
                    self.reported.add((origin, text, seen.count(text)))
        self.matched = now

    # ---------------------------------------------------------------- what is known

    def origins(self) -> list[str]:
        """Return the origins of all articles."""
        return sorted(
            origin for origin, looks in self.looks.items() if looks and origin not in self.erased
        )

    def texts(self, origin: str) -> set[int]:
        return {look.text for look in self.looks.get(origin, [])}

    def shown(self, origin: str, text: int) -> int | None:
        return None if text in self.redacted or origin in self.restricted else text

    def versions(
        self, origin: str, as_of: float = float("inf"), known_at: float = float("inf")
    ) -> list[Version]:
        """Return the versions of an article by the looks until a time, told until a time."""
        runs = self._runs(origin, as_of, known_at)
        before = [None, *(run[-1].at for run in runs)]
        return [
            Version(self.shown(origin, run[0].text), before[n], run[0].at, run[-1].at)
            for n, run in enumerate(runs)
        ]

    def _runs(
        self, origin: str, as_of: float = float("inf"), known_at: float = float("inf")
    ) -> list[list[Look]]:
        looks = sorted(
            (look for look in self.looks[origin] if look.at <= as_of and look.known <= known_at),
            key=lambda look: (look.at, self._order(look)),
        )
        return [list(run) for _text, run in groupby(looks, key=lambda look: look.text)]

    def reports(self) -> set[tuple[str, int, int]]:
        """Return the reported changes whose text and address are still there."""
        return {
            (origin, text, number)
            for origin, text, number in self.reported
            if text not in self.redacted and origin not in self.erased
        }

    def rights(self) -> set[Declared]:
        """Return the intervals in which the answers of an address reserved its rights."""
        found = set()
        for origin, answers in self.answers.items():
            if origin in self.restricted or origin in self.erased:
                continue
            in_order = sorted(answers, key=lambda each: each[0])
            runs = [list(run) for _, run in groupby(in_order, key=lambda each: each[1])]
            for n, run in enumerate(runs):
                if run[0][1]:
                    before = runs[n - 1][-1][0] if n else None
                    after = runs[n + 1][0][0] if n + 1 < len(runs) else None
                    found.add((origin, before, run[0][0], run[-1][0], after, len(run)))
        return found

    def _order(self, look: Look) -> tuple[str, str]:
        """Return what decides between looks of one moment: digests, or the number that is left."""
        if look.text not in self.redacted:
            return look.order
        return f"{REDACTED}{self.stored.index(look.text):09}", look.order[1]

    def state(self, origin: str) -> str:
        """Return the state by the latest look at, or absence of, an article."""
        if origin in self.restricted:
            return "restricted"
        last = max(look.at for look in self.looks[origin])
        gone = max(self.absences[origin], default=-1.0)
        return "gone" if gone > last else "present"

    def clusters(self) -> set[frozenset[str]]:
        """Return the groups of articles that are related."""
        groups = [{origin} for origin, looks in self.looks.items() if looks]
        for pair in self.relations - self.undone:
            joined = [group for group in groups if group & pair]
            groups = [group for group in groups if not group & pair]
            groups.append(set().union(*joined))
        shown = [frozenset(group - self.erased) for group in groups]
        return {group for group in shown if len(group) > 1}


def changes(versions: list[Version]) -> Iterator[tuple[int, Version, Version]]:
    """Yield the number of each version but the first, with the one before."""
    for number, (a, b) in enumerate(pairwise(versions), start=2):
        yield number, a, b
