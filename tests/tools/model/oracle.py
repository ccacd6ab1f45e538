"""What an archive must know after all that happened: lists, and no code of the program.

Times are hours from a start. A look is what was readable at an origin at a time; versions are the
runs of equal text among the looks of an article, in order of time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

REDACTED, FOREVER = b"redacted".hex(), float("inf")
Capture = tuple[str, int, float, tuple[str, str]]
"""Origin, text, hour and order of a capture."""
Answer = tuple[float, bool]
"""An answer of an address: its hour, and whether it reserved its rights."""
Spell = tuple[float | None, float, float, float | None, int]
"""Last hour without something, first and last with it, first without it, and their number."""
Written = tuple[int, int, tuple[str, str]]
"""What was written to a file: a number that tells equal contents apart, text and order."""
Copied = tuple[str, float, int]
"""A page that another archive copied: its origin, hour and text, or version."""
Shown = tuple[str, str]
"""A teaser of a front page: the address to which it links, and its headline."""


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


@dataclass
class File:
    """A watched file; what is written is new to the archive even if it is the same."""

    origin: str
    written: Written
    is_new: bool = True
    is_taken: bool = False
    read: float = 0.0


@dataclass
class Oracle:
    """The looks at each origin, the watched files, and what was ordered about texts."""

    blogs: Mapping[int, dict[int, str]] = field(default_factory=dict)
    """The entries of the texts of live blogs."""
    quiet: frozenset[frozenset[int]] = frozenset()
    """Pairs of texts between which a step is noise."""
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
    stored: list[int] = field(default_factory=list)
    """The texts in the order in which they were first taken."""
    restricted: set[str] = field(default_factory=set)
    relations: set[frozenset[str]] = field(default_factory=set)
    undone: set[frozenset[str]] = field(default_factory=set)
    """The relations that were undone; they do not come again."""
    merged: list[Capture] = field(default_factory=list)
    copies: list[Copied] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)
    """The origins that were redacted themselves."""
    matched: float = 0.0
    """Until when changes were reported."""
    reported: set[tuple[str, int, int]] = field(default_factory=set)
    """The reported changes: origin, text, and how many versions had this text until then."""
    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    fronts: list[tuple[float, list[Shown]]] = field(default_factory=list)
    """The teasers of a front page at each hour at which it was captured."""
    emptied: set[Shown] = field(default_factory=set)
    """Those that were redacted; they do not come again."""
    instead: dict[int, tuple[int, str]] = field(default_factory=dict)
    """The text, and its digest, that stands for a text since a passage of it was redacted."""
    noise: dict[frozenset[int], float] = field(default_factory=dict)
    """Pairs of texts of which a step was found that is noise, and until when: it is undone then."""

    def scan(self, now: float) -> None:
        """Look at every file at once."""
        for _name, file in sorted(self.files.items()):
            _number, text, order = file.written
            if file.is_new:
                file.is_new, file.read = False, now
                file.is_taken = self.see(file.origin, text, now, order, now)
            elif file.is_taken:
                look = Look(now, text, order, now, file.read)
                self.looks[file.origin].append(self._rewritten(look))
        for name in self.listed - self.files.keys():
            self.absences[self.taken[name]].append(now)
        self.taken |= {name: f.origin for name, f in self.files.items() if f.is_taken}
        self.listed = self.files.keys() & self.taken.keys()

    def see(self, origin: str, text: int, at: float, order: tuple[str, str], known: float) -> bool:
        """Take in one text that was readable at an hour; return whether it was taken."""
        if text in self.redacted | self.instead.keys() or origin in self.erased:
            return False
        if text not in self.stored:
            self.stored.append(text)
        if text not in self.texts(origin):
            self._relate(origin, text)
        look = Look(at, text, order, known, known)
        if look not in self.looks[origin]:
            self.looks[origin].append(look)
            for a, b in pairwise(self._in_order(origin)):
                if (pair := frozenset((a.text, b.text))) in self.quiet:
                    self.noise.setdefault(pair, FOREVER)
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

    def redact(self, texts: set[int], *, with_teasers: bool = True) -> None:
        """Remove texts wherever they are; with whole articles, also all teasers of these."""
        if with_teasers:
            gone = {origin for origin in self.looks if texts & self.texts(origin)}
            self.emptied |= {each for _, shown in self.fronts for each in shown if each[0] in gone}
        self.redacted |= texts
        self.erasures += 1

    def redact_passage(self, text: int, instead: int, digest: str) -> None:
        """Put another text in the place of one with a passage; that one does not come again."""
        self.instead[text] = instead, digest
        self.stored.append(instead)
        self.erasures += 1
        for looks in self.looks.values():
            looks[:] = map(self._rewritten, looks)
        self.copies = [(o, at, instead if t == text else t) for o, at, t in self.copies]

    def _rewritten(self, look: Look) -> Look:
        text, digest = self.instead.get(look.text, (look.text, look.order[0]))
        return replace(look, text=text, order=(digest, look.order[1]))

    def front(self, at: float, shown: Iterable[Shown]) -> None:
        gone = self.erased | self.emptied
        self.fronts.append((at, [each for each in shown if not gone & {each, each[0]}]))

    def match(self, now: float) -> None:
        """Report the changes that were read since the last time."""
        for origin in self.origins():
            texts: list[int] = []
            for run in [] if origin in self.restricted else self._runs(origin):
                texts.append(run[0].text)
                events = {*self._events(*texts[-2:]).values()} if texts[1:] else set()
                is_edit = events & {"edited", "removed"} or texts.count(texts[-1]) > 1
                is_known = not self.redacted & {*texts[-2:]}
                if is_edit and is_known and run[0].read > self.matched:
                    self.reported.add((origin, texts[-1], texts.count(texts[-1])))
        self.matched = now

    def origins(self) -> list[str]:
        return sorted(each for each in self.looks.keys() - self.erased if self.looks[each])

    def texts(self, origin: str) -> set[int]:
        return {look.text for look in self.looks.get(origin, [])}

    def shown(self, origin: str, text: int) -> int | None:
        return None if text in self.redacted or origin in self.restricted else text

    def versions(self, origin: str, *clocks: float) -> list[Version]:
        """Return the versions of an article by the looks until a time, told until a time."""
        runs = self._runs(origin, *clocks)
        return [
            Version(self.shown(origin, run[0].text), old and old[-1].at, run[0].at, run[-1].at)
            for old, run in zip([None, *runs], runs, strict=False)
        ]

    def _runs(self, origin: str, as_of: float = 1e9, known_at: float = 1e9) -> list[list[Look]]:
        runs: list[list[Look]] = []
        for look in self._in_order(origin, as_of, known_at):
            last = runs[-1][-1].text if runs else -1
            if last == look.text or self.noise.get(frozenset((last, look.text)), 0.0) > known_at:
                runs[-1].append(look)
            else:
                runs.append([look])
        return runs

    def _in_order(self, origin: str, as_of: float = 1e9, known_at: float = 1e9) -> list[Look]:
        looks = [each for each in self.looks[origin] if each.at <= as_of and each.known <= known_at]
        return sorted(looks, key=lambda look: (look.at, self._order(look)))

    def reports(self) -> set[tuple[str, int, int]]:
        """Return the reported changes whose text and address are still there."""
        gone = self.redacted | self.instead.keys()
        return {each for each in self.reported if not {*each[:2]} & (gone | self.erased)}

    def rights(self) -> set[tuple[str, Spell]]:
        """Return the intervals in which the answers of an address reserved its rights."""
        return {
            (origin, spell)
            for origin, answers in self.answers.items()
            if origin not in self.restricted | self.erased
            for spell in spells(sorted(answers, key=lambda each: each[0]))
        }

    def entries(self, origin: str) -> set[tuple[int, int, str]]:
        """Return what happened to the entries of a live blog: version, entry, event."""
        texts = [version.text for version in self.versions(origin)]
        return {
            (number, entry, event)
            for number, (a, b) in enumerate(zip([-1, *texts], texts, strict=False), start=1)
            if a is not None and b is not None
            for entry, event in self._events(a, b).items()
        }

    def _events(self, a: int, b: int) -> dict[int, str]:
        before, after = self.blogs.get(a, {}), self.blogs.get(b, {})
        if not after:
            return {0: "edited"}
        kept, new = before.keys() & after.keys(), after.keys() - before.keys()
        oldest = min(kept, default=99)
        way = "hidden" if not kept or max(new, default=0) > oldest else "removed"
        gone = {n: way if n < oldest else "removed" for n in before.keys() - kept}
        edited = [n for n in kept if before[n] != after[n]]
        return gone | dict.fromkeys(edited, "edited") | dict.fromkeys(new, "added")

    def copied(self) -> set[Copied]:
        """Return the pages that other archives copied: origin, hour and number of the version."""
        return {
            (origin, at, number)
            for origin, at, text in self.copies
            if origin not in self.erased and self.shown(origin, text) is not None
            for number, run in enumerate(self._runs(origin), start=1)
            if (at, text) in {(look.at, look.text) for look in run}
        }

    def stays(self) -> set[tuple[Shown, Spell]]:
        """Return how long which teasers were shown."""
        in_order = sorted(self.fronts, key=lambda each: each[0])
        return {
            (teaser, spell)
            for teaser in {each for _, shown in in_order for each in shown} - self.emptied
            if teaser[0] not in self.restricted | self.erased
            for spell in spells((at, teaser in shown) for at, shown in in_order)
        }

    def _order(self, look: Look) -> tuple[str, str]:
        """Return what decides between looks of one moment: digests, or the number that is left."""
        if look.text not in self.redacted:
            return look.order
        return f"{REDACTED}{self.stored.index(look.text):09}", look.order[1]

    def state(self, origin: str) -> str:
        """Return the state by the latest look at, or absence of, an article."""
        if origin in self.restricted:
            return "restricted"
        gone = max(self.absences[origin], default=-1.0)
        return "gone" if gone > max(look.at for look in self.looks[origin]) else "present"

    def clusters(self) -> set[frozenset[str]]:
        """Return the groups of articles that are related."""
        groups = [{origin} for origin, looks in self.looks.items() if looks]
        for pair in self.relations - self.undone:
            joined = set().union(*(group for group in groups if group & pair))
            groups = [joined, *(group for group in groups if not group & pair)]
        shown = [frozenset(group - self.erased) for group in groups]
        return {group for group in shown if len(group) > 1}


def spells(in_order: Iterable[tuple[float, bool]]) -> Iterator[Spell]:
    """Yield the runs of hours with something."""
    runs = [list(run) for _, run in groupby(in_order, key=lambda each: each[1])]
    for before, run, after in zip([None, *runs], runs, [*runs[1:], None], strict=False):
        if run[0][1]:
            yield before and before[-1][0], run[0][0], run[-1][0], after and after[0][0], len(run)
