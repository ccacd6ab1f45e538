"""The mood of a German clause: indicative, subjunctive by a known verb or by its form, hearsay."""

import re
from collections.abc import Iterable

from storage.language.word_lists import word_list
from worker.text.annotate.speaker.german_words import NO_SPEAKER, SUBJUNCTIVE

_STOPS = ("", ",", ".", ":", ";", "?", "!", ")")


def with_stops(*words: Iterable[str]) -> frozenset[str]:
    """Return words as they are between blanks: with each stop, or after a bracket."""
    every = [word for each in words for word in each]
    return frozenset(f"{word}{stop}" for word in every for stop in _STOPS) | {
        f"({word}" for word in every
    }


_STRONG = with_stops(
    "sei seien habe werde könne müsse solle wolle dürfe gebe gehe stehe komme bleibe liege halte"  # noqa: SIM905
    " bestehe handele handle existiere resultiere verstehe darstelle unterscheide stattfinde"
    " angehöre aussehe zurückkehre bekomme helfe verliere gewinne lebe wachse steige sinke fahre"
    " erreiche verhindere fördere funktioniere benötige beruhe basiere entstehe verzichte übernehme"
    " dauere erscheine zerstöre".split()
)
_WEAK = with_stops(
    SUBJUNCTIVE,
    "gäbe gäben bliebe blieben bestünde käme kämen stünde stünden ginge ließe vertrage sollten"  # noqa: SIM905
    " müssten dürften wollten läge lägen befände befänden täte täten gelänge spräche sprächen nähme"
    " nähmen ließen hielte verlöre bekäme bekämen ändere".split(),
)
_HEARSAY = with_stops(("soll", "sollen"))
MOODS = _STRONG | _WEAK | _HEARSAY
INDICATIVE = ("indicative",)
HEARSAY = ("hearsay",)
SUBJUNCTIVE_FORM = ("subjunctive",)
OPENING = frozenset(
    "der die das ein eine er sie es man dies dieser diese seine ihre sein ihr alle viele in im bei"  # noqa: SIM905
    " für auch kein keine niemand".split()
)
_REGULAR = re.compile(
    r"\b(?P<before>(?!(?:D(?:er|ie|as)|Eine?|Alle|Viele|Im|In|Bei|Für|Auch|Keine?)\b)[A-ZÄÖÜ]\w+|er|sie|es|man|das|dies)"
    r" (?P<verb>[a-zäöüß]{2,}[^\W\d_aeouäöü]e) (?!und |oder |sowie )"
)
"""The end of a subject and a verb: the first subjunctive is its stem and -e (koste, zahle)."""
_NO_VERBS = frozenset(
    "eine keine seine ihre unsere diese jene welche jede alle viele einige manche mehrere beide"  # noqa: SIM905
    " andere solche heute gerne ohne bitte sowie beinahe lange nahe hatte wurde konnte musste"
    " sollte wollte durfte würde hätte wäre könnte müsste dürfte möchte".split()
)
_SUBJECTS = frozenset("er sie es man das dies".split())  # noqa: SIM905
_RELATIVE = re.compile(r"(?:d(?:er|ie|as|en|em|es)|eine?) (?:d(?:er|ie|as|en|em|es)|eine?) ")
_FARTHEST = 80
"""Letters of a clause in which its verb is sought."""


def moods_of(words: Iterable[str]) -> tuple[str, ...]:
    """Return the moods of words by the verbs that are known."""
    if MOODS.isdisjoint(words):
        return INDICATIVE
    if not _STRONG.isdisjoint(words):
        return ("subjunctive", "strong subjunctive")
    return SUBJUNCTIVE_FORM if not _WEAK.isdisjoint(words) else HEARSAY


def find_subjunctive_form(text: str, end: int | None = None) -> str | None:
    """Return the verb of a main clause that is a subjunctive by its form and place.

    The verb follows the subject and does not end the clause, as that of a relative clause does.

    >>> find_subjunctive_form("Die neue Brücke koste 36 Millionen")
    'koste'
    >>> find_subjunctive_form("die große Brücke über die alte Lohe")
    """
    match = _REGULAR.search(text, 0, _FARTHEST if end is None else min(end, _FARTHEST))
    if match is None or _RELATIVE.match(text):
        return None
    verb: str = match["verb"]
    return verb if verb not in _NO_VERBS and _ends_subject(match) else None


def _ends_subject(match: re.Match[str]) -> bool:
    """Check whether the word before a verb ends a subject: a noun, a name, or the first pronoun."""
    word = match["before"]
    if word.islower() or match.start() == 0:
        return match.start() == 0 and (word.casefold() in _SUBJECTS or word not in NO_SPEAKER)
    return word.casefold() not in word_list("measures")
