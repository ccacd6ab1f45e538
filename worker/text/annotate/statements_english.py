"""Find the candidates of indirect speech in English sentences, by the form of each sentence."""

import re
from collections.abc import Iterator

from worker.text.annotate.cue import WORD, Cue
from worker.text.annotate.cues_english import (
    AUXILIARY,
    BARE_SOURCE,
    CLAUSE_CUES,
    CLAUSE_END,
    CLAUSE_VERBS,
    FINITE,
    NO_CLAUSE_START,
    SAYS,
    SOURCE_INSIDE,
    SPEAKING,
    bare_cue_after,
    cue_after_english,
    cue_before_english,
    cue_of_clause,
)
from worker.text.annotate.statements_german import MIN_CLAUSE, Statement, make_statement

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
        return (
            make_statement("source", (comma + 2, len(sentence)), sentence, cue, ())
            if comma > 0
            else None
        )
    is_finite = FINITE.search(sentence, 0, match.start()) is not None
    is_inside = not is_finite and FINITE.search(sentence, match.end()) is not None
    end = len(sentence) if is_inside else match.start()
    marks = () if is_finite or is_inside else ("no finite verb",)
    return make_statement(
        "source inside" if is_inside else "source after", (0, end), sentence, cue, marks
    )


def _english_after(sentence: str) -> Statement | None:
    """Return the clause before a verb of speech at the end: It will hold, Ann Lee said."""
    place = sentence.rfind(", ")
    while place > MIN_CLAUSE:
        clause, rest = sentence[:place], sentence[place:]
        if FINITE.search(clause) and not NO_CLAUSE_START.match(clause):
            cue = cue_after_english(rest)
            if cue is not None and not (cue.speaker or cue.pronoun):
                cue = bare_cue_after(rest) or cue
            if cue is not None and cue.word in CLAUSE_VERBS and _ends(rest, cue):
                told = (f"verb {cue.word}", *(("after a verb",) if "§" in clause else ()))
                told += (f"then {_word_after(rest, cue.word)}",)
                return make_statement("verb after", (0, place), sentence, cue, told, rest)
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
    return make_statement("said inside", (0, len(sentence)), sentence, cue, (mark,), match[0])


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
        if not is_that and not (is_bare and ("§" in near or FINITE.search(near))):
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
        yield make_statement(
            "clause", (start, len(sentence)), sentence, cue, kinds, sentence[: match.end()]
        )
