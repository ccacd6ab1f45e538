"""Find the candidates of indirect speech in English sentences, by the form of each sentence."""

import re
from collections.abc import Iterator

from worker.text.annotate.cue import PRONOUNS, WORD, Cue
from worker.text.annotate.cues_english import (
    AUXILIARY,
    BARE_SOURCE,
    CLAUSE_CUES,
    CLAUSE_END,
    CLAUSE_VERBS,
    FINITE,
    SAYS,
    SOURCE_INSIDE,
    SPEAKING,
    bare_cue_after,
    cue_after_english,
    cue_before_english,
    cue_of_clause,
    subject_and_verb,
)
from worker.text.annotate.speaker.able import NO_SUBJECT
from worker.text.annotate.statements_german import MIN_CLAUSE, Statement, make_statement

_ENGLISH_ACCORDING = re.compile(r"\b[Aa]ccording to\s")
_ENGLISH_STARTS = frozenset(
    "the a an he she it they there this these those his her its their we i you some many most no"  # noqa: SIM905
    " all both more one two three at about nearly around only such several few any every".split()
)
_BEFORE_SUBJECT = re.compile(
    r"\A(?:.*\s)?(?:and|but|after|while|because|which|when)\s(?=\w+(?:\s\w+)?\Z)"
)
_ARTICLE = "article or pronoun"
"""The form of a clause that opens with a subject, also with a plural without an article."""
_QUESTIONS = frozenset("whether if how why what when where who".split())  # noqa: SIM905
_PLURAL = re.compile(
    r"(?!(?:in|on|at|to|of|with|about|during|after|before)\s)(?:[a-z-]+\s){0,2}[a-z-]+s\s"
)
_ADJUNCT = re.compile(
    r"(?:(?:on\s)?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day(?:\s(?:morning|afternoon|evening|night))?,?\s"
    r"|(?:this|last|earlier\sthis)\s(?:week|month|year|summer|spring|autumn|winter)\s"
    r"|in\s(?:a|an|the|his|her|its)\s(?:\w+\s)?"
    r"(?:statement|release|interview|report|letter|email|post|tweet|video|speech|filing)\s)+"
)
_SAID_TO = re.compile(
    r"\b(?:is|are|was|were|been)\s(?:also\s)?(?:said|believed|thought|reported|alleged)\sto\b"
)
_PREPOSITIONS = frozenset("on in at to during after before of with about".split())  # noqa: SIM905
_TELLING = frozenset("i we you he she they it this that which who data research study".split())  # noqa: SIM905
_PARTICIPLE_BEHIND = re.compile(r"\s(?:seen|[a-z]+ed)\Z")
_PASSIVE = re.compile(r"\b(?:is|are|was|were|been|being)\s(?:\w+ly\s|also\s)?\Z")
_ENGLISH_OBJECTS = re.compile(r"(?:[\w'’.-]+\s){0,9}?that\s")
_LISTENER = re.compile(r"(?:the\s|his\s|her\s)?[\w'’.-]+(?:\s[A-Z][\w'’.-]*){0,2}\s")
_TOLD = re.compile(r"\s(?:(?:the\s)?[\w'’.-]+(?:\s[A-Z][\w'’.-]*){0,4})(?=[\s,.]|\Z)")
_TELLS = frozenset({"told", "tells", "warned", "assured", "informed"})
_ONLY_THAT = frozenset(
    "accused added adds denied denies concluded maintained wrote".split()  # noqa: SIM905
)
"""Verbs with an object: only a pronoun or "that" opens what somebody says after them."""
_REACH, _LONG_REACH = 70, 120
"""Letters after a verb of speech, and after "said", in which the verb of the clause is sought."""
_THIRD_PERSONS = frozenset({"he", "she", "it", "they"})
_NEAR_THAT = 2
_NO_CLAUSE = re.compile(r"about\s(?!\d|half|one|two|three)|such\sas\b")
"""The subject of what somebody says, which is no clause: she spoke about the bridge."""
_KNOWN = _ENGLISH_STARTS | _PREPOSITIONS | _QUESTIONS
_NO_NOUN = (
    " by ",
    " of ",
    " for ",
    " without ",
    " from ",
    " in ",
    " than ",
    " to ",
    " and ",
    " be ",
)
"""Words before a participle that make it a noun."""
_NO_SPEECH = (
    " to ",
    " not ",
    "n’t ",
    "n't ",
    "et’s ",
    "et's ",
    " please ",
    "’ll ",
    "'ll ",
    "’d ",
    "'d ",
)
"""Words before a verb of which nobody is told to say it."""


