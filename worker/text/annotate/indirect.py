"""Find indirect speech: statements of a person that a text repeats in its own words.

Each clause next to a verb of speech ("sagte, dass", "said that"), a source ("laut", "according to")
or in the subjunctive after another statement is a candidate; the weights that
`bench/fit/indirect.py` fitted give the probability that it is indirect speech.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from math import exp
from typing import NamedTuple

from storage.values.draft import Paragraph, Quote
from worker.text.annotate.cue import PRONOUNS, WORD, Cue
from worker.text.annotate.cues_english import (
    AUXILIARY,
    BARE_SOURCE,
    CLAUSE_CUES,
    CLAUSE_END,
    CLAUSE_VERBS,
    NO_CLAUSE_START,
    SAYS,
    SOURCE_INSIDE,
    SPEAKING,
    SURE_VERBS,
    bare_cue_after,
    cue_after_english,
    cue_before_english,
    cue_of_clause,
)
from worker.text.annotate.cues_english import FINITE as ENGLISH_FINITE
from worker.text.annotate.cues_german import (
    ACCORDING,
    AUXILIARIES,
    COMPOUND_SOURCE,
    PARTICIPLES,
    SPEECH_NOUN,
    SPEECH_NOUNS,
    TOLD,
    VERBS,
    ZUFOLGE,
    according_cue,
    cue_after_german,
    cue_before_german,
    perfect_cue,
)
from worker.text.annotate.fitted import load_weights
from worker.text.annotate.masked import mask_paragraph
from worker.text.annotate.moods import (
    HEARSAY,
    INDICATIVE,
    MOODS,
    OPENING,
    SUBJUNCTIVE_FORM,
    find_subjunctive_form,
    moods_of,
    with_stops,
)
from worker.text.annotate.quotes import MAX_NAMES, READ_ROLES
from worker.text.annotate.speaker.able import can_speak
from worker.text.annotate.speaker.german_words import FINITE, noun_kinds
from worker.text.annotate.speaker.identify import identify
from worker.text.annotate.speaker.persons import (
    MIN_NAMED,
    LastSpeaker,
    choose_person,
    person_options,
)
from worker.text.annotate.speaker.resolve import full_name, standalone_name

MIN_PROBABILITY = {"de": 0.65, "en": 0.65}
"""The least probability of indirect speech, chosen as bench/results/measurements.md says."""
_FINITE = with_stops(FINITE)
_CONJUNCTIONS = "dass|daß|ob|wie|wann|warum|weshalb|wer|was|wo|wohin|wonach"
_GERMAN_CLAUSE = re.compile(rf"[,:]\s(?!§)(?:(?P<word>{_CONJUNCTIONS})\s)?")
_CONJUNCTION = re.compile(rf",\s(?:{_CONJUNCTIONS})\s")
_AS = re.compile(
    r",\swie\s(?P<head>[^;:]{2,140}?\b(?P<verb>[a-zäöüß]*(?:te|t|ten|gab|wies|ieb|ieben|ief)))(?=[,;:]|\.?\s*\Z)"
)
_BACK = ("Das ", "Dies ")
_BEHIND = re.compile(r"(?:Das|Dies)\s(?P<verb>\w+)\s")
_FIRST_PERSON = frozenset("ich mich mir mein meine wir uns unser unsere Ich Wir Mein Meine".split())  # noqa: SIM905
_MINE = with_stops(_FIRST_PERSON)
_ENDS = frozenset({"sein", "haben", "werden"})
_HOW = re.compile(
    r"(?:Denn w|Und w|W)ie\s(?P<head>[^;:]{4,180}?\b[a-zäöüß]{2,}),\s(?=[a-zäöüß]+\s)"
)
_AFTER_GERMAN = re.compile(r",\s(?P<link>wie\s|das\s|dies\s|so\s)?(?P<verb>[a-zäöüß]+|laut|so)\s")
_FINITE_FORM = re.compile(r"\s[a-zäöüß]{2,}(?:te|ten|t|en|arb|ab|am|ing|ieß|iel|ief|og|ug)\b")
_SPOKEN = VERBS | PARTICIPLES | TOLD
_SPEECH = with_stops(VERBS, PARTICIPLES)
_INFINITIVE = re.compile(r"\s(?:zu\s[a-zäöüß]+en|[a-zäöüß]{3,}zu[a-zäöüß]{2,}en)\b")


_ENGLISH_ACCORDING = re.compile(r"\b[Aa]ccording to\s")
_ENGLISH_STARTS = frozenset(
    "the a an he she it they there this these those his her its their we i you some many most no"  # noqa: SIM905
    " all both more one two three".split()
)
_PREPOSITIONS = frozenset("on in at to during after before of with about".split())  # noqa: SIM905
_TELLING = frozenset("i we you he she they it this that which who data research study".split())  # noqa: SIM905
_PARTICIPLE_BEHIND = re.compile(r"\s(?:seen|[a-z]+ed)\Z")
_PASSIVE = re.compile(r"\b(?:is|are|was|were|been|being)\s(?:\w+ly\s|also\s)?\Z")
_ENGLISH_OBJECTS = re.compile(r"(?:[\w'’.-]+\s){0,9}?that\s")
_LISTENER = re.compile(r"(?:the\s|his\s|her\s)?[\w'’.-]+(?:\s[A-Z][\w'’.-]*){0,2}\s")
_TELLS = frozenset({"told", "tells", "warned", "assured", "informed"})
_ONLY_THAT = frozenset(
    "accused added adds denied denies concluded maintained wrote".split()  # noqa: SIM905
)
"""Verbs with an object: only a pronoun or "that" opens what somebody says after them."""
_REACH, _LONG_REACH = 70, 120
"""Letters after a verb of speech, and after "said", in which the verb of the clause is sought."""
_THIRD_PERSONS = frozenset({"he", "she", "it", "they"})
_NEAR_THAT = 2
_CLAUSE_OPENERS = frozenset("Weil Als Nachdem Während Da Wenn Obwohl Nach".split())  # noqa: SIM905
_RELATIVE = frozenset(
    "nachdem während weil wenn als obwohl damit indem bevor da sobald falls um den dem deren dessen"  # noqa: SIM905
    " welche welcher welches wobei womit worin und aber sondern".split()
)
_RELATIVE_BEGIN = re.compile(r"[a-zäöüß]{2,6}\s(?:de[mnr]|denen|deren|dessen|das|die)\s")
_NOBODY = frozenset({"alles", "Alles", "Gerücht", "Gerüchte"})
_SUBORDINATE = _RELATIVE | {"ohne", "statt", "der", "die", "das"}
_MIN_WORDS, _MAX_LENGTH, _HISTORY = 3, 500, 8
_MIN_CLAUSE = 12
_MAX_QUOTED = 0.85


_SIGNS = {
    "de": _SPEECH
    | MOODS
    | with_stops(
        "dass daß ob wonach laut Laut nach Nach gemäß Gemäß zufolge so heißt hieß".split(),  # noqa: SIM905
        "demnach Demnach Danach Demzufolge Wie wie".split(),  # noqa: SIM905
        SPEECH_NOUNS,
    )
    | {f"{word}," for word in TOLD},
    "en": with_stops(CLAUSE_VERBS, SPEAKING, ("According", "according")),
}
"""Words of which a sentence with indirect speech has at least one, with their stops."""
_LONGEST_HEAD = 150
"""Maximum number of letters before a clause that are searched for a verb of speech."""


class Around(NamedTuple):
    """The text around a sentence, and whether the sentence before it is indirect speech."""

    before: str
    after: str
    is_told: bool


class Statement(NamedTuple):
    """A candidate: the range of its clause in its paragraph, its cue and its features."""

    start: int
    end: int
    cue: Cue
    features: tuple[str, ...]


Weigher = Callable[[Statement, str], float]
"""Returns how probable it is that a statement with these words is indirect speech."""


def probability(statement: Statement, _words: str = "") -> float:
    """Return the probability that a candidate is indirect speech."""
    weigh = load_weights("indirect").get
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
                sentence = text[start:end]
                has_sign = told == start or not signs.isdisjoint(sentence.split())
                if not has_sign and not (text.startswith(_BACK, end) and _verb_behind(text, end)):
                    continue
                around = Around(text[before:start], text[end : end + _LONGEST_HEAD], told == start)
                for statement in self._statements(sentence, around):
                    words = paragraph.text[start + statement.start : start + statement.end]
                    share = self.weigher(statement, words)
                    if share >= MIN_PROBABILITY[self.language]:
                        told = end
                        yield self._quote(statement, words, start, index, share)
                        break

    def _statements(self, sentence: str, around: Around) -> Iterator[Statement]:
        """Yield the candidates of a sentence."""
        if len(sentence) > _MAX_LENGTH:
            return
        is_english = self.language == "en"
        found = english_statements(sentence) if is_english else german_statements(sentence, around)
        for each in filter(None, found):
            clause = sentence[each.start : each.end]
            is_long = len(clause) >= _MIN_CLAUSE and len(WORD.findall(sentence)) > _MIN_WORDS
            if is_long and clause.count("§") <= _MAX_QUOTED * len(clause):
                yield each

    def _quote(
        self, statement: Statement, clause: str, offset: int, index: int, share: float
    ) -> Quote:
        speaker, resolved = statement.cue.speaker, None
        if speaker:
            is_sure = statement.cue.word in SURE_VERBS
            is_able = can_speak(speaker, self.full_text, self.language, is_sure=is_sure)
            speaker = speaker if is_able else None
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
            text, _, breaks = mask_paragraph(paragraph.text, self.language)
            for start, end in reversed([*pairwise(breaks)]):
                if at < index or start < offset:
                    yield text[start:end]


def german_statements(sentence: str, around: Around) -> Iterator[Statement | None]:
    """Yield the candidates of a German sentence by form, the clearest form first."""
    moods = moods_of(sentence.split())
    yield _german_source(sentence, moods)
    if "," in sentence:
        yield _german_how(sentence, moods)
        yield _german_as(sentence, moods)
        yield _german_before(sentence, moods)
        yield _german_after(sentence)
    elif ": " in sentence and ": §" not in sentence:
        yield _german_before(sentence, moods)
    if moods != INDICATIVE or around.is_told or "§§" in around.before:
        yield _german_following(sentence, moods, around)
    if around.after.startswith(_BACK):
        yield _german_behind(sentence, moods, around.after)


def _german_source(sentence: str, moods: tuple[str, ...]) -> Statement | None:
    """Return the statement with its source: laut der Wehr, nach Angaben von Bo Lind."""
    if (
        " zufolge" not in sentence
        and "aut " not in sentence
        and "ach " not in sentence
        and "emäß " not in sentence
    ):
        return None
    match = ZUFOLGE.search(sentence) if " zufolge" in sentence else None
    match = match or ACCORDING.search(sentence)
    if match is not None:
        if sentence.startswith("geworden", match.end()):
            return None
        found = according_cue(sentence[max(match.start() - 60, 0) : match.end() + 100])
        cue = found if found and found.speaker else Cue(match[0].strip(), None)
        place = sentence.find(cue.speaker, match.start()) if cue.speaker else -1
        end = max(match.end(), place + len(cue.speaker or "") if place >= 0 else 0)
        return _made(*_source_place(sentence, match.start(), end), sentence, cue, moods)
    match = COMPOUND_SOURCE.search(sentence)
    if match is None:
        return None
    marks = (*moods, f"source {(match['noun'] or match['adverb'])[-6:].casefold()}")
    form, place_of = _source_place(sentence, match.start(), match.end())
    return _made(form, place_of, sentence, Cue(match[0], None), marks)


def _german_as(sentence: str, moods: tuple[str, ...]) -> Statement | None:
    """Return the main clause: Der Damm hält, wie die Wehr am Montag mitteilte."""
    match = _AS.search(sentence) if ", wie " in sentence else None
    if match is None:
        return None
    verb = match["verb"]
    cue = cue_after_german(match[0]) or Cue(verb, None)
    told = (f"verb {verb}" if verb in VERBS or verb in PARTICIPLES else "no verb of speech",)
    return _made("as", (0, match.start()), sentence, cue, (*moods, *told), match["head"])


def _german_behind(sentence: str, moods: tuple[str, ...], after: str) -> Statement | None:
    """Return a sentence of which the next one names the source: Das teilte die Wehr mit."""
    verb = _verb_behind(after)
    if verb is None:
        return None
    cue = cue_before_german(after) or Cue(verb, None)
    return _made("behind", (0, len(sentence)), sentence, cue, (*moods, f"verb {verb}"), after)


def _verb_behind(text: str, start: int = 0) -> str | None:
    """Return the verb of speech of a sentence about the one before it: Das teilte die Wehr mit."""
    match = _BEHIND.match(text, start)
    return match["verb"] if match and match["verb"] in VERBS else None


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
    match = _HOW.match(sentence)
    if match is None:
        return None
    words = WORD.findall(match["head"])
    verb = next((each for each in reversed(words) if each in VERBS or each in PARTICIPLES), None)
    cue = cue_after_german(f", wie {match['head']}") or Cue(verb, None)
    told = f"verb {verb}" if verb else "no verb of speech"
    return _made("how", (match.end(), len(sentence)), sentence, cue, (*moods, told), match["head"])


def _german_before(sentence: str, moods: tuple[str, ...]) -> Statement | None:
    """Return the clause after a verb or noun of speech: sagte, dass."""
    if (
        moods == INDICATIVE
        and not ("zu" in sentence and _INFINITIVE.search(sentence))
        and not _CONJUNCTION.search(sentence)
        and _SPEECH.isdisjoint(sentence[: sentence.rfind(", ")].split())
    ):
        return None
    for match in _GERMAN_CLAUSE.finditer(sentence):
        head = sentence[: match.start()]
        words = WORD.findall(head[-_LONGEST_HEAD:])
        spoken = [each for each in words if each in _SPOKEN] if _SPOKEN & {*words} else []
        noun = SPEECH_NOUN.search(head[-40:])
        if not spoken and not noun and match["word"] not in {"dass", "daß", "ob", "wonach"}:
            continue
        rest = sentence[match.end() :]
        clause_words = WORD.findall(rest)
        conjunction = match["word"]
        mood, is_needed = moods_of(clause_words), sentence[match.start()] == ":"
        if mood == INDICATIVE and not conjunction and find_subjunctive_form(rest):
            mood, is_needed = SUBJUNCTIVE_FORM, True
        if is_needed and (mood in (INDICATIVE, HEARSAY) or VERBS.isdisjoint(spoken)):
            continue
        infinitive = _INFINITIVE.search(rest) is not None
        is_bare = not conjunction and mood == INDICATIVE and not infinitive
        first = clause_words[0] if clause_words else ""
        if is_bare and (not spoken or spoken[-1] in TOLD or first in _RELATIVE or _says(rest)):
            continue
        kinds = [f"conjunction {conjunction}" if conjunction else "no conjunction"]
        kinds += ["infinitive"] if infinitive else []
        kinds += _marks_of_head(words, spoken, noun=noun is not None)
        is_subordinate = first in _SUBORDINATE or _RELATIVE_BEGIN.match(rest)
        kinds += ["begins a clause"] if is_subordinate else []
        if is_bare:
            kinds += ["bare", f"bare {'opening' if first in OPENING else 'other'}"]
            if not _FINITE_FORM.search(rest) and _FINITE.isdisjoint(rest.split()):
                kinds.append("no finite verb")
        cue = _cue_of_head(head, spoken)
        if is_needed and not (cue.speaker or cue.pronoun):
            continue
        start = match.end() - (len(conjunction) + 1 if conjunction else 0)
        return _made("clause", (start, len(sentence)), sentence, cue, (*mood, *kinds), head)
    return None


def _says(clause: str) -> bool:
    """Check whether a clause has a verb of speech before another one."""
    first, comma, _ = clause.partition(", ")
    return bool(comma) and not VERBS.isdisjoint(first.split())


def _marks_of_head(words: Sequence[str], spoken: Sequence[str], *, noun: bool) -> Iterator[str]:
    """Yield the evidence of the words before a clause, some of which may be verbs of speech."""
    if spoken:
        yield f"verb {spoken[-1]}"
        gap = words[::-1].index(spoken[-1])
        yield "verb at the comma" if gap == 0 else "verb near" if gap < 6 else "verb far"
    else:
        yield "noun of speech" if noun else "no speech"
        yield f"before {words[-1][-4:]}" if words else "before nothing"
    if not _MINE.isdisjoint(words):
        yield "first person before"
    if not _NOBODY.isdisjoint(words):
        yield "nobody before"


def _cue_of_head(head: str, spoken: Sequence[str]) -> Cue:
    """Return the cue before a clause: a verb of speech, or any verb in the perfect."""
    cue = cue_before_german(head) or Cue(spoken[-1] if spoken else None, None)
    if cue.speaker or cue.pronoun or AUXILIARIES.isdisjoint(head.split()):
        return cue
    perfect = perfect_cue(cue.word or "", head, [*WORD.finditer(head)])
    return perfect if perfect.speaker or perfect.pronoun else cue


def _german_after(sentence: str) -> Statement | None:
    """Return the clause before a verb of speech: Der Damm halte, sagte Bo Lind."""
    for match in _AFTER_GERMAN.finditer(sentence):
        verb = match["verb"]
        if match["link"] == "so " and verb not in VERBS:
            verb = "so"
        if verb not in VERBS and verb not in {"so", "laut", "heißt", "hieß"}:
            continue
        inner = sentence[: match.start()].split()
        mood = moods_of(inner)
        is_finite = mood != INDICATIVE or not _FINITE.isdisjoint(inner)
        if (
            not is_finite
            and inner
            and "§" not in inner[-1]
            and find_subjunctive_form(sentence, match.start())
        ):
            mood, is_finite = SUBJUNCTIVE_FORM, True
        if not is_finite and (
            not inner
            or (inner[0] in _CLAUSE_OPENERS and verb != "so")
            or not _FINITE_FORM.search(sentence, 0, match.start())
        ):
            continue  # Bo Lind, Chef der Wehr, lobte den Damm
        rest = sentence[match.start() :]
        cue = cue_after_german(rest)
        if cue is None or not (cue.speaker or cue.pronoun or verb in VERBS):
            continue
        told = (*mood, f"verb {verb}", *(() if is_finite else ("no finite verb",)))
        return _made("verb after", (0, match.start()), sentence, cue, told, rest)
    return None


def _german_following(sentence: str, moods: tuple[str, ...], around: Around) -> Statement | None:
    """Return a sentence in the subjunctive, which continues an indirect statement."""
    before = around.before
    if moods == INDICATIVE:
        verb = find_subjunctive_form(sentence)
        if verb is None:
            return None
        moods = ("by form", "by form, as the past" if verb.endswith("te") else "by form, clear")
    is_told = around.is_told or "§§" in before or not VERBS.isdisjoint(WORD.findall(before))
    told = ("after a statement",) if is_told else ("after no statement",)
    return _made("follows", (0, len(sentence)), sentence, Cue(None, None), (*moods, *told))


def english_statements(sentence: str) -> Iterator[Statement | None]:
    """Yield the candidates of an English sentence by form, the clearest form first."""
    match = _ENGLISH_ACCORDING.search(sentence) if "ccording to" in sentence else None
    if match is not None:
        yield _english_source(sentence, match)
    else:
        yield _english_after(sentence)
        if sentence.count(", ") > 1:
            yield _english_inside(sentence)
    yield from _english_before(sentence)


def _english_source(sentence: str, match: re.Match[str]) -> Statement | None:
    cue = cue_before_english(sentence[match.start() : match.start() + 120])
    if cue is None or not cue.speaker:
        named = BARE_SOURCE.match(sentence, match.end())
        if named is None:
            return None
        cue = Cue(match[0].strip(), named["speaker"])
    cue = Cue(cue.word, _PARTICIPLE_BEHIND.sub("", cue.speaker or ""))
    if not sentence[: match.start()].strip(" ,"):
        comma = sentence.find(", ", match.end())
        if sentence.startswith("with ", comma + 2):
            return None
        return _made("source", (comma + 2, len(sentence)), sentence, cue, ()) if comma > 0 else None
    is_finite = ENGLISH_FINITE.search(sentence, 0, match.start()) is not None
    is_inside = not is_finite and ENGLISH_FINITE.search(sentence, match.end()) is not None
    end = len(sentence) if is_inside else match.start()
    marks = () if is_finite or is_inside else ("no finite verb",)
    return _made("source inside" if is_inside else "source after", (0, end), sentence, cue, marks)


def _english_after(sentence: str) -> Statement | None:
    """Return the clause before a verb of speech at the end: It will hold, Ann Lee said."""
    place = sentence.rfind(", ")
    while place > _MIN_CLAUSE:
        clause, rest = sentence[:place], sentence[place:]
        if ENGLISH_FINITE.search(clause) and not NO_CLAUSE_START.match(clause):
            cue = cue_after_english(rest)
            if cue is not None and not (cue.speaker or cue.pronoun):
                cue = bare_cue_after(rest) or cue
            if cue is not None and cue.word in CLAUSE_VERBS and _ends(rest, cue):
                told = (f"verb {cue.word}", *(("after a verb",) if "§" in clause else ()))
                told += (f"then {_word_after(rest, cue.word)}",)
                return _made("verb after", (0, place), sentence, cue, told, rest)
        place = sentence.rfind(", ", 0, place)
    return None


def _english_inside(sentence: str) -> Statement | None:
    """Return a sentence with its source between commas: That, Ann Lee says, will help."""
    match = SOURCE_INSIDE.search(sentence)
    if match is None or match["verb"] not in CLAUSE_VERBS:
        return None
    speaker = match["speaker"]
    is_pronoun = speaker in _THIRD_PERSONS
    cue = Cue(match["verb"], None if is_pronoun else speaker, is_pronoun)
    mark = f"verb {match['verb']}"
    return _made("said inside", (0, len(sentence)), sentence, cue, (mark,), match[0])


def _word_after(rest: str, verb: str) -> str:
    """Return what follows a verb: nothing, a name, a word with meaning for it, another one."""
    after = rest[rest.find(verb) + len(verb) :].lstrip(" ")
    first = WORD.match(after)
    return _form_of(first[0]) if first else "a stop" if after else "nothing"


def _form_of(word: str) -> str:
    lowered = word.casefold()
    if lowered in _ENGLISH_STARTS:
        return "article or pronoun"
    if lowered in _PREPOSITIONS:
        return "preposition"
    return "capital" if word[:1].isupper() else "small"


def _subject_of(head: str) -> str:
    """Return the word before a verb if it is a sign of a speaker, or the opposite."""
    word = (head.split() or [""])[-1].casefold()
    if word.isdigit():
        return "digit"
    return word if word in _TELLING else "other"


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
    return CLAUSE_END.match(rest, max(ends)) is not None


_ARTICLE_BEHIND = re.compile(r"\A,\s(?:(?:the|an?|his|her|their|one|our|some)\s)?")
_PRONOUN_BEHIND = re.compile(r"\s(?:he|she|they)\b")


def _english_before(sentence: str) -> Iterator[Statement]:
    """Yield the clauses after verbs of speech: Ann Lee said that it will hold."""
    verbs = CLAUSE_CUES.intersection(WORD.findall(sentence))
    for match in WORD.finditer(sentence) if verbs else ():
        verb = match[0]
        if verb not in verbs:
            continue
        is_participle = verb in SPEAKING
        rest = sentence[match.end() + 1 :]
        objects = _ENGLISH_OBJECTS.match(rest) or (
            _LISTENER.match(rest) if verb in _TELLS else None
        )
        first = WORD.match(rest, objects.end() if objects else 0)
        word = first[0] if first else ""
        starts = word.casefold() in _ENGLISH_STARTS or word[:1].isupper() or verb in SAYS
        is_that = objects is not None and objects[0].endswith("that ")
        is_bare = starts and (verb not in _ONLY_THAT or word in _THIRD_PERSONS)
        near = rest[: _LONG_REACH if verb in SAYS else _REACH]
        if not is_that and not (is_bare and ("§" in near or ENGLISH_FINITE.search(near))):
            continue
        head = sentence[: match.start()]
        passive = _PASSIVE.search(head)
        is_participle = is_participle and passive is None
        if is_participle and not head.endswith((", ", "§ ")):
            continue
        cue = cue_of_clause(sentence, match, is_participle=is_participle)
        if passive and is_that and verb not in SPEAKING:
            cue = Cue(verb, None)
        if cue is None:
            continue
        start = match.end() + 1 + (objects.end() if objects else 0)
        opening = WORD.match(sentence, start)
        is_far = is_that and objects and objects[0].count(" ") > _NEAR_THAT
        kinds = (
            f"verb {verb}",
            *(("participle",) if is_participle else ()),
            *(("passive",) if passive else ()),
            *(("that far",) if is_far else ()),
            "that" if is_that else f"starts {word.casefold()}",
            f"opens {_form_of(opening[0] if opening else '')}",
            f"subject {_subject_of(head)}",
            "auxiliary" if AUXILIARY.search(near) else "no auxiliary",
        )
        yield _made("clause", (start, len(sentence)), sentence, cue, kinds, sentence[: match.end()])


def _made(
    form: str, place: tuple[int, int], sentence: str, cue: Cue, marks: Sequence[str], near: str = ""
) -> Statement:
    """Return a statement without the blanks and stops around its clause."""
    start, end = place
    clause = sentence[start:end].partition(": §")[0]
    end = start + len(clause)
    start += len(clause) - len(clause.lstrip(" ,:–—-"))
    end -= len(clause) - len(clause.rstrip(" ,.:;–—-"))
    names = [form, *marks, *[f"{form} {mark}" for mark in marks]]
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
    pieces = clause.split()
    if not _MINE.isdisjoint(pieces):
        names.append("first person")
    if "hearsay" in marks:
        last = pieces[-1].strip(" ,.;:") if pieces else ""
        names.append(f"hearsay ends {last if last in _ENDS else 'otherwise'}")
    names += [f"begins {pieces[0]}"] if form == "follows" and pieces else []
    if sentence.rstrip().endswith("?"):
        names.append("question")
    names.append("long" if end - start > 80 else "short" if end - start < 40 else "middle")
    return Statement(start, end, cue, ("always", *names))
