"""What a text tells of the names in it: which are persons, and whether of women or men.

Whether words name a person is a fitted sum of the evidence, with the weights of
`weights/named.json`, written by bench/fit/named.py.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache, reduce
from operator import or_
from typing import NamedTuple

from worker.text.annotate.cues_english import VERBS as ENGLISH_VERBS
from worker.text.annotate.cues_german import VERBS as GERMAN_VERBS
from worker.text.annotate.fitted import load_weights
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
_ARTICLES = ("the", "The", "das", "des", "der")
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
_BITS = {name: 1 << bit for bit, name in enumerate(_AT_PLACE)}
_FEMALE, _MALE = _BITS["female"], _BITS["male"]
_TITLED_BITS = _BITS["titled"] | _FEMALE | _MALE
_ONCE = [(name, _BITS[name]) for name in _AT_PLACE[:5]]
_PERSONAL_BITS = sum(_BITS.get(name, 0) for name in PERSONAL)
_REACH = 60
"""Letters before and behind a name in which the words around it are sought."""
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


class _Place(NamedTuple):
    """A place of a name: its position in the text, and the words around it with its range."""

    at: int
    words: Sequence[str]
    start: int
    end: int


class NameSigns:
    """The names in a text by their last words, with the signs at all of their places.

    >>> NameSigns("Ann Lee left. Lee said so. In Ukraine.", "en").signs("Lee")
    ('female', 'main person', 'named', 'named in full', 'said', 'shortened')
    """

    def __init__(self, text: str, language: str) -> None:
        self._text = f" {' '.join(text[:_MAX_LENGTH].split())} "
        self._verbs = GERMAN_VERBS if language == "de" else ENGLISH_VERBS
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
            places = self._places(name)
            self._own_signs[name] = self._found(name, places) if places else ("nowhere",)
        return self._own_signs[name]

    def is_main_person(self, name: str) -> bool:
        """Check whether a last name is that of the person whom the text names most often."""
        is_single = not {"nowhere", "named once"}.isdisjoint(self.own_signs(name))
        return not is_single and name == self._main_person

    def is_common(self, word: str) -> bool:
        """Check whether the text has a word in small letters, too."""
        return f" {word.casefold()} " in self._text

    def has_article(self, name: str) -> bool:
        """Check whether the text has an article immediately before a name."""
        return any(f" {each} {name}" in self._text for each in _ARTICLES)

    def _places(self, name: str) -> list[_Place]:
        """Return the places of all names with this last name."""
        text, places = self._text, []
        at = text.find(name) if name else -1
        while at >= 0:
            left, right = text.rfind(" ", 0, at), text.find(" ", at)
            if _LAST_NAMES[text[left + 1 : right]] == name:
                before = text[max(0, left - _REACH) : left].split(" ")[1:]
                behind = text[left + 1 : right + _REACH].rstrip(" ").split(" ")
                place = _place_of(left, [*before, *behind], len(before))
                places += [place] if place else []
            at = text.find(name, right)
        return places

    @cached_property
    def _main_person(self) -> str | None:
        """Return the person who is named most often, at least a few times."""
        lasts = Counter(filter(None, map(_LAST_NAMES.__getitem__, self._text.split())))
        best, main_person = (1 - _FEW, 0), None
        for name, most in lasts.most_common():
            if most < max(_FEW, -best[0]):
                break
            places = self._places(name)
            rank = (-len(places), places[0].at if places else 0)
            if rank < best and self._is_personal(places):
                best, main_person = rank, name
        return main_person

    def _is_personal(self, places: Sequence[_Place]) -> bool:
        return _is_shortened(places) or any(self._at(each) & _PERSONAL_BITS for each in places)

    def _found(self, name: str, places: Sequence[_Place]) -> tuple[str, ...]:
        signs, number = [self._at(each) for each in places], len(places)
        every = reduce(or_, signs)
        found = [sign for sign, bit in _ONCE if every & bit]
        found.append("named once" if number == 1 else "named often" if number > _OFTEN else "named")
        for sign in ("place", "the"):
            bit = _BITS[sign]
            if every & bit and sum([1 for each in signs if each & bit]) >= _SHARE * number:
                found.append(sign)
        if every & (_FEMALE | _MALE):
            balance = sum([(each & _FEMALE > 0) - (each & _MALE > 0) for each in signs])
            found += ["female"] if balance > 0 else ["male"] if balance < 0 else []
        if _is_shortened(places):
            found.append("shortened")
        if self.is_common(name):
            found.append("common word")
        return tuple(sorted(found))

    def _at(self, place: _Place) -> int:
        """Return the signs at one place of a name, as bits."""
        _, words, start, end = place
        named = [each.strip(_MARKS) for each in words[start:end]]
        before = words[start - 1] if start and words[start][0].isupper() else ""
        before = before.removesuffix(".") if before.removesuffix(".") in TITLES else before
        behind = words[end].strip(_MARKS) if end < len(words) else ""
        mark = words[end - 1][-1]
        gender, bits = tell_gender_of_name(named), _bits_before(before)
        if end - start > 1:
            bits |= not FIRST_NAMES.isdisjoint(named[:-1])
        if not TITLES.isdisjoint(named):
            bits |= reduce(or_, map(_bits_before, named)) & _TITLED_BITS
        if before in self._verbs or (behind in self._verbs and mark not in _MARKS):
            bits |= _BITS["said"]
        if behind == "who" and mark not in ".;:":
            bits |= _BITS["who"]
        return bits | (_FEMALE if gender == "f" else _MALE if gender == "m" else 0)


def _place_of(at: int, words: Sequence[str], last: int) -> _Place | None:
    """Return the place of the name with this last word, None if a longer name has it."""
    goes_on = _is_continued(words, last)
    if goes_on and (
        words[last + 1].strip(_MARKS) not in _SUFFIXES or _is_continued(words, last + 1)
    ):
        return None
    start = last
    while start and _is_continued(words, start - 1):
        start -= 1
    if not goes_on and start < last and words[last].strip(_MARKS) in _SUFFIXES:
        return None
    return _Place(at, words, start, last + 1)


def _is_continued(words: Sequence[str], at: int) -> bool:
    """Check whether the name that a word is part of has a next word."""
    if at >= len(words) - 1:
        return False
    word, following = words[at], words[at + 1]
    if not (following[0].isupper() and _LAST_NAMES[word] and _LAST_NAMES[following]):
        return False
    if word[-1] not in _MARKS:
        return True
    word = word.strip(_MARKS)
    return len(word) < 2 or word in TITLES


@lru_cache(maxsize=4096)
def _bits_before(word: str) -> int:
    """Return the signs that the word before a name gives."""
    marks = {
        "titled": word in TITLES,
        "behind a role": word.endswith(_ROLE_ENDINGS) or "person" in noun_kinds(word),
        "female": word in _FEMALE_TITLES,
        "male": word in _MALE_TITLES,
        "place": word in _PLACE_WORDS,
        "the": word in _THE,
    }
    return sum(_BITS[name] for name, is_set in marks.items() if is_set)


def _is_shortened(places: Sequence[_Place]) -> bool:
    """Check whether a name occurs with and without a word before it."""
    return len({each.end - each.start > 1 for each in places}) > 1


@lru_cache(maxsize=4)
def read_names(text: str, language: str) -> NameSigns:
    """Return what a text tells of its names, cached for its quotations."""
    return NameSigns(text, language)


def tell_gender_of_name(words: Sequence[str]) -> str:
    """Return f or m for the words of a name; a single word counts if it is a common first name."""
    if len(words) == 1:
        return tell_gender(words[0]) if words[0] in FIRST_NAMES else ""
    return next(filter(None, map(tell_gender, reversed(words[:-1]))), "")


_LEAST = 0.6
"""The least probability of a person: below it, one name more is lost for each wrong one less."""
_LEAST_SCORE = math.log(_LEAST / (1 - _LEAST))
_OF_MAIN = f"sign {MAIN_PERSON}"
_INFLECTED = ("e", "en", "er", "es", "em")


@lru_cache(maxsize=512)
def is_person_name(name: str, full_text: str, language: str) -> bool:
    """Check whether words of a text are the name of a person, by all of their places.

    >>> text = "Bo Lind kam. Angaben der Zeugen fehlen. Lind sagte, die Zeugen schweigen."
    >>> [is_person_name(each, text, "de") for each in ("Bo Lind", "Angaben der Zeugen")]
    [True, False]
    """
    fitted, signs = load_weights("named"), read_names(full_text, language)
    if _has_given_name(name, signs):
        return True
    found = _find_own_features(name, signs, language)
    total = fitted["always"] + sum([fitted.get(each, 0.0) for each in found])
    of_main = fitted.get(_OF_MAIN, 0.0)
    if (total >= _LEAST_SCORE) == (total + of_main >= _LEAST_SCORE):
        return total >= _LEAST_SCORE
    return total + of_main * signs.is_main_person(name.rsplit(maxsplit=1)[-1]) >= _LEAST_SCORE


def _has_given_name(name: str, signs: NameSigns) -> bool:
    """Check whether a given name begins words that the text has neither small nor behind "the"."""
    words = name.split()
    return (
        len(words) > 1
        and words[0] not in OPENERS
        and bool(tell_gender(words[0]))
        and not signs.is_common(words[0])
        and not signs.is_common(words[-1])
        and not signs.has_article(name)
    )


def find_person_features(name: str, full_text: str, language: str) -> frozenset[str]:
    """Return the evidence for and against a person: the signs of the last name, and the words."""
    signs = read_names(full_text, language)
    found = _find_own_features(name, signs, language)
    return found | {_OF_MAIN} if signs.is_main_person(name.rsplit(maxsplit=1)[-1]) else found


def _find_own_features(name: str, signs: NameSigns, language: str) -> frozenset[str]:
    """Return the evidence that needs no other name of the text."""
    words = name.split()
    inside = {
        "given name": not FIRST_NAMES.isdisjoint(words[:-1]),
        "initial": any(len(each.rstrip(".")) == 1 for each in words),
        "opener": words[0] in OPENERS,
        "first common word": signs.is_common(words[0]),
        "article": not {"der", "den", "zum"}.isdisjoint(words) and "von" not in words,
    }
    return frozenset((
        *(f"sign {each}" for each in signs.own_signs(words[-1])),
        *(each for each, is_set in inside.items() if is_set),
        *(f"first {each}" for each in _describe(words[0], language)),
        *(f"last {each}" for each in _describe(words[-1], language)),
    ))  # fmt: skip


def _describe(word: str, language: str) -> Iterator[str]:
    if word.isupper() and word[1:].isalpha():
        yield "capitals"
    if language == "de":
        yield from noun_kinds(word)
        if word.endswith(_INFLECTED):
            yield "inflected"