def english_statements(sentence: str) -> Iterator[Statement | None]:
    """Yield the candidates of an English sentence by form, the clearest form first."""
    match = _ENGLISH_ACCORDING.search(sentence) if "ccording to" in sentence else None
    if match is not None:
        yield _english_source(sentence, match)
    else:
        yield _english_after(sentence)
        if sentence.count(", ") > 1:
            yield _english_inside(sentence)
        if ", as " in sentence or sentence.startswith("As "):
            yield _english_as(sentence)
    if " to " in sentence and _SAID_TO.search(sentence):
        yield make_statement("said to", (0, len(sentence)), sentence, Cue(None, None), ())
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
        if FINITE.search(clause) and not clause.startswith("Asked "):
            cue, is_bare = cue_after_english(rest), False
            if cue is None or cue.word not in CLAUSE_VERBS or not _ends(rest, cue):
                cue, is_bare = bare_cue_after(rest), True
            is_inverted = cue is not None and rest.startswith(f", {cue.word}")
            if cue is not None and is_inverted and cue.word in _TELLS:
                return None
            if cue is not None and NO_SUBJECT.match(cue.speaker or "-"):
                return None
            if cue is not None and cue.word in CLAUSE_VERBS and (is_bare or _ends(rest, cue)):
                told = (f"verb {cue.word}", *(("after a verb",) if "§" in clause else ()))
                told += (f"clause {_form_of(clause.split(' ', 1)[0])}",)
                told += ("goes on",) if is_bare and not _ends(rest, cue) else ()
                return make_statement("verb after", (0, place), sentence, cue, told, rest)
        place = sentence.rfind(", ", 0, place)
    return None


def _english_as(sentence: str) -> Statement | None:
    """Return the main clause: It will hold, as Ann Lee told reporters."""
    if sentence.startswith("As "):
        comma = sentence.find(", ")
        found, place = subject_and_verb(sentence[:comma], 3), (comma + 2, len(sentence))
    else:
        comma = sentence.find(", as ")
        found, place = subject_and_verb(sentence, comma + 5), (0, comma)
    if found is None or comma < 0:
        return None
    speaker, verb = found
    is_pronoun = speaker.casefold() in PRONOUNS
    cue = Cue(verb, None if is_pronoun else speaker, is_pronoun)
    return make_statement("as", place, sentence, cue, (f"verb {verb}",), speaker)


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


def _checked(cue: Cue, *, is_participle: bool) -> Cue | None:
    """Return a cue whose speaker can be a subject, None if nobody says it."""
    speaker = _BEFORE_SUBJECT.sub("", cue.speaker or "")
    if speaker and NO_SUBJECT.match(speaker):
        is_open = is_participle or speaker == "however" or speaker.endswith(("’s", "'s", " and"))
        return Cue(cue.word, None) if is_open else None
    return cue._replace(speaker=speaker or None)


def _objects_of(verb: str, rest: str, start: int) -> re.Match[str] | None:
    """Return the words between a verb and its clause: reporters that, the Hill."""
    match = _ENGLISH_OBJECTS.match(rest, start)
    if match is not None and not (verb in SAYS and FINITE.search(match[0])):
        return match
    listener = _LISTENER.match(rest, start) if verb in _TELLS else None
    return None if listener and AUXILIARY.match(rest, listener.end()) else listener


