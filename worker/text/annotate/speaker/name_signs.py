"""What a text tells of the names in it: which are persons, and whether of women or men."""

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache

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
PERSONAL = frozenset({"named in full", "titled", "said", "who", "shortened"})
"""The signs of a person."""
_FEW, _OFTEN, _SHARE = 2, 4, 0.3


class NameSigns:
    """The names in a text by their last words, with the signs at all of their places.

    >>> NameSigns("Ann Lee left. Lee said so. In Ukraine.", "en").signs("Lee")
    ('female', 'main person', 'named', 'named in full', 'said', 'shortened')
    """

    def __init__(self, text: str, language: str) -> None:
        self._words = words = text[:_MAX_LENGTH].split()
        self._verbs = GERMAN_VERBS if language == "de" else ENGLISH_VERBS
        self._all_words = frozenset(words)
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._signs: dict[str, tuple[str, ...]] = {}
        start = end = -1
        for at in [at for at, word in enumerate(words) if not word[0].islower()]:
            word = words[at].strip(_MARKS)
            if not word[:1].isupper() or word in OPENERS:
                continue
            if at != end or not words[at][0].isupper():
                self._add(start, end)
                start = at
            end = at + 1
            if words[at][-1] in _MARKS and len(word) > 1 and word not in TITLES:
                self._add(start, end)
                start = end = -1
        self._add(start, end)

    def signs(self, name: str) -> tuple[str, ...]:
        """Return the signs of a last name."""
        if name not in self._signs:
            found = self._found(name) if name in self._places else {"nowhere"}
            if len(self._places.get(name, ())) >= _FEW and name == self._main_person:
                found.add("main person")
            self._signs[name] = tuple(sorted(found))
        return self._signs[name]

    def is_common(self, word: str) -> bool:
        """Check whether the text has a word in small letters, too."""
        return word.casefold() in self._all_words

    def _add(self, start: int, end: int) -> None:
        if start < 0:
            return
        if end - start > 1 and self._words[end - 1].strip(_MARKS) in _SUFFIXES:
            end -= 1
        last = self._words[end - 1].strip(_MARKS).removesuffix("'s").removesuffix("’s")
        self._places.setdefault(last, []).append((start, end))

    @cached_property
    def _main_person(self) -> str | None:
        """Return the person who is named most often."""
        often = sorted(self._places, key=lambda name: -len(self._places[name]))
        persons = (name for name in often if not PERSONAL.isdisjoint(self._found(name)))
        return next(persons, None)

    def _found(self, name: str) -> set[str]:
        places = self._places[name]
        at_each = [self._at(start, end) for start, end in places]
        count = len(places)
        found = set().union(*at_each) - {"place", "the", *GENDERS}
        found.add("named once" if count == 1 else "named often" if count > _OFTEN else "named")
        for each in ("place", "the"):
            if sum(each in signs for signs in at_each) >= _SHARE * count:
                found.add(each)
        lengths = {end - start > 1 for start, end in places}
        if len(lengths) > 1:
            found.add("shortened")
        balance = sum(("female" in signs) - ("male" in signs) for signs in at_each)
        if balance:
            found.add("female" if balance > 0 else "male")
        if self.is_common(name):
            found.add("common word")
        return found

    def _at(self, start: int, end: int) -> set[str]:
        """Return the signs at one place of a name."""
        words, named = self._words, [each.strip(_MARKS) for each in self._words[start:end]]
        before = words[start - 1] if start and words[start][0].isupper() else ""
        before = before.removesuffix(".") if before.removesuffix(".") in TITLES else before
        after = words[end].strip(_MARKS) if end < len(words) else ""
        mark = words[end - 1][-1]
        around = (before, *named)
        gender = tell_gender_of_name(named)
        marks = {
            "named in full": not FIRST_NAMES.isdisjoint(named[:-1]),
            "titled": not TITLES.isdisjoint(around),
            "behind a role": before.endswith(_ROLE_ENDINGS) or "person" in noun_kinds(before),
            "said": (after in self._verbs and mark not in _MARKS) or before in self._verbs,
            "who": after == "who" and mark not in ".;:",
            "female": gender == "f" or not _FEMALE_TITLES.isdisjoint(around),
            "male": gender == "m" or not _MALE_TITLES.isdisjoint(around),
            "place": before in _PLACE_WORDS,
            "the": before in _THE,
        }
        return {name for name, is_set in marks.items() if is_set}


@lru_cache(maxsize=4)
def read_names(text: str, language: str) -> NameSigns:
    """Return what a text tells of its names, cached for its quotations."""
    return NameSigns(text, language)


def tell_gender_of_name(words: Sequence[str]) -> str:
    """Return f or m for the words of a name; a single word counts if it is a common first name."""
    firsts = words[:-1] or [word for word in words if word in FIRST_NAMES]
    return next(filter(None, map(tell_gender, reversed(firsts))), "")
