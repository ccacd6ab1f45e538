"""Find whom "he", "she", "er" or "sie" means: the persons named before, by fitted weights.

`bench/fit/persons.py` fits the weights in `weights/pronouns.json`.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from worker.text.annotate.cues_english import VERBS as ENGLISH_VERBS
from worker.text.annotate.cues_german import VERBS as GERMAN_VERBS
from worker.text.annotate.fitted import choose_likeliest
from worker.text.annotate.speaker.first_names import FIRST_NAMES
from worker.text.annotate.speaker.german_words import noun_kinds
from worker.text.annotate.speaker.name_signs import (
    GENDERS,
    OPENERS,
    PERSONAL,
    read_names,
    tell_gender_of_name,
)

_NAME = re.compile(
    r"(?<![\w-])[A-ZÀ-ÞŁŠŽČĆĐİ][\w'’.-]{0,40}"
    r"(?: (?:(?:von|van|de|van der|von der|al|bin|di|da|del|la) )?"
    r"(?:[A-Z]\.(?= [A-Z])|[A-ZÀ-ÞŁŠŽČĆĐİ][\w'’-]{0,40})){0,7}"
)
_NO_PERSONS = (
    "University", "Party", "Ministry", "Department", "Court", "Police", "Council", "Inc",
    "Corp", "Company", "Association", "Institute", "News", "Times", "Post", "Street",
    "Road", "County", "City", "States", "House", "Club", "School", "College", "Center",
    "Centre", "Bank", "Group", "Union", "Committee", "Agency", "Office", "Service", "Act",
    "War", "Day", "League", "Cup", "Journal", "Bundestag", "Ministerium", "Universität",
    "Partei", "Straße", "Zeitung", "Republik", "Stadt",
)  # fmt: skip
_FEMALE_WORDS = re.compile(
    r"\b(?:Mrs|Ms|Miss|Frau|her|she|mother|wife|sister|daughter|actress|queen|\w+woman|mom|girl"
    r"|ihre[nmrs]?|Mutter|Tochter|Schwester|Königin|[A-ZÄÖÜ][\w-]{1,40}(?:er|ist|or|ent|ant|ert)in)\b"
)
_MALE_WORDS = re.compile(
    r"\b(?:Mr|Herr|his|he|father|husband|brother|son|actor|king|\w+[^o]man|dad|boy|seine[nmrs]?"
    r"|Vater|Sohn|Bruder|König|[A-ZÄÖÜ][\w-]{0,40}(?:minister|präsident|sprecher|chef|leiter|trainer|kanzler|meister"
    r"|politiker|direktor))\b"
)
_SURE, _LOOK = 2, 45
MAX_SENTENCES = 8
MIN_MEANT, MIN_NAMED = 0.4, 0.7
"""The least probability of whom a pronoun means, and of one who gets a name for all lists."""
_SUFFIX = re.compile(r"(?<![ ,])[ ,]+[JS]r\Z")
_PART = re.compile(r"\w+|[^\w\s]")


@dataclass(slots=True)
class Person:
    """A person or another name in the sentences before, with its places.

    `places` are the number of the sentence, nearest first, the features of the place, and where it
    starts.
    """

    name: str
    places: list[tuple[int, tuple[str, ...], int]] = field(default_factory=list)
    female: int = 0
    male: int = 0


class PersonOption(NamedTuple):
    """A person whom a pronoun may mean, with its features."""

    name: str
    features: tuple[str, ...]


class LastSpeaker(NamedTuple):
    """The resolved speaker of the previous quotation, and how far it is."""

    name: str
    distance: str


Mention = tuple[str, tuple[str, ...], int, int, int]


@lru_cache(maxsize=128)
def _mentions(sentence: str, language: str) -> tuple[Mention, ...]:
    """Return the names in a sentence: the features of their places, and signs of their gender."""
    verbs = GERMAN_VERBS if language == "de" else ENGLISH_VERBS
    found: list[Mention] = []
    for match in _NAME.finditer(sentence):
        words, start = _SUFFIX.sub("", match[0].rstrip(".'’")), match.start()
        if words.endswith(("'s", "’s")):
            words = words[:-2]
        while words.partition(" ")[0].rstrip(".") in OPENERS:
            first, _, words = words.partition(" ")
            start += len(first) + 1
        last = words.rpartition(" ")[2]
        if len(words) < 3 or not words[:1].isupper() or last.endswith(_NO_PERSONS):
            continue
        before = sentence[max(0, start - _LOOK) : start]
        after = sentence[match.end() : match.end() + _LOOK]
        found.append(
            (
                words,
                _place(words, before, after, len(found), language, verbs),
                start,
                *_gender(words, before, after),
            )
        )
    return tuple(found)


def _gender(words: str, before: str, after: str) -> tuple[int, int]:
    """Return the signs that a person is female, and that it is male."""
    gender = tell_gender_of_name(words.split(" "))
    female, male = 3 * (gender == "f"), 3 * (gender == "m")
    near = f"{before[-25:]} {words}"
    female += 2 * (_FEMALE_WORDS.search(near) is not None) + (
        _FEMALE_WORDS.search(after) is not None
    )
    male += 2 * (_MALE_WORDS.search(near) is not None) + (_MALE_WORDS.search(after) is not None)
    return female, male


def _first_name(name: str) -> str:
    """Return the word before the last name: AFP Director Phil Hale."""
    return " ".join(name.split(" ")[-2:]).partition(" ")[0]


def _place(
    words: str, before: str, after: str, number: int, language: str, verbs: frozenset[str]
) -> tuple[str, ...]:
    """Return the features of a name at its place."""
    names = ["first"] if number == 0 else ["second"] if number == 1 else ["further"]
    previous = _PART.findall(before)[-2:]
    last = previous[-1] if previous else ""
    following = _PART.findall(after)[:3]
    if not before.strip():
        names.append("opens")
    if last in verbs or any(each in verbs for each in following[:2]):
        names.append("speaks")
    elif following[:1] and following[0].islower():
        names.append("before a word")
    if after.startswith(("'s", "’s")):
        names.append("possessive")
    if following[:1] == [","]:
        names.append("before a comma")
    if language == "de":
        names += _german_form(words, last)
    elif last.casefold() in {"the", "a", "an"}:
        names.append("behind an article")
    elif last in {"of", "in", "at", "to", "by", "with", "for", "from", "on", "against"}:
        names.append("behind a preposition")
    return tuple(names)


def _german_form(words: str, last: str) -> list[str]:
    """Return the features of a German name: nouns are capitalised too."""
    small, names = last.casefold(), []
    if " " not in words:
        kinds = noun_kinds(words)
        names.append(f"single {kinds[0]}" if kinds else "single")
    if small in {"der", "die", "ein", "eine"}:
        names.append("behind an article")
    elif small in {"das", "den", "dem", "des", "einen", "einem", "einer"} or small.endswith("en"):
        names.append("behind an oblique word")
    elif small in {
        "in",
        "an",
        "auf",
        "von",
        "mit",
        "für",
        "bei",
        "zu",
        "aus",
        "nach",
        "im",
        "am",
        "zum",
        "zur",
    }:
        names.append("behind a preposition")
    return names


def persons_before(sentences: Sequence[str], language: str) -> dict[str, Person]:
    """Return the persons in sentences, which are in order of their distance, by their last names.

    >>> list(persons_before(["Then Lee left.", "Ann Lee met Bo Lind."], "en").values())[0].name
    'Ann Lee'
    """
    found: dict[str, Person] = {}
    for number, sentence in enumerate(sentences):
        for words, place, start, female, male in _mentions(sentence, language):
            person = found.setdefault(words.rpartition(" ")[2], Person(words))
            if len(words) > len(person.name):
                person.name = words
            person.places.append((number, place, start))
            person.female += female
            person.male += male
    return found


def person_options(
    pronoun: str, sentences: Sequence[str], last: LastSpeaker | None, language: str, full_text: str
) -> list[PersonOption]:
    """Return the persons whom a pronoun may mean, and nobody."""
    found = persons_before(sentences, language)
    female = pronoun in {"she", "sie"}
    names_in_text = read_names(full_text, language)
    chain = _pronoun_places(sentences, female=female)
    options = []
    named_last = last.name.rpartition(" ")[2] if last else None
    if last and named_last and named_last not in found:
        found[named_last] = Person(last.name)
    for key, person in found.items():
        person.female += 3 * ("female" in names_in_text.signs(key))
        person.male += 3 * ("male" in names_in_text.signs(key))
    rivals = sorted(
        person.places[0][::2]
        for key, person in found.items()
        if person.places and _may_be_meant(person, names_in_text.signs(key), female=female)
    )
    for key, person in found.items():
        signs = [each for each in names_in_text.signs(key) if each not in GENDERS]
        names = [*_features(person), *(f"is {sign}" for sign in signs)]
        names += _chain(person, chain)
        names += _rank(person, rivals)
        if last and key == named_last:
            names += ["spoke last", f"spoke last {last.distance}"]
            place = [name for name in names if name.startswith(("rank", "pronoun", "since"))]
            names += [f"spoke last {name}" for name in place]
        for_it, against = (person.female, person.male) if female else (person.male, person.female)
        if for_it > against:
            names.append("same gender")
        elif against - for_it > _SURE:
            continue
        elif against > for_it:
            names.append("other gender")
        options.append(PersonOption(person.name, tuple(names)))
    nobody = ("nobody", f"nobody {language}")
    options.append(PersonOption("", (*nobody, "nobody last") if last else nobody))
    return options


_HE = re.compile(r"\b(?:[Hh]e|[Hh]is|him|[Ee]r|[Ss]eine[nmrs]?|ihm|ihn)\b")
_SHE = re.compile(r"\b(?:[Ss]he|[Hh]er|[Ss]ie|[Ii]hre[nmrs]?)\b")


def _pronoun_places(sentences: Sequence[str], *, female: bool) -> list[int]:
    """Return where the first pronoun of the gender stands in each sentence, -1 if there is none."""
    pattern = _SHE if female else _HE
    found = [pattern.search(each) for each in sentences]
    return [match.start() if match else -1 for match in found]


def _chain(person: Person, pronouns: Sequence[int]) -> list[str]:
    """Return whether pronouns since the last place of a person may mean it."""
    if not person.places:
        return []
    number, _, start = person.places[0]
    names = []
    if any(each >= 0 for each in pronouns[:number]):
        names.append("pronoun since")
    elif number:
        names.append("no pronoun since")
    if 0 <= pronouns[number] < start:
        names.append("pronoun before")
    elif pronouns[number] > start:
        names.append("pronoun behind")
    return names


def _may_be_meant(person: Person, signs: Sequence[str], *, female: bool) -> bool:
    """Check whether a name is probably that of a person of the gender."""
    against = person.male - person.female if female else person.female - person.male
    return against <= 0 and not PERSONAL.isdisjoint(signs)


def _rank(person: Person, rivals: Sequence[tuple[int, int]]) -> list[str]:
    """Return how many others were named since a person, and before it in its sentence.

    The rivals are the last places of all who may be meant, in order.
    """
    if not person.places:
        return [f"rank {min(len(rivals), 3)}"]
    number, _, start = person.places[0]
    since = bisect_left(rivals, (number, -1))
    rank = bisect_left(rivals, (number, start))
    names = [f"since {min(since, 3)}", f"before {min(rank - since, 2)}", f"rank {min(rank, 3)}"]
    if (number, start) in rivals:
        names.append(f"person of rank {min(rank, 3)}")
    return names


def _features(person: Person) -> list[str]:
    if not person.places:
        return ["not before"]
    number, place, _ = person.places[0]
    distance = min(number, 5)
    names = [f"distance {distance}", *place]
    names += [f"near {name}" for name in place if number <= 1]
    names.append(f"count {min(len(person.places), 4)}")
    names.append("full name" if " " in person.name else "one word")
    first = _first_name(person.name)
    if first in FIRST_NAMES:
        names.append("first name")
    if any("speaks" in each for _, each, _ in person.places):
        names.append("has spoken")
    if any("opens" in each or "first" in each for _, each, _ in person.places):
        names.append("has been first")
    if person.name.isupper():
        names.append("acronym")
    return names


def choose_person(options: Sequence[PersonOption], _number: int = 0) -> tuple[PersonOption, float]:
    """Return the likeliest person, and its probability."""
    return choose_likeliest("pronouns", options)
