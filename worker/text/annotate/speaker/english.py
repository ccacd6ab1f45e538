"""Find the candidate speakers of an English quotation, and choose one by fitted weights.

`bench/fit/english_speakers.py` fits the weights in `weights/english.json`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from storage.values.lazy import lazy_pattern
from worker.text.annotate.cues_english import VERBS
from worker.text.annotate.fitted import choose_likeliest
from worker.text.annotate.speaker.name_signs import NameSigns

_CAPITAL = (
    r"(?:(?:Mr|Mrs|Ms|Dr|Sen|Rep|Gov|Gen|Col|Lt|Sgt|St|[A-Z])\."
    r"|[A-ZÀ-Þ][\w'’&-]{0,40}(?:\.\w{1,20}){0,4})"
)
_SMALL = (
    r"(?!(?:and|or|but|that|who|which|when|while|after|as|if|not|is|was|were|are|has|had)\b)"
    r"[a-z][\w’-]{0,40}"
)
_ROLE = (
    r"(?!(?:after|over|under|later|earlier|other|never|however|whether|together|rather|for|or|nor)\b)"
    r"[a-z][\w-]{0,40}(?:er|or|ist|man|ent|ian|ess|ant|ive|ary|chief|yst|boss|coach|head|star)"
)
_NOUN_END = (
    r"(?=[,.;:!?()—–§]|\Z| (?:of|at|for|from|in|on|with|to|who|and|said|has|had|was|is|told|says"
    r"|could|would|will|came|went|wrote|that|as|by)\b"
    r"| [a-z]{1,30}(?:ed|s)\b)"
)
NOUN_PHRASE = lazy_pattern(
    rf"\b(?:(?P<pronoun>[Hh]e|[Ss]he|[Tt]hey|[Ii]t|I|[Ww]e|[Yy]ou)\b"
    rf"|(?P<titled>(?:{_CAPITAL} ){{0,2}}(?:[a-z][\w-]{{0,40}} )?"
    rf"{_ROLE} {_CAPITAL}(?: {_CAPITAL}){{1,6}})"
    rf"|(?P<owned>{_CAPITAL}[’']s (?:{_SMALL} ){{0,2}}?{_SMALL}){_NOUN_END}"
    rf"|(?P<article>[Tt]he|[Aa]n?|[Oo]ne|[Aa]nother|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts"
    r"|(?:[Ss]ome |[Aa]bout |[Nn]early )?\d[\d,]{0,40}|[Ss]ome|[Mm]any|[Oo]ur|[Mm]y"
    r"|[Tt]wo|[Tt]hree) "
    rf"(?P<noun>(?:(?:{_SMALL}|{_CAPITAL}) ){{0,4}}?(?:{_CAPITAL}(?: {_CAPITAL}){{0,6}}|{_SMALL})"
    rf"{_NOUN_END})"
    rf"|(?P<name>(?:{_CAPITAL})"
    rf"(?: (?:(?:of|for|the|van|von|de|al|bin|and|&) ){{0,2}}{_CAPITAL}){{0,6}})"
    r"|(?P<plural>(?:(?<=said )|(?<= say ))[a-z]{1,30}(?:s|people|police)(?=[,.;:]|\Z)"
    r"|[a-z]{1,30}(?:s|people|police)(?= (?:say|said|warn|argue|told|have|had|chanted)\b)))"
)
"""A pronoun, a noun with an article, a name, or a plural noun beside a verb of speech."""

_OPENERS = frozenset(
    "On In At After During Before Last Earlier But And Yet Still When While As If For With To"  # noqa: SIM905
    " From By However Meanwhile Then Later Also So This That These Those There Here What How"
    " Why Where Who Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February"
    " March April May June July August September October November December Asked Speaking"
    " According Although Though Since Because Despite Under Not Now Today Yesterday Its It's"
    " I'm Most All Both Even Just Like Once Or Nor No Yes Well Our My Your You Another Each"
    " Every More Some Many Such Than Until".split()
)
_PREPOSITIONS = frozenset(
    "of to in for with by from at on about against between among over under into than like"  # noqa: SIM905
    " near as after before during since through toward towards via".split()
)
_DETERMINERS = frozenset({"the", "a", "an", "his", "her", "one", "their"})
_SKIPPED = frozenset(
    "also later then has had have been was is once previously repeatedly recently reportedly"  # noqa: SIM905
    " himself herself not will would could can may might did does do only just further simply"
    " merely he she already even still be being".split()
)
_PAPERS = frozenset(
    "report statement study letter filing website document memo email article paper story"  # noqa: SIM905
    " release description complaint lawsuit indictment affidavit post tweet caption sign"
    " banner headline documents records ruling order".split()
)
_GERUNDS = frozenset(
    "saying adding noting warning calling arguing claiming writing telling explaining insisting"  # noqa: SIM905
    " declaring describing asking stating predicting recalling stressing tweeting singing"
    " announcing joking".split()
)
_WORD = re.compile(r"[\w'’-]+|[^\w\s]")
_BEHIND_INSERTION = re.compile(r"[,)—–] (?:who |also |then |later |had |has )?(\w+)")
_MAX_LENGTH, _MAX_CANDIDATES, _SENTENCES_BACK = 400, 10, 2
_PERSONAL = (
    "er",
    "or",
    "ist",
    "man",
    "ent",
    "ian",
    "eer",
    "ess",
    "ant",
    "ive",
    "ary",
    "ief",
    "ers",
    "ors",
    "cial",
)


_PRONOUN_TEXTS = {"you": "", "You": ""}
"""A reader is nobody in the text."""
_PRONOUNS = frozenset({"he", "she", "they", "it", "i", "we"})


class Candidate(NamedTuple):
    """A candidate speaker with the names of its features."""

    text: str
    pronoun: bool
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnglishContext:
    """A quotation with the rest of its sentence, all quotations masked, and the sentences before.

    `rule` and `before` are the speakers by the rules, from the sentence and from the one before it;
    `last` is the speaker of the previous quotation and `distance` is how far it is; `names`
    returns what the text tells of each name.
    """

    text_before: str
    text_after: str
    earlier: Callable[[], Sequence[str]]
    rule: str | None
    before: str | None
    last: str | None
    distance: str
    names: Callable[[], NameSigns]


def _noun_phrases(text: str) -> list[tuple[str, int, int, str]]:
    """Return the noun phrases with their places and kinds."""
    found = []
    for match in NOUN_PHRASE.finditer(text):
        kind = match.lastgroup or ""
        words, start = match[kind], match.start(kind)
        if kind == "name":
            while words.partition(" ")[0].rstrip(".") in _OPENERS:
                first, _, rest = words.partition(" ")
                words, start = rest, start + len(first) + 1
                if rest[:1].islower():
                    rest = ""
                    words = ""
            if not words:
                continue
        found.append((words, start, match.end(), kind))
    return found


def candidates(context: EnglishContext) -> list[Candidate]:
    """Return all candidates: those of the sentence, and the speaker of the last quotation.

    Those of the sentences before count if the sentence has no verb of speech.
    """
    shared = _shared_features(context)
    found = [
        *_zone("before", context.text_before[-_MAX_LENGTH:], context, shared),
        *_zone("after", context.text_after[:_MAX_LENGTH], context, shared),
    ]
    earlier = () if "verb" in shared else context.earlier()
    for number, sentence in enumerate(earlier[:_SENTENCES_BACK], 1):
        found += _zone(f"earlier{number}", sentence[-_MAX_LENGTH:], context, shared)
    if context.last:
        names = ["last", f"last {context.distance}", *(f"last {name}" for name in shared)]
        names += [f"last {context.distance} {name}" for name in shared]
        found.append(
            Candidate(context.last, context.last in {"he", "she", "they", "it"}, tuple(names))
        )
    found.append(Candidate("", False, ("nobody", *(f"nobody {name}" for name in shared))))
    return found


def _shared_features(context: EnglishContext) -> tuple[str, ...]:
    marks = {
        "opens": not context.text_before.strip(" –-"),
        "closes": not context.text_after.strip(" .§"),
        "colon": context.text_before.rstrip().endswith(":"),
        "verb": bool(_verbs_in(context.text_before) or _verbs_in(context.text_after)),
        "rule": context.rule is not None,
        "before": context.before is not None,
    }
    return tuple(name for name, is_set in marks.items() if is_set)


@lru_cache(maxsize=64)
def _verbs_in(text: str) -> bool:
    return not VERBS.isdisjoint(_WORD.findall(text))


def _zone(
    zone: str, text: str, context: EnglishContext, shared: tuple[str, ...]
) -> Iterator[Candidate]:
    kind = zone.rstrip("12")
    for words, form, names in _phrases_with_features(text):
        all_names = [*_zone_names(zone, names, shared)]
        if form in {"name", "titled"}:
            signs = context.names().signs(words.rpartition(" ")[2])
            all_names += [f"is {sign}" for sign in signs]
        if context.rule and _same(words, context.rule):
            all_names += ["by rule", f"{kind} by rule"]
        if context.before and _same(words, context.before):
            all_names.append("by rule before")
        if context.last and _same(words, context.last):
            all_names.append("spoke before")
        is_pronoun = form == "pronoun"
        spoken = _PRONOUN_TEXTS.get(words, words.casefold()) if is_pronoun else words
        yield Candidate(spoken, is_pronoun, tuple(all_names))


@lru_cache(maxsize=64)
def _phrases_with_features(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the noun phrases, their forms, and the features of form and place."""
    phrases = _noun_phrases(text)
    if len(phrases) > _MAX_CANDIDATES:
        half = _MAX_CANDIDATES // 2
        phrases = [*phrases[:half], *phrases[-half:]]
    return [
        (words, form, (*_form(words, form), *_place(text, start, end, number, len(phrases))))
        for number, (words, start, end, form) in enumerate(phrases)
    ]