def _form_of(word: str) -> str:
    lowered = word.casefold()
    if lowered in _ENGLISH_STARTS:
        return _ARTICLE
    if lowered in _QUESTIONS:
        return "question"
    if lowered in _PREPOSITIONS:
        return "preposition"
    return "capital" if word[:1].isupper() else "small"


def _subject_of(head: str) -> str | None:
    """Return the word before a verb if it is a sign of a speaker, or the opposite."""
    word = (head.split() or [""])[-1].casefold()
    return "digit" if word.isdigit() else word if word in _TELLING else None


def _ends(rest: str, cue: Cue) -> bool:
    """Check whether a verb and its speaker open the rest, and only circumstances follow."""
    if not (cue.speaker or cue.pronoun) or cue.word is None:
        return False
    opening = _ARTICLE_BEHIND.sub("", rest, count=1)
    if not cue.pronoun and not opening.startswith((cue.word, cue.speaker or cue.word)):
        return False
    ends = [rest.find(cue.word) + len(cue.word)]
    if cue.word in _TELLS and (listener := _TOLD.match(rest, ends[0])) is not None:
        ends.append(listener.end())
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
        adjunct = _ADJUNCT.match(rest)
        objects = _objects_of(verb, rest, adjunct.end() if adjunct else 0) or adjunct
        first = WORD.match(rest, objects.end() if objects else 0)
        word = first[0] if first else ""
        starts = word.casefold() in _ENGLISH_STARTS or word[:1].isupper() or word.isdigit()
        plural = _PLURAL.match(rest, objects.end() if objects else 0)
        is_plural = plural is not None and FINITE.match(rest, plural.end()) is not None
        starts = starts or verb in SAYS or is_plural
        is_that = objects is not None and objects[0].endswith("that ")
        is_bare = starts and (verb not in _ONLY_THAT or word in _THIRD_PERSONS)
        if not is_that and _NO_CLAUSE.match(rest, objects.end() if objects else 0):
            continue
        near = rest[: _LONG_REACH if verb in SAYS else _REACH]
        is_finite = "§" in near or FINITE.search(near) is not None
        head = sentence[: match.start()]
        is_sure = verb in SAYS and not head.endswith(", ") and word not in _PREPOSITIONS
        if not is_that and not (is_bare and (is_finite or is_sure)):
            continue
        passive = _PASSIVE.search(head)
        is_participle = is_participle and passive is None
        is_behind = is_participle and not head.endswith((", ", "§ "))
        if head.endswith(_NO_NOUN if is_behind else _NO_SPEECH):
            continue
        cue = cue_of_clause(sentence, match, is_participle=is_participle)
        if passive and is_that and verb not in SPEAKING:
            cue = Cue(verb, None)
        cue = _checked(cue, is_participle=is_participle) if cue else None
        if cue is None:
            continue
        start = match.end() + 1 + (objects.end() if objects else 0)
        opening = WORD.match(sentence, start)
        is_far = is_that and objects and objects[0].count(" ") > _NEAR_THAT
        kinds = (
            f"verb {verb}",
            *(("participle",) if is_participle else ()),
            *(("behind a noun",) if is_behind else ()),
            *(() if is_that or is_finite else ("no finite verb",)),
            *(("passive",) if passive else ()),
            *(("that far",) if is_far else ()),
            "that" if is_that else f"starts {_ARTICLE if is_plural else _form_of(word)}",
            *((f"starts {word.casefold()}",) if not is_that and word.casefold() in _KNOWN else ()),
            f"opens {_ARTICLE if is_plural else _form_of(opening[0] if opening else '')}",
            *((f"subject {subject}",) if (subject := _subject_of(head)) else ()),
            "auxiliary" if AUXILIARY.search(near) else "no auxiliary",
        )
        yield make_statement(
            "clause", (start, len(sentence)), sentence, cue, kinds, sentence[: match.end()]
        )
