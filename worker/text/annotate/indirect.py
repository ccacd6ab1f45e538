"""Find indirect speech: statements of a person that a text repeats in its own words.

Each clause next to a verb of speech ("sagte, dass", "said that"), a source ("laut", "according to")
or in the subjunctive after another statement is a candidate; the weights in `indirect.toml`, fitted
by `bench/fit/indirect.py`, give the probability that it is indirect speech.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import islice, pairwise
from math import exp
from typing import NamedTuple

from storage.values.draft import Paragraph, Quote
from worker.text.annotate.cue import PRONOUNS, WORD, Cue
from worker.text.annotate.cues_english import VERBS as ENGLISH_VERBS
from worker.text.annotate.cues_english import cue_after_english, cue_before_english
from worker.text.annotate.cues_german import (
    ACCORDING,
    PARTICIPLES,
    VERBS,
    ZUFOLGE,
    cue_after_german,
    cue_before_german,
)
from worker.text.annotate.masked import mask_paragraph
from worker.text.annotate.quotes import MAX_NAMES, READ_ROLES
from worker.text.annotate.speaker.german_words import FINITE, SUBJUNCTIVE, noun_kinds
from worker.text.annotate.speaker.identify import identify
from worker.text.annotate.speaker.persons import (
    MIN_NAMED,
    LastSpeaker,
    choose_person,
    person_options,
)
from worker.text.annotate.speaker.resolve import full_name, standalone_name

MIN_PROBABILITY = 0.55
_STOPS = ("", ",", ".", ":", ";", "?", "!", ")")


def _with_stops(*words: Iterable[str]) -> frozenset[str]:
    """Return words as they are between blanks: with each stop, or after a bracket."""
    every = [word for each in words for word in each]
    return frozenset(f"{word}{stop}" for word in every for stop in _STOPS) | {
        f"({word}" for word in every
    }


_STRONG = _with_stops(
    "sei seien habe werde könne müsse solle wolle dürfe gebe gehe stehe komme bleibe liege halte"  # noqa: SIM905
    " bestehe handele handle".split()
)
_WEAK = _with_stops(
    SUBJUNCTIVE,
    "gäbe gäben bliebe blieben bestünde käme kämen stünde stünden ginge ließe vertrage sollten"  # noqa: SIM905
    " müssten dürften wollten".split(),
)
_HEARSAY = _with_stops(("soll", "sollen"))
_MOODS = _STRONG | _WEAK | _HEARSAY
_INDICATIVE = ("indicative",)
_FINITE = _with_stops(FINITE)
_CONJUNCTIONS = "dass|daß|ob|wie|wann|warum|weshalb|wer|was|wo|wohin|wonach"
_GERMAN_CLAUSE = re.compile(rf",\s(?:(?P<word>{_CONJUNCTIONS})\s)?")
_CONJUNCTION = re.compile(rf",\s(?:{_CONJUNCTIONS})\s")
_HOW = re.compile(r"Wie\s(?P<head>[^,]{4,140}),\s(?=[a-zäöüß]+\s)")
_COMPOUND_SOURCE = re.compile(
    r"\b[Nn]ach\s(?:\w+\s){0,2}(?P<noun>\w*(?:[Aa]ngaben|[Bb]erichten|[Ii]nformationen"
    r"|[Ee]rkenntnissen|[Ss]chätzungen|[Mm]eldungen|[Mm]itteilung|[Ee]inschätzung|[Aa]uffassung"
    r"|[Aa]ussagen?))(?:\s(?:von|der|des)\s\w+)?"
)
_NOUNS = frozenset(
    "Angabe Angaben Aussage Aussagen Ansicht Meinung Auffassung Berichte Berichten Meldung Hinweis"  # noqa: SIM905
    " Hinweise Ankündigung Vorwurf Erklärung Forderung Behauptung Mitteilung Überzeugung"
    " Einschätzung Kritik Begründung Zusage".split()
)
_GERMAN_NOUNS = re.compile(rf"\b(?:{'|'.join(_NOUNS)})\b")
_AFTER_GERMAN = re.compile(r",\s(?:wie\s)?(?P<verb>[a-zäöüß]+|laut|so)\s")
_INFINITIVE = re.compile(r"\s(?:zu\s[a-zäöüß]+en|[a-zäöüß]{3,}zu[a-zäöüß]{2,}en)\b")
_ENGLISH_ACCORDING = re.compile(r"\b[Aa]ccording to\s")
_ENGLISH_STARTS = frozenset(
    "the a an he she it they there this these those his her its their we i you some many most no"  # noqa: SIM905
    " all both more one two three".split()
)
_NO_CLAUSE_VERBS = frozenset(
    "called call calls described describes praised spoke found find finds named".split()  # noqa: SIM905
)
_ENGLISH_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|had|have|will|would|could|can|may|might|should|must|did|does|do|need(?:s|ed)?"
    r"|wants?|goes|went|came|took|made|got|knew|[a-z]{2,}ed|[a-z]+n[’']t)\b|\w[’'](?:s|re|ve|ll|d)\s"
)
_NO_CLAUSE_START = re.compile(
    r"(?:In|On|At|During|While|When|Though|Although|Earlier|Later|Then|For|After|Before|As|With|Since|If"
    r"|Asked|[A-Z][a-z]+ing)\b[^,]*\Z"
)
_ENGLISH_END = re.compile(
    r"(?:\s(?:on\s)?\w+day(?:\s(?:morning|evening|night))?|\s(?:in|to|at|on|during|of|with|after)\s[^,]{2,60}"
    r"|,?\s(?:adding|citing|according)\b.*|,\s[^,]{3,80})*[\s.!?§]*\Z"
)
_ENGLISH_OBJECTS = re.compile(
    r"(?:(?:[A-Z][\w'’.-]*|the|a|an|his|her|reporters|us|me|him|them|journalists|lawmakers|on|in"
    r"|statement|earlier|this|week|month|year)\s){0,6}?that\s"
)
_MIN_WORDS, _MAX_LENGTH, _HISTORY = 3, 500, 8
_MIN_CLAUSE = 12
_MAX_QUOTED = 0.6


_GERMAN_TRIGGERS = (
    _with_stops(
        VERBS,
        PARTICIPLES,
        "dass daß ob wonach laut Laut nach Nach zufolge so heißt hieß".split(),  # noqa: SIM905
    )
    | _MOODS
)
_TRIGGERS = {"de": _GERMAN_TRIGGERS, "en": _with_stops(ENGLISH_VERBS)}
"""Words of which a paragraph with indirect speech has at least one, with their stops."""
_SIGNS = {
    "de": _GERMAN_TRIGGERS | _with_stops(_NOUNS, ("Wie",)),
    "en": _TRIGGERS["en"] | _with_stops(("According", "according")),
}
"""Words of which a sentence with a statement has at least one, with their stops."""
_LONGEST_HEAD = 150
"""Maximum number of letters before a clause that are searched for a verb of speech."""


class Statement(NamedTuple):
    """A candidate: the range of its clause in its paragraph, its cue and its features."""

    start: int
    end: int
    cue: Cue
    features: tuple[str, ...]


Weigher = Callable[[Statement], float]


def probability(statement: Statement) -> float:
    """Return the probability that a candidate is indirect speech."""
    weigh = indirect_weights().get
    return 1 / (1 + exp(-sum([weigh(name, 0.0) for name in statement.features])))


def indirect_quotes(
    paragraphs: Sequence[Paragraph], language: str | None, weigher: Weigher = probability
) -> tuple[Quote, ...]:
    """Return the indirect quotations of a German or English text in order.

    >>> text = "Die Leiterin der Wehr sagte am Montag, dass der Damm noch lange hält."
    >>> (quote,) = indirect_quotes([Paragraph("text", text)], "de")
    >>> quote.text, quote.cue, quote.speaker
    ('dass der Damm noch lange hält', 'sagte', 'Leiterin der Wehr')
    """
    if language not in {"de", "en"}:
        return ()
    return tuple(_Finder(paragraphs, language, weigher).find())


class _Finder:
    """Finds the indirect quotations of one text in order."""

    def __init__(self, paragraphs: Sequence[Paragraph], language: str, weigher: Weigher) -> None:
        self.paragraphs, self.language, self.weigher = paragraphs, language, weigher
        self.last: Quote | None = None
        self.names: dict[str, str] = {}
        self.full_text = "\n".join(each.text for each in paragraphs)

    def find(self) -> Iterator[Quote]:
        for index, paragraph in enumerate(self.paragraphs):
            if paragraph.role not in READ_ROLES:
                continue
            text, _, breaks = mask_paragraph(paragraph.text, self.language)
            signs, told = _SIGNS[self.language], -1
            for before, start, end in zip([0, *breaks], breaks, breaks[1:], strict=False):
                if signs.isdisjoint(text[start:end].split()):
                    continue
                is_told = told == start
                statement = self._statement(text[start:end], text[before:start], is_told=is_told)
                if statement is None:
                    continue
                if not _may_tell(paragraph.text, self.language):
                    break
                share = self.weigher(statement)
                if share >= MIN_PROBABILITY:
                    told = end
                    yield self._quote(statement, paragraph.text, start, index, share)

    def _statement(self, sentence: str, before: str, *, is_told: bool) -> Statement | None:
        if len(sentence) > _MAX_LENGTH:
            return None
        found = (
            german_statement(sentence, before, is_told=is_told)
            if self.language == "de"
            else english_statement(sentence)
        )
        if found is None or found.end - found.start < _MIN_CLAUSE:
            return None
        if len(WORD.findall(sentence)) <= _MIN_WORDS:
            return None
        clause = sentence[found.start : found.end]
        return found if clause.count("§") <= _MAX_QUOTED * len(clause) else None

    def _quote(
        self, statement: Statement, text: str, offset: int, index: int, share: float
    ) -> Quote:
        clause = text[offset + statement.start : offset + statement.end]
        speaker, resolved = statement.cue.speaker, None
        if speaker:
            resolved = self._full_name(speaker)
        elif statement.cue.pronoun:
            speaker, resolved = self._pronoun(statement, index, offset)
        elif "follows" in statement.features and self.last and index - self.last.paragraph <= 1:
            speaker, resolved = self.last.speaker, self.last.speaker_resolved
        is_sought = resolved and len(self.names) < MAX_NAMES
        found = identify(resolved or "", self.full_text, self.language) if is_sought else ()
        speakers = () if any(each.kind == "unknown" for each in found) else found
        quote = Quote(
            clause,
            speaker,
            statement.cue.word,
            index,
            resolved,
            "indirect",
            speakers,
            round(share, 2),
        )
        self.last = quote
        return quote

    def _full_name(self, name: str) -> str:
        if name not in self.names and len(self.names) < MAX_NAMES:
            self.names[name] = standalone_name(full_name(name, self.full_text), self.full_text)
        return self.names.get(name, name)

    def _pronoun(
        self, statement: Statement, index: int, offset: int
    ) -> tuple[str | None, str | None]:
        """Return the pronoun of a statement, and whom it means."""
        pronoun = next(
            (each[9:] for each in statement.features if each.startswith("pronoun: ")), ""
        )
        if pronoun not in {"he", "she", "er", "sie"}:
            return pronoun or None, None
        last = None
        if self.last and self.last.speaker_resolved:
            count = min(index - self.last.paragraph, 4)
            last = LastSpeaker(self.last.speaker_resolved, f"{count} paragraphs")
        sentences = islice(self._sentences_before(index, offset), _HISTORY)
        options = person_options(pronoun, [*sentences], last, self.language, self.full_text)
        person, share = choose_person(options)
        is_clear = bool(person.name) and share >= MIN_NAMED
        return pronoun, self._full_name(person.name) if is_clear else None

    def _sentences_before(self, index: int, offset: int) -> Iterator[str]:
        """Yield the sentences before a place in a paragraph, nearest first."""
        for at in range(index, -1, -1):
            paragraph = self.paragraphs[at]
            if paragraph.role not in READ_ROLES:
                continue
            if not _may_tell(paragraph.text, self.language):
                yield paragraph.text[-_MAX_LENGTH:]
                continue
            text, _, breaks = mask_paragraph(paragraph.text, self.language)
            for start, end in reversed([*pairwise(breaks)]):
                if at < index or start < offset:
                    yield text[start:end]


def _may_tell(text: str, language: str) -> bool:
    """Check whether a paragraph can have indirect speech."""
    if language == "en" and "ccording to" in text:
        return True
    return not _TRIGGERS[language].isdisjoint(text.split())


def german_statement(sentence: str, before: str, *, is_told: bool) -> Statement | None:
    """Return the statement in a German sentence, after another sentence."""
    moods = _moods(sentence.split())
    statement = _german_source(sentence, moods)
    if statement is None and "," in sentence:
        statement = (
            _german_how(sentence, moods)
            or _german_before(sentence, moods)
            or _german_after(sentence)
        )
    return statement or _german_following(sentence, moods, before, is_told=is_told)


def _moods(words: Iterable[str]) -> tuple[str, ...]:
    if _MOODS.isdisjoint(words):
        return _INDICATIVE
    if not _STRONG.isdisjoint(words):
        return ("subjunctive", "strong subjunctive")
    if not _WEAK.isdisjoint(words):
        return ("subjunctive",)
    return ("hearsay",)


def _german_source(sentence: str, moods: tuple[str, ...]) -> Statement | None:
    """Return the statement with its source: laut der Wehr, nach Angaben von Bo Lind."""
    if " zufolge" not in sentence and "aut " not in sentence and "ach " not in sentence:
        return None
    match = ZUFOLGE.search(sentence) if " zufolge" in sentence else None
    match = match or ACCORDING.search(sentence)
    if match is not None:
        found = cue_before_german(sentence[: match.end() + 100])
        cue = found if found and found.speaker else Cue(match[0].strip(), None)
        place = sentence.find(cue.speaker, match.start()) if cue.speaker else -1
        end = max(match.end(), place + len(cue.speaker or "") if place >= 0 else 0)
        return _made(*_source_place(sentence, match.start(), end), sentence, cue, moods)
    match = _COMPOUND_SOURCE.search(sentence)
    if match is None:
        return None
    marks = (*moods, "compound")
    form, place_of = _source_place(sentence, match.start(), match.end())
    return _made(form, place_of, sentence, Cue(match[0], None), marks)


def _source_place(sentence: str, start: int, end: int) -> tuple[str, tuple[int, int]]:
    """Return the clause of a source: the whole sentence if the source is inside of it.

    >>> _source_place("Laut der Wehr hält er.", 0, 13), _source_place("Er hält, laut Wehr.", 7, 18)
    (('source', (13, 22)), ('source after', (0, 7)))
    """
    if len(sentence.rstrip(" .")) - end < _MIN_CLAUSE // 2:
        return "source after", (0, start)
    is_inside = len(sentence[:start].split()) > 1
    return ("source inside", (0, len(sentence))) if is_inside else ("source", (end, len(sentence)))


def _german_how(sentence: str, moods: tuple[str, ...]) -> Statement | None:
    """Return the main clause: Wie die Wehr mitteilte, hält der Damm."""
    match = _HOW.match(sentence) if sentence.startswith("Wie") else None
    if match is None:
        return None
    words = WORD.findall(match["head"])
    verb = next((each for each in reversed(words) if each in VERBS or each in PARTICIPLES), None)
    cue = cue_after_german(f", wie {match['head']}") or Cue(verb, None)
    told = f"verb {verb}" if verb else "no verb of speech"
    return _made("how", (match.end(), len(sentence)), sentence, cue, (*moods, told), match["head"])


def _german_before(sentence: str, moods: tuple[str, ...]) -> Statement | None:
    """Return the clause after a verb or noun of speech: sagte, dass."""
    is_bare = moods == _INDICATIVE and not ("zu" in sentence and _INFINITIVE.search(sentence))
    if is_bare and not _CONJUNCTION.search(sentence):
        return None
    for match in _GERMAN_CLAUSE.finditer(sentence):
        head = sentence[: match.start()]
        words = WORD.findall(head[-_LONGEST_HEAD:])
        spoken = [word for word in words if word in VERBS or word in PARTICIPLES]
        noun = _GERMAN_NOUNS.search(head[-40:])
        if not spoken and not noun and match["word"] not in {"dass", "daß", "ob", "wonach"}:
            continue
        rest = sentence[match.end() :]
        clause_words = WORD.findall(rest)
        mood = _moods(clause_words)
        conjunction = match["word"]
        infinitive = _INFINITIVE.search(rest) is not None
        if not conjunction and mood == _INDICATIVE and not infinitive:
            continue
        kinds = [f"conjunction {conjunction}" if conjunction else "no conjunction"]
        kinds += ["infinitive"] if infinitive else []
        kinds += [f"verb {spoken[-1]}"] if spoken else ["noun of speech" if noun else "no speech"]
        kinds += [f"before {words[-1][-4:]}"] if words and not spoken else []
        cue = cue_before_german(head) or Cue(spoken[-1] if spoken else None, None)
        start = match.end() - (len(conjunction) + 1 if conjunction else 0)
        return _made("clause", (start, len(sentence)), sentence, cue, (*mood, *kinds), head)
    return None


def _german_after(sentence: str) -> Statement | None:
    """Return the clause before a verb of speech: Der Damm halte, sagte Bo Lind."""
    for match in _AFTER_GERMAN.finditer(sentence):
        verb = match["verb"]
        if verb not in VERBS and verb not in {"so", "laut", "heißt", "hieß"}:
            continue
        inner = sentence[: match.start()].split()
        mood = _moods(inner)
        if mood == _INDICATIVE and _FINITE.isdisjoint(inner):
            continue  # Bo Lind, Chef der Wehr, lobte den Damm
        rest = sentence[match.start() :]
        cue = cue_after_german(rest)
        if cue is None or not (cue.speaker or cue.pronoun or verb in {"heißt", "hieß"}):
            continue
        return _made("verb after", (0, match.start()), sentence, cue, (*mood, f"verb {verb}"), rest)
    return None


def _german_following(
    sentence: str, moods: tuple[str, ...], before: str, *, is_told: bool
) -> Statement | None:
    """Return a sentence in the subjunctive, which continues an indirect statement."""
    if moods == _INDICATIVE:
        return None
    is_told = is_told or "§§" in before or not VERBS.isdisjoint(WORD.findall(before))
    told = ("after a statement",) if is_told else ("after no statement",)
    return _made("follows", (0, len(sentence)), sentence, Cue(None, None), (*moods, *told))


def english_statement(sentence: str) -> Statement | None:
    """Return the statement in an English sentence."""
    match = _ENGLISH_ACCORDING.search(sentence) if "ccording to" in sentence else None
    if match is not None:
        return _english_source(sentence, match)
    return _english_after(sentence) or _english_before(sentence)


def _english_source(sentence: str, match: re.Match[str]) -> Statement | None:
    cue = cue_before_english(sentence[match.start() : match.start() + 120])
    if cue is None or not cue.speaker:
        return None
    if not sentence[: match.start()].strip(" ,"):
        comma = sentence.find(", ", match.end())
        return _made("source", (comma + 2, len(sentence)), sentence, cue, ()) if comma > 0 else None
    return _made("source after", (0, match.start()), sentence, cue, ())


def _english_after(sentence: str) -> Statement | None:
    """Return the clause before a verb of speech at the end: It will hold, Ann Lee said."""
    place = sentence.rfind(", ")
    while place > _MIN_CLAUSE:
        clause, rest = sentence[:place], sentence[place:]
        if _ENGLISH_FINITE.search(clause) and not _NO_CLAUSE_START.match(clause):
            cue = cue_after_english(rest)
            if cue is not None and cue.word in ENGLISH_VERBS and _ends(rest, cue):
                told = (f"verb {cue.word}", *(("after a verb",) if "§" in clause else ()))
                return _made("verb after", (0, place), sentence, cue, told, rest)
        place = sentence.rfind(", ", 0, place)
    return None


def _ends(rest: str, cue: Cue) -> bool:
    """Check whether a verb and its speaker open the rest, and only circumstances follow."""
    if not (cue.speaker or cue.pronoun) or cue.word is None:
        return False
    opening = _ARTICLE_BEHIND.sub("", rest, count=1)
    if not cue.pronoun and not opening.startswith((cue.word, cue.speaker or cue.word)):
        return False
    ends = [rest.find(cue.word) + len(cue.word)]
    if cue.speaker:
        ends.append(rest.find(cue.speaker) + len(cue.speaker))
    elif (pronoun := _PRONOUN_BEHIND.match(rest, ends[0])) is not None:
        ends.append(pronoun.end())
    return _ENGLISH_END.match(rest, max(ends)) is not None


_ARTICLE_BEHIND = re.compile(r"\A,\s(?:(?:the|an?|his|her|their|one|our|some)\s)?")
_PRONOUN_BEHIND = re.compile(r"\s(?:he|she|they)\b")


def _english_before(sentence: str) -> Statement | None:
    """Return the clause after a verb of speech: Ann Lee said that it will hold."""
    for match in WORD.finditer(sentence):
        verb = match[0]
        if verb not in ENGLISH_VERBS or verb in _NO_CLAUSE_VERBS:
            continue
        rest = sentence[match.end() + 1 :]
        objects = _ENGLISH_OBJECTS.match(rest)
        first = WORD.match(rest)
        word = first[0] if first else ""
        starts = word.casefold() in _ENGLISH_STARTS or word[:1].isupper()
        if not objects and not (starts and _ENGLISH_FINITE.search(rest[:70])):
            continue
        head = sentence[: match.end()]
        cue = cue_before_english(head)
        if cue is None or cue.word != verb or not (cue.speaker or cue.pronoun):
            continue
        start = match.end() + 1 + (objects.end() if objects else 0)
        kinds = (f"verb {verb}", "that" if objects else f"starts {word.casefold()}")
        return _made("clause", (start, len(sentence)), sentence, cue, kinds, head)
    return None


def _made(
    form: str, place: tuple[int, int], sentence: str, cue: Cue, marks: Sequence[str], near: str = ""
) -> Statement:
    """Return a statement without the blanks and stops around its clause."""
    start, end = place
    clause = sentence[start:end].partition(": §")[0]
    end = start + len(clause)
    start += len(clause) - len(clause.lstrip(" ,:–—-"))
    end -= len(clause) - len(clause.rstrip(" ,.:;–—-"))
    names = [form, *marks, *(f"{form} {mark}" for mark in marks)]
    if cue.speaker:
        kinds = noun_kinds(
            cue.speaker.split(" (")[0].split(" ")[0 if " der " in cue.speaker else -1]
        )
        names.append(f"speaker {kinds[0]}" if kinds else "speaker")
    elif cue.pronoun:
        word = next((each for each in WORD.findall(near) if each.casefold() in PRONOUNS), "")
        names += ["with pronoun", f"pronoun: {word.casefold()}"]
    else:
        names.append("no speaker")
    quoted = clause.count("§")
    if quoted:
        names += ["quoted words", "mostly quoted" if 3 * quoted > len(clause) else "partly quoted"]
    if sentence.rstrip().endswith("?"):
        names.append("question")
    names.append("long" if end - start > 80 else "short" if end - start < 40 else "middle")
    return Statement(start, end, cue, ("always", *names))


@cache
def indirect_weights() -> Mapping[str, float]:
    """Return the fitted weight of each feature."""
    text = resources.files(__package__).joinpath("indirect.toml").read_text("utf-8")
    fitted: dict[str, float] = tomllib.loads(text)["weights"]
    return fitted