@lru_cache(maxsize=4096)
def _zone_names(zone: str, names: tuple[str, ...], shared: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features of a candidate, also those for its kind of zone."""
    kind = zone.rstrip("12")
    return (*names, zone, *(f"{kind} {name}" for name in (*names, *shared)))


def _same(one: str, other: str) -> bool:
    return one in other or other in one


def _form(words: str, form: str) -> Iterator[str]:
    yield form
    head = words.rpartition(" ")[2]
    if form in {"noun", "plural", "owned"}:
        if head in _PAPERS:
            yield "paper"
        yield "personal" if head.endswith(_PERSONAL) else f"ends {head[-3:]}"
        if head[:1].isupper():
            yield "noun and name"
    elif form in {"name", "titled"}:
        if " " in words:
            yield "several words"
        if head.isupper() and len(head) > 1:
            yield "acronym"
        if words.endswith(("'s", "’s")):
            yield "possessive"
        if " of " in words or " for " in words or " the " in words:
            yield "with of"


def _place(text: str, start: int, end: int, number: int, count: int) -> Iterator[str]:
    """Yield the features of the place of a noun phrase and of the words around it."""
    if number == 0:
        yield "first"
    if number == count - 1:
        yield "nearest"
    yield from _words_before(text[:start])
    tail = text[end:]
    yield from _words_after(tail)
    if not _GERUNDS.isdisjoint(_WORD.findall(tail[-60:])):
        yield "gerund at the end"


def _words_before(head: str) -> Iterator[str]:
    previous = _WORD.findall(head[-30:])[-2:]
    last = previous[-1].casefold() if previous else ""
    if last in _DETERMINERS and len(previous) > 1:
        last = previous[0].casefold()
    if last in VERBS:
        yield "behind a verb"
        if not head.strip(" ,§").rpartition(" ")[0].strip(" ,§"):
            yield "verb directly"
    elif last in _PREPOSITIONS:
        yield "according to" if "cording to" in head[-14:] else "behind a preposition"
    elif not last or last in ",§":
        yield "opens a clause"


def _words_after(tail: str) -> Iterator[str]:
    following = [word for word in _WORD.findall(tail[:60])[:5] if word.casefold() not in _SKIPPED]
    first = following[0] if following else ""
    if first in VERBS:
        yield "before a verb"
    elif first in _GERUNDS:
        yield "before a gerund"
    elif first in {",", "(", "—", "–"}:
        yield from _after_insertion(tail)
    elif first.endswith("ed"):
        yield "before a past"
    elif first[:1].islower() and first not in _PREPOSITIONS and first not in {"and", "or"}:
        yield "before a word"


def _after_insertion(tail: str) -> Iterator[str]:
    yield "before an insertion"
    for match in _BEHIND_INSERTION.finditer(tail[1:]):
        if match[1] in VERBS:
            yield "insertion and verb"
            return


def choose_english(options: Sequence[Candidate], _number: int) -> tuple[Candidate, float]:
    """Return the likeliest candidate, and its probability."""
    return choose_likeliest("english", options)
