"""What a text tells of the names in it: which are persons, and whether of women or men."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import chain, compress, count

from worker.text.annotate.cues_english import VERBS as ENGLISH_VERBS
from worker.text.annotate.cues_german import VERBS as GERMAN_VERBS
from worker.text.annotate.speaker.first_names import FIRST_NAMES, tell_gender
from worker.text.annotate.speaker.german_words import NO_SPEAKER, noun_kinds

_ENGLISH_OPENERS = frozenset(
    "The A An On In At After During Before Last Earlier But And Yet Still When While As If"  # noqa: SIM905
    " For With To From By He She They It We I His Her Their Its This That These Those There"
    " Here What How Why Where Who However Meanwhile Then Later Also So Asked Speaking"
    " According Although Though Since Because Despite Under Not Now Today Monday Tuesday"
    " Wednesday Thursday Friday Saturday Sunday January February March April May June July"
    " August September October November December Our My Your You Most All Both Even Just Like"
    " Once Some Many One Two Or Yes No Mr Mrs Ms Dr Sen Rep Gov".split()
)
OPENERS = NO_SPEAKER | _ENGLISH_OPENERS | {"Er", "Sie", "Es", "Wir", "Ich", "Man", "Uns"}
_ROLE_ENDINGS = (
    "er", "or", "ist", "man", "ent", "ian", "ess", "ant", "ive", "ary", "chief", "coach", "star",
    "head",
)  # fmt: skip
_PAIR = re.compile(
    r"(?=\b([A-ZÀ-Þ][\w-]{1,40})\.? (?:von |van |de )?([A-ZÀ-ÞŁŠŽČĆĐİ][\w’'-]{1,40}))"
)
TITLES = frozenset("Mr Mrs Ms Miss Dr Prof Herr Frau Herrn Sen Rep Gov".split())  # noqa: SIM905


@lru_cache(maxsize=4)
def known_persons(text: str) -> frozenset[str]:
    """Return the last names that a first name, a title or a role precedes somewhere in a text.

    >>> sorted(known_persons("Herr Bo Lind traf die Ministerin Kern im Rathaus."))
    ['Kern', 'Lind']
    """
    return frozenset(
        last
        for first, last in _PAIR.findall(text)
        if (first in FIRST_NAMES or first in TITLES or "person" in noun_kinds(first))
        and first not in OPENERS
        and last not in FIRST_NAMES
        and not noun_kinds(last)
    )


_MARKS = ".,;:!?()[]§–—-„“”\"'‚‘’»«›‹…"
_MAX_LENGTH = 20_000
_PLACE_WORDS = frozenset({"in", "near", "across", "aus", "nach", "throughout"})
_THE = frozenset({"the", "The", "this", "a", "an", "das", "des"})
_SUFFIXES = frozenset({"Jr", "Sr"})
_FEMALE_TITLES = frozenset({"Mrs", "Ms", "Miss", "Frau"})
_MALE_TITLES = frozenset({"Mr", "Herr", "Herrn"})
GENDERS = frozenset({"female", "male"})
MAIN_PERSON = "main person"
PERSONAL = frozenset({"named in full", "titled", "said", "who", "shortened"})
"""The signs of a person."""
_AT_PLACE = (
    "named in full", "titled", "behind a role", "said", "who", "female", "male", "place", "the",
)  # fmt: skip
"""The signs at one place of a name."""
_FEW, _OFTEN, _SHARE = 2, 4, 0.3
_MAX_KNOWN, _MAX_KNOWN_LENGTH = 30_000, 40


class _LastNames(dict[str, str]):
    """The last name that each word of a text may be: an empty text if it is part of no name."""

    def __missing__(self, word: str) -> str:
        name = "" if word[0].islower() else word.strip(_MARKS)
        is_part = name[:1].isupper() and name not in OPENERS
        last = name.removesuffix("'s").removesuffix("’s") if is_part else ""
        if len(self) >= _MAX_KNOWN:
            self.clear()
        if len(word) <= _MAX_KNOWN_LENGTH:
            self[word] = last
        return last


_LAST_NAMES = _LastNames()


class NameSigns:
    """The names in a text by their last words, with the signs at all of their places.

    >>> NameSigns("Ann Lee left. Lee said so. In Ukraine.", "en").signs("Lee")
    ('female', 'main person', 'named', 'named in full', 'said', 'shortened')
    """

    def __init__(self, text: str, language: str) -> None:
        self._words = text[:_MAX_LENGTH].split()
        self._verbs = GERMAN_VERBS if language == "de" else ENGLISH_VERBS
        self._lasts = [*map(_LAST_NAMES.__getitem__, self._words)]
        self._positions: dict[str, list[int]] = defaultdict(list)
        self._own_signs: dict[str, tuple[str, ...]] = {}
        self._signs: dict[str, tuple[str, ...]] = {}

    def signs(self, name: str) -> tuple[str, ...]:
        """Return the signs of a last name."""
        if name not in self._signs:
            found = self.own_signs(name)
            is_main = self.is_main_person(name)
            self._signs[name] = tuple(sorted((*found, MAIN_PERSON))) if is_main else found
        return self._signs[name]

    def own_signs(self, name: str) -> tuple[str, ...]:
        """Return the signs of a last name that need no other name of the text."""
        if name not in self._own_signs:
            places = self._places(self._positions_of(name))
            found = self._found(name, places) if places else {"nowhere"}
            self._own_signs[name] = tuple(sorted(found))
        return self._own_signs[name]

    def is_main_person(self, name: str) -> bool:
        """Check whether a last name is that of the person whom the text names most often."""
        is_single = not {"nowhere", "named once"}.isdisjoint(self.own_signs(name))
        return not is_single and name == self._main_person

    def is_common(self, word: str) -> bool:
        """Check whether the text has a word in small letters, too."""
        return word.casefold() in self._all_words

    def _positions_of(self, name: str) -> Iterable[int]:
        """Return which words are a last name: most texts are asked for few names."""
        if self._positions or not name:
            return self._positions.get(name, ())
        found, at, lasts = [], -1, self._lasts
        for _ in range(lasts.count(name)):
            at = lasts.index(name, at + 1)
            found.append(at)
        return found

    def _places(self, positions: Iterable[int]) -> list[tuple[int, int]]:
        """Return where each name with a last name at these words starts, and where it ends."""
        places = []
        for at in positions:
            last = at + self._is_continued(at)
            is_part = last > at or self._is_continued(at - 1)
            has_suffix = is_part and self._words[last].strip(_MARKS) in _SUFFIXES
            if last - has_suffix != at or self._is_continued(last):
                continue
            start = at
            while self._is_continued(start - 1):
                start -= 1
            places.append((start, at + 1))
        return places

    def _is_continued(self, at: int) -> bool:
        """Check whether the name that a word is part of has a next word."""
        lasts, words = self._lasts, self._words
        if not (0 <= at < len(words) - 1 and lasts[at] and lasts[at + 1]):
            return False
        word = words[at].strip(_MARKS) if words[at][-1] in _MARKS else ""
        return words[at + 1][0].isupper() and (len(word) < 2 or word in TITLES)

    @cached_property
    def _all_words(self) -> frozenset[str]:
        return frozenset(self._words)

    @cached_property
    def _main_person(self) -> str | None:
        """Return the person who is named most often, at least a few times."""
        positions = self._positions
        for at in compress(count(), self._lasts):
            positions[self._lasts[at]].append(at)
        often = sorted(
            (-len(each), each[0], name) for name, each in positions.items() if len(each) >= _FEW
        )
        best, main_person = (1 - _FEW, 0), None
        for most, _, name in often:
            if most > best[0]:
                break
            places = self._places(positions[name])
            rank = (-len(places), places[0][0] if places else 0)
            if rank < best and self._is_personal(places):
                best, main_person = rank, name
        return main_person

    def _is_personal(self, places: Sequence[tuple[int, int]]) -> bool:
        return _is_shortened(places) or any(
            not PERSONAL.isdisjoint(self._at(*each)) for each in places
        )

    def _found(self, name: str, places: Sequence[tuple[int, int]]) -> set[str]:
        signs = Counter(chain.from_iterable(self._at(*each) for each in places))
        number = len(places)
        found = signs.keys() - {"place", "the", *GENDERS}
        found.add("named once" if number == 1 else "named often" if number > _OFTEN else "named")
        found |= {each for each in ("place", "the") if signs[each] >= _SHARE * number}
        if _is_shortened(places):
            found.add("shortened")
        balance = signs["female"] - signs["male"]
        if balance:
            found.add("female" if balance > 0 else "male")
        if self.is_common(name):
            found.add("common word")
        return found

    def _at(self, start: int, end: int) -> Iterable[str]:
        """Return the signs at one place of a name."""
        words, named = self._words, [each.strip(_MARKS) for each in self._words[start:end]]
        before = words[start - 1] if start and words[start][0].isupper() else ""
        before = before.removesuffix(".") if before.removesuffix(".") in TITLES else before
        after = words[end].strip(_MARKS) if end < len(words) else ""
        mark = words[end - 1][-1]
        around = (before, *named)
        gender = tell_gender_of_name(named)
        marks = (
            not FIRST_NAMES.isdisjoint(named[:-1]),
            not TITLES.isdisjoint(around),
            before.endswith(_ROLE_ENDINGS) or "person" in noun_kinds(before),
            (after in self._verbs and mark not in _MARKS) or before in self._verbs,
            after == "who" and mark not in ".;:",
            gender == "f" or not _FEMALE_TITLES.isdisjoint(around),
            gender == "m" or not _MALE_TITLES.isdisjoint(around),
            before in _PLACE_WORDS,
            before in _THE,
        )
        return compress(_AT_PLACE, marks)


def _is_shortened(places: Sequence[tuple[int, int]]) -> bool:
    """Check whether a name occurs with and without a word before it."""
    return len({end - start > 1 for start, end in places}) > 1


@lru_cache(maxsize=4)
def read_names(text: str, language: str) -> NameSigns:
    """Return what a text tells of its names, cached for its quotations."""
    return NameSigns(text, language)


def tell_gender_of_name(words: Sequence[str]) -> str:
    """Return f or m for the words of a name; a single word counts if it is a common first name."""
    firsts = words[:-1] or [word for word in words if word in FIRST_NAMES]
    return next(filter(None, map(tell_gender, reversed(firsts))), "")
