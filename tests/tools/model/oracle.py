"""What an archive must know after all that happened: lists, and no code of the program.

Times are hours from a start. A look is what was readable at an origin at a time. An article is the
origins that lineages connect; its versions are the runs of equal text among its looks, in order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

REDACTED, FOREVER = b"redacted".hex(), float("inf")
NOW = (1e9, 1e9)  # no earlier time, neither of what was readable nor of what was told
Pair = frozenset[str]
Version = tuple[int | None, float | None, float, float]
"""Text, None if it may not be shown; last hour before it, first and last hour with it."""
Spell = tuple[float | None, float, float, float | None, int]
"""Last hour without something, first and last with it, first without it, and their number."""
Copied = tuple[str, float, int]  # what another archive copied: origin, hour, and text or version
Said = tuple[str, str]  # an address with the headline of a teaser, or that rights are reserved
Step = Callable[[int, int], set[str]]
"""Says what is between two texts: `noise`, `akin` if only the headline is equal, what an edit is."""


@dataclass(frozen=True, slots=True)
class Look:
    """A text that was readable at an hour; `order` decides between looks of one moment."""

    at: float
    text: int
    order: tuple[str, str]
    known: float  # when the archive was told
    read: float  # when the capture was read that shows it; scans confirm earlier ones


@dataclass
class File:
    """A watched file; what is written is new to the archive even if it is the same."""

    origin: str
    written: tuple[int, int, tuple[str, str]]  # a number, text and order
    is_new: bool = True
    is_taken: bool = False
    read: float = 0.0


@dataclass(eq=False)
class Article:
    origins: list[str]


class Oracle:
    """The looks at each origin, the watched files, and what was ordered about texts."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.looks: dict[str, list[Look]] = defaultdict(list)
        self.articles: list[Article] = []  # in the order in which they came into the archive
        self.lineages: set[Pair] = set()  # origins that are one article
        self.parted: set[Pair] = set()  # those that were undone; they do not come again
        self.absences: dict[str, list[float]] = defaultdict(list)  # first scans without a file
        self.files: dict[str, File] = {}
        self.taken: dict[str, str] = {}  # origins of the files from which a text was ever taken
        self.listed: set[str] = set()  # those of them that the last scan found
        self.there: set[str] = set()  # the files that the archive takes to be there
        self.missing: set[str] = set()  # those of them that a scan missed which was held back
        self.redacted: set[int] = set()
        self.erasures = 0
        self.stored: list[int] = []  # the texts in the order in which they were first taken
        self.restricted: set[str] = set()
        self.relations: set[Pair] = set()
        self.undone: set[Pair] = set()  # those that were undone; they do not come again
        self.copies: list[Copied] = []
        self.erased: set[str] = set()  # origins that were redacted themselves
        self.matched = 0.0  # until when changes were reported
        self.reported: set[tuple[Article, int, int]] = set()  # text, and for which time it came
        self.answers: dict[str, list[tuple[float, list[Said]]]] = defaultdict(list)
        self.emptied: set[Said] = set()  # what was redacted; it does not come again
        self.instead: dict[int, tuple[int, str]] = {}  # text and digest since a passage is redacted
        self.noise: dict[frozenset[int], float] = {}  # pairs of texts, and until when it is noise

    def scan(self, now: float) -> None:
        """Look at every file at once, unless all are missing for the first time."""
        if self._is_held_back():
            return
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

    def _is_held_back(self) -> bool:
        """Check whether the folder was emptied since the last scan; each scan is an hour later."""
        waiting = set() if self.files else self.there - self.missing
        if waiting and len(self.there) > 1:
            self.missing = self.there
            return True
        self.there, self.missing = {*self.files}, set()
        return False

    def refuses(self, origin: str, text: int) -> bool:
        return text in self.redacted | self.instead.keys() or origin in self.erased

    def see(self, origin: str, text: int, at: float, order: tuple[str, str], known: float) -> bool:
        """Take in one text that was readable at an hour; return whether it was taken."""
        if self.refuses(origin, text):
            return False
        if text not in self.stored:
            self.stored.append(text)
        own, look = self.of(origin) or self._begin(origin), Look(at, text, order, known, known)
        if (at, order) not in {(each.at, each.order) for each in self.looks[origin]}:
            holder = next((each for each in self.articles if text in self.texts(each)), own)
            pair = frozenset((self.name(own), self.name(holder)))
            self.looks[origin].append(look)
            in_order = self._in_order(own)
            place = in_order.index(look)
            beside = (*in_order[:place][-1:], *in_order[place + 1 :][:1])
            if holder is not own and text not in {each.text for each in beside}:
                self.relations.add(pair)
            for a, b in pairwise(each.text for each in in_order):
                if "noise" in self.step(a, b):
                    self.noise.setdefault(frozenset((a, b)), FOREVER)
        return True

    def _begin(self, *origins: str) -> Article:
        self.articles.append(Article([*origins]))
        return self.articles[-1]

    def move(self, origin: str, other: str, kind: str, text: int) -> None:
        """Join an address with another one that is said to be the same, if the texts agree."""
        pair, here, there = frozenset((origin, other)), self.of(origin), self.of(other)
        if self.refuses(origin, text) or pair in self.parted or (here and here is there):
            return
        if there is None and kind != "canonical":
            (here or self._begin(origin)).origins.append(other)
            self.lineages.add(pair)
        elif there is not None:
            last = [run[0].text for run in self._runs(there)][-1:] or [text]
            is_akin = kind != "canonical" and "akin" in self.step(last[0], text)
            if last == [text] or (is_akin and not self.redacted & {*last}):
                self.lineages.add(pair)
                self.regroup({*there.origins, *(here.origins if here else [origin])})

    def regroup(self, origins: set[str]) -> None:
        """Make one article of all of these origins that lineages connect."""
        mine = {self.name(each): each for each in self.articles if origins & {*each.origins}}
        for group in connected([{each} for each in origins], self.lineages - self.parted):
            kept = sorted((mine[n] for n in mine if n in group), key=lambda a: self._first(a)[0])
            self.articles = [each for each in self.articles if each not in kept[1:]]
            (kept[0] if kept else self._begin()).origins = sorted(group)

    def redact(self, texts: set[int], *, with_teasers: bool = True) -> None:
        """Remove texts wherever they are; with whole articles, also all teasers of these."""
        if with_teasers:
            gone = {o for each in self.articles if texts & self.texts(each) for o in each.origins}
            said = [each for those in self.answers.values() for _, said in those for each in said]
            self.emptied |= {each for each in said if each[0] in gone}
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

    def hear(self, address: str, at: float, said: Iterable[Said]) -> None:
        """Take in what an answer said about addresses."""
        gone = self.erased | self.emptied
        self.answers[address].append((at, [each for each in said if not gone & {each, each[0]}]))
        self.answers[address].sort(key=lambda each: each[0])

    def match(self, now: float) -> None:
        """Report the changes that were read since the last time."""
        for article in self.visible():
            texts: list[int] = []
            for run in [] if self.is_restricted(article) else self._runs(article):
                texts.append(run[0].text)
                step = self.step(*texts[-2:]) if texts[1:] else set()
                is_edit = step & {"edited", "removed"} or texts.count(texts[-1]) > 1
                if is_edit and not self.redacted & {*texts[-2:]} and run[0].read > self.matched:
                    self.reported.add((article, texts[-1], texts.count(texts[-1])))
        self.matched = now

    def of(self, origin: str) -> Article | None:
        return next((each for each in self.articles if origin in each.origins), None)

    def name(self, article: Article) -> str:
        return self._first(article)[2]

    def _first(self, article: Article) -> tuple[float, float, str]:
        """Return the hour of the first look, when it was told, and at which origin it was."""
        looks = [(e.at, e.known, origin) for origin in article.origins for e in self.looks[origin]]
        return min(looks, default=(FOREVER, 0.0, article.origins[0]))

    def visible(self) -> list[Article]:
        return [a for a in self.articles if self.texts(a) and not self.erased & {*a.origins}]

    def origins(self) -> list[str]:
        return sorted(origin for each in self.visible() for origin in each.origins)

    def is_restricted(self, article: Article | None) -> bool:
        return article is not None and bool(self.restricted & {*article.origins})

    def texts(self, article: Article) -> set[int]:
        return {look.text for origin in article.origins for look in self.looks[origin]}

    def versions(self, article: Article, clocks: tuple[float, float] = NOW) -> list[Version]:
        """Return the versions of an article by the looks until a time, told until a time."""
        runs = self._runs(article, clocks)
        hidden = self.texts(article) if self.is_restricted(article) else self.redacted
        texts = [None if run[0].text in hidden else run[0].text for run in runs]
        before = [None, *(run[-1].at for run in runs)]
        return [(t, at, r[0].at, r[-1].at) for t, at, r in zip(texts, before, runs, strict=False)]

    def _runs(self, article: Article, clocks: tuple[float, float] = NOW) -> list[list[Look]]:
        runs: list[list[Look]] = []
        for look in self._in_order(article, clocks):
            last = runs[-1][-1].text if runs else -1
            if last == look.text or self.noise.get(frozenset((last, look.text)), 0.0) > clocks[1]:
                runs[-1].append(look)
            else:
                runs.append([look])
        return runs

    def _in_order(self, article: Article, clocks: tuple[float, float] = NOW) -> list[Look]:
        looks = [look for origin in article.origins for look in self.looks[origin]]
        told = [each for each in looks if each.at <= clocks[0] and each.known <= clocks[1]]
        return sorted(told, key=lambda look: (look.at, self._order(look)))

    def _order(self, look: Look) -> tuple[str, str]:
        """Return what decides between looks of one moment: digests, or the number that is left."""
        if look.text not in self.redacted:
            return look.order
        return f"{REDACTED}{self.stored.index(look.text):09}", look.order[1]

    def reports(self) -> set[tuple[str, int, int]]:
        """Return the reported changes whose text and address are still there."""
        gone = self.redacted | self.instead.keys()
        kept = [each for each in self.reported if each[1] not in gone]
        return {(self.name(article), t, n) for article, t, n in kept if article in self.visible()}

    def copied(self) -> set[Copied]:
        """Return the pages that other archives copied: origin, hour and number of the version."""
        return {
            (origin, at, number)
            for origin, at, text in self.copies
            for article in self.visible()
            if origin in article.origins and not self.is_restricted(article)
            for number, run in enumerate(self._runs(article), start=1)
            if (at, text) in {(look.at, look.text) for look in run} and text not in self.redacted
        }

    def stays(self) -> set[tuple[Said, Spell]]:
        """Return how long the answers of an address said what."""
        return {
            (each, spell)
            for answers in self.answers.values()
            for each in {each for _, said in answers for each in said} - self.emptied
            if not (each[0] in self.erased or self.is_restricted(self.of(each[0])))
            for spell in spells((at, each in said) for at, said in answers)
        }

    def state(self, article: Article) -> str:
        """Return the state by the latest look at, or absence of, an article."""
        gone = max((at for origin in article.origins for at in self.absences[origin]), default=-1.0)
        is_gone = gone > self._in_order(article)[-1].at
        return "restricted" if self.is_restricted(article) else "gone" if is_gone else "present"

    def related(self) -> set[tuple[Pair, bool]]:
        """Return the articles of each relation, and whether it was undone."""
        names = {origin: self.name(each) for each in self.visible() for origin in each.origins}
        found = {(frozenset(map(names.get, pair)), pair in self.undone) for pair in self.relations}
        return {each for each in found if len(each[0] - {None}) > 1}

    def clusters(self) -> set[Pair]:
        """Return the groups of articles that are related."""
        pairs = self.relations - self.undone
        groups = connected([{*each.origins} for each in self.articles], pairs)
        names = {self.name(each): each.origins[0] for each in self.visible()}
        found = [frozenset(n for n, origin in names.items() if origin in each) for each in groups]
        return {each for each in found if len(each) > 1}


def connected(groups: list[set[str]], pairs: Iterable[Pair]) -> list[set[str]]:
    """Return the groups that remain when pairs connect some of them."""
    for pair in pairs:
        joined = set[str]().union(*(group for group in groups if group & pair))
        groups = [each for each in (joined, *(g for g in groups if not g & pair)) if each]
    return groups


def spells(in_order: Iterable[tuple[float, bool]]) -> Iterator[Spell]:
    """Yield the runs of hours with something."""
    runs = [list(run) for _, run in groupby(in_order, key=lambda each: each[1])]
    for before, run, after in zip([None, *runs], runs, [*runs[1:], None], strict=False):
        if run[0][1]:
            yield before and before[-1][0], run[0][0], run[-1][0], after and after[0][0], len(run)
