"""Find the candidates of indirect speech in German sentences, by the form of each sentence.

The mood of a clause is one sign: indicative, subjunctive by a known verb or its form, hearsay.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from storage.language.word_lists import word_list
from worker.text.annotate.cue import PRONOUNS, WORD, Cue
from worker.text.annotate.cues_german import (
    ACCORDING,
    AUXILIARIES,
    COMPOUND_SOURCE,
    PARTICIPLES,
    SPEAKER,
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
from worker.text.annotate.speaker.german_words import (
    FINITE,
    NO_SPEAKER,
    SUBJUNCTIVE,
    noun_kinds,
)

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
_RELATIVE_START = re.compile(r"(?:d(?:er|ie|as|en|em|es)|eine?) (?:d(?:er|ie|as|en|em|es)|eine?) ")
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
    if match is None or _RELATIVE_START.match(text):
        return None
    verb: str = match["verb"]
    return verb if verb not in _NO_VERBS and _ends_subject(match) else None


def _ends_subject(match: re.Match[str]) -> bool:
    """Check whether the word before a verb ends a subject: a noun, a name, or the first pronoun."""
    word = match["before"]
    if word.islower() or match.start() == 0:
        return match.start() == 0 and (word.casefold() in _SUBJECTS or word not in NO_SPEAKER)
    return word.casefold() not in word_list("measures")


_FINITE = with_stops(FINITE)
_CONJUNCTIONS = "dass|daß|ob|wie|wann|warum|weshalb|wer|was|wo|wohin|wonach"
_GERMAN_CLAUSE = re.compile(rf"[,:]\s(?!§)(?:(?P<word>{_CONJUNCTIONS})\s)?")
_CONJUNCTION = re.compile(rf",\s(?:{_CONJUNCTIONS})\s")
_AS = re.compile(
    r",\swie\s(?P<head>[^;:]{2,140}?\b(?P<verb>[a-zäöüß]*(?:te|t|ten|gab|wies|ieb|ieben|ief)))(?=[,;:]|\.?\s*\Z)"
)
BACK = ("Das ", "Dies ")
_BEHIND = re.compile(r"(?:Das|Dies)\s(?P<verb>\w+)\s")
_FIRST_PERSON = frozenset("ich mich mir mein meine wir uns unser unsere Ich Wir Mein Meine".split())  # noqa: SIM905
_MINE = with_stops(_FIRST_PERSON)
_I = with_stops(("ich", "Ich"))
"""Subjects with which the first subjunctive has the form of the indicative: ich habe, ich gehe."""
_ENDS = frozenset({"sein", "haben", "werden"})
_HOW = re.compile(
    r"(?:Denn w|Und w|W)ie\s(?P<head>[^;:]{4,180}?\b[a-zäöüß]{2,}),\s(?=[a-zäöüß]+\s)"
)
_AFTER_GERMAN = re.compile(r",\s(?P<link>wie\s|das\s|dies\s|so\s)?(?P<verb>[a-zäöüß]+|laut|so)\s")
_STANCES = frozenset("davon darauf dahin darüber damit daran dafür fest klar".split())  # noqa: SIM905
_STANCE_VERB = re.compile(
    r"\s(?P<verb>[a-zäöüß]{3,}t(?:e|en)?|[a-zäöüß]{2,}en|ging|hielt|stand|wies)\s"
)
_SO_INSIDE = re.compile(
    r",\sso\s(?:de[rm]|die|das|eine?)?\s?(?P<speaker>[A-ZÄÖÜ][^,;:§]{1,60}),\s(?!dass|der|die|das|und|aber|wie)"
)
_FINITE_FORM = re.compile(r"\s[a-zäöüß]{2,}(?:te|ten|t|en|arb|ab|am|ing|ieß|iel|ief|og|ug)\b")
_SPOKEN = VERBS | PARTICIPLES | TOLD
_SPEECH = with_stops(VERBS, PARTICIPLES)
_INFINITIVE = re.compile(r"\s(?:zu\s[a-zäöüß]+en|[a-zäöüß]{3,}zu[a-zäöüß]{2,}en)\b")
_CLAUSE_OPENERS = frozenset("Weil Als Nachdem Während Da Wenn Obwohl Nach".split())  # noqa: SIM905
_RELATIVE = frozenset(
    "nachdem während weil wenn als obwohl damit indem bevor da sobald falls um den dem deren dessen"  # noqa: SIM905
    " welche welcher welches wobei womit worin und aber sondern".split()
)
_RELATIVE_BEGIN = re.compile(r"[a-zäöüß]{2,6}\s(?:de[mnr]|denen|deren|dessen|das|die)\s")
_NOBODY = frozenset({"alles", "Alles", "Gerücht", "Gerüchte"})
_SUBORDINATE = _RELATIVE | {"ohne", "statt", "der", "die", "das"}
MIN_CLAUSE = 12
LONGEST_HEAD = 150
"""Maximum number of letters before a clause that are searched for a verb of speech."""
SOURCES = with_stops(
    "laut Laut nach Nach gemäß Gemäß zufolge demnach Demnach Danach Demzufolge".split()  # noqa: SIM905
)
OPENED = (
    _SPEECH
    | with_stops(("dass", "daß", "ob", "wonach"), SPEECH_NOUNS)
    | {f"{word}," for word in TOLD}
)
"""Words of which a sentence has at least one if a clause in the indicative repeats speech."""


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


def german_statements(
    sentence: str, signs: AbstractSet[str], around: Around
) -> Iterator[Statement | None]:
    """Yield the candidates of a German sentence by form, the clearest form first."""
    moods = moods_of(signs)
    if not SOURCES.isdisjoint(signs):
        yield _german_source(sentence, moods)
    quoted = sentence.find(" ") if sentence.startswith("§") else 0
    if signs and "," in sentence[quoted:]:
        yield _german_how(sentence, moods)
        yield _german_as(sentence, moods)
        if moods != INDICATIVE or not OPENED.isdisjoint(signs):
            yield _german_before(sentence, moods)
        yield _german_after(sentence, quoted)
    elif signs and ": " in sentence and ": §" not in sentence:
        yield _german_before(sentence, moods)
    if moods != INDICATIVE or around.is_told or "§§" in around.before:
        yield _german_following(sentence, moods, around)
    if around.after.startswith(BACK):
        yield _german_behind(sentence, moods, around.after)


def _german_source(sentence: str, moods: tuple[str, ...]) -> Statement | None:
    """Return the statement with its source: laut der Wehr, nach Angaben von Bo Lind."""
    match = ZUFOLGE.search(sentence) if " zufolge" in sentence else None
    match = match or ACCORDING.search(sentence)
    if match is not None:
        if sentence.startswith("geworden", match.end()):
            return None
        found = according_cue(sentence[max(match.start() - 60, 0) : match.end() + 100])
        cue = found if found and found.speaker else Cue(match[0].strip(), None)
        place = sentence.find(cue.speaker, match.start()) if cue.speaker else -1
        end = max(match.end(), place + len(cue.speaker or "") if place >= 0 else 0)
        return make_statement(*_source_place(sentence, match.start(), end), sentence, cue, moods)
    match = COMPOUND_SOURCE.search(sentence)
    if match is None:
        return None
    marks = (*moods, f"source {(match['noun'] or match['adverb'])[-6:].casefold()}")
    form, place_of = _source_place(sentence, match.start(), match.end())
    return make_statement(form, place_of, sentence, Cue(match[0], None), marks)


def _german_as(sentence: str, moods: tuple[str, ...]) -> Statement | None:
    """Return the main clause: Der Damm hält, wie die Wehr am Montag mitteilte."""
    match = _AS.search(sentence) if ", wie " in sentence else None
    if match is None:
        return None
    verb = match["verb"]
    cue = cue_after_german(match[0]) or Cue(verb, None)
    told = (f"verb {verb}" if verb in VERBS or verb in PARTICIPLES else "no verb of speech",)
    return make_statement("as", (0, match.start()), sentence, cue, (*moods, *told), match["head"])


def _german_behind(sentence: str, moods: tuple[str, ...], after: str) -> Statement | None:
    """Return a sentence of which the next one names the source: Das teilte die Wehr mit."""
    verb = verb_behind(after)
    if verb is None:
        return None
    cue = cue_before_german(after) or Cue(verb, None)
    return make_statement(
        "behind", (0, len(sentence)), sentence, cue, (*moods, f"verb {verb}"), after
    )


def verb_behind(text: str, start: int = 0) -> str | None:
    """Return the verb of speech of a sentence about the one before it: Das teilte die Wehr mit."""
    match = _BEHIND.match(text, start)
    return match["verb"] if match and match["verb"] in VERBS else None


def _source_place(sentence: str, start: int, end: int) -> tuple[str, tuple[int, int]]:
    """Return the clause of a source: the whole sentence if the source is inside of it.

    >>> _source_place("Laut der Wehr hält er.", 0, 13), _source_place("Er hält, laut Wehr.", 7, 18)
    (('source', (13, 22)), ('source after', (0, 7)))
    """
    if len(sentence.rstrip(" .")) - end < MIN_CLAUSE // 2:
        return "source after", (0, start)
    is_inside = len(sentence[:start].split()) > 1
    return ("source inside", (0, len(sentence))) if is_inside else ("source", (end, len(sentence)))


def _german_how(sentence: str, moods: tuple[str, ...]) -> Statement | None:
    """Return the main clause: Wie die Wehr mitteilte, hält der Damm."""
    match = _HOW.match(sentence) if "ie " in sentence[:12] else None
    if match is None:
        return None
    words = WORD.findall(match["head"])
    verb = next((each for each in reversed(words) if each in VERBS or each in PARTICIPLES), None)
    cue = cue_after_german(f", wie {match['head']}") or Cue(verb, None)
    told = f"verb {verb}" if verb else "no verb of speech"
    return make_statement(
        "how", (match.end(), len(sentence)), sentence, cue, (*moods, told), match["head"]
    )


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
        words = WORD.findall(head[-LONGEST_HEAD:])
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
        return make_statement(
            "clause", (start, len(sentence)), sentence, cue, (*mood, *kinds), head
        )
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
    if not _MINE.isdisjoint(words):
        yield "first person before"
    if not _NOBODY.isdisjoint(words):
        yield "nobody before"


def _cue_of_head(head: str, spoken: Sequence[str]) -> Cue:
    """Return the cue before a clause: a verb of speech, or any verb in the perfect."""
    cue = cue_before_german(head) or Cue(spoken[-1] if spoken else None, None)
    if cue.speaker or cue.pronoun:
        return cue
    if spoken and spoken[-1] in _STANCES and (stance := _stance_cue(head)):
        return stance
    if AUXILIARIES.isdisjoint(head.split()):
        return cue
    perfect = perfect_cue(cue.word or "", head, [*WORD.finditer(head)])
    return perfect if perfect.speaker or perfect.pronoun else cue


def _stance_cue(head: str) -> Cue | None:
    """Return who takes a stance: Die Ermittler gehen davon aus."""
    subject = SPEAKER.match(head)
    verb = _STANCE_VERB.match(head, subject.end()) if subject else None
    return Cue(verb["verb"], subject["speaker"]) if subject and verb else None


def _german_after(sentence: str, start: int) -> Statement | None:
    """Return the clause before a verb of speech after a position: Es halte, sagte Bo Lind."""
    inside = _SO_INSIDE.search(sentence, start) if ", so " in sentence else None
    if inside is not None:
        named = Cue("so", inside["speaker"])
        return make_statement("so inside", (0, len(sentence)), sentence, named, ())
    for match in _AFTER_GERMAN.finditer(sentence, start):
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
        return make_statement("verb after", (0, match.start()), sentence, cue, told, rest)
    return None


def _german_following(sentence: str, moods: tuple[str, ...], around: Around) -> Statement | None:
    """Return a sentence in the subjunctive, which continues an indirect statement."""
    before = around.before
    if moods == INDICATIVE:
        verb = find_subjunctive_form(sentence)
        if verb is None:
            return None
        moods = ("by form", "by form, as the past" if verb.endswith("te") else "by form, clear")
    if not _I.isdisjoint(sentence.split()):
        return None
    if around.is_told:
        told = "after a statement"
    elif "§§" in before:
        told = "after a quotation"
    else:
        is_said = not VERBS.isdisjoint(WORD.findall(before))
        told = "after a verb of speech" if is_said else "after no statement"
    return make_statement(
        "follows",
        (0, len(sentence)),
        sentence,
        Cue(None, None),
        (*moods, told, f"{moods[-1]} {told}"),
    )


def make_statement(
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
    if sentence.rstrip().endswith("?"):
        names.append("question")
    names.append("long" if end - start > 80 else "short" if end - start < 40 else "middle")
    return Statement(start, end, cue, ("always", *names))
