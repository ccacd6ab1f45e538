"""Find the cue and the speaker next to a quotation in English.

The caller replaces quotations by blanks and passes one sentence at a time.
"""

import re

from storage.values.lazy import lazy_pattern
from worker.text.annotate.cue import MAX_SPEAKER_LENGTH, WORD, Cue
from worker.text.annotate.cue import PRONOUNS as ALL_PRONOUNS
from worker.text.annotate.cues_german import colon_cue

PRONOUNS = ALL_PRONOUNS - {"man"}
_WORDS = (
    "said says say told tells added adds explained explains wrote writes asked asks replied replies"
    " warned warns insisted insists argued argues claimed claims noted notes stated states"
    " announced called calls call described describes recalled recalls admitted admits continued"
    " continues concluded declared tweeted posted shouted joked testified acknowledged confirmed"
    " denied suggested stressed emphasised emphasized urged vowed pledged promised remarked"
    " commented responded answered complained predicted believes thinks quipped exclaimed"
    " whispered yelled cried recounted observed cautioned praised criticised criticized accused"
    " labelled labeled read reads hailed branded boasted lamented reiterated declares asserted"
    " thundered snapped mused countered counters remembers remembered spoke spoken chanted chants"
    " find finds found say"
    " agreed revealed maintained elaborated opined reasoned"
    " clarified alleged contended disclosed"
    " conceded concedes retorted stormed fumed summed begged pleaded advised learned swore"
)
_PHRASAL = {
    "went": "on", "goes": "on", "shot": "back", "hit": "back", "fired": "back", "shoots": "back",
    "pointed": "out", "points": "out", "chimed": "in",
}  # fmt: skip
"""English verbs that mean "say" when followed by this word."""


def _verbs() -> frozenset[str]:
    words = _WORDS.split()
    regular = [word for word in words if word.endswith("ed")]
    present = [f"{word[:cut]}s" for word in regular for cut in (-1, -2)]
    return frozenset([*words, *_PHRASAL, *present]) - {"brands"}


VERBS = _verbs()
_NAMING = frozenset(
    "called calls call described describes labelled labeled hailed branded".split()  # noqa: SIM905
)

_NO_CLAUSE_VERBS = frozenset(
    "called call calls described describes praised spoke named reasons answers"  # noqa: SIM905
    " read reads labels labeled labelled comments remembered posted spoken not describe criticise"
    " criticize criticised criticized highlight highlights highlighted hail hailed brand branded"
    " went goes shot hit fired shoots fire fires brands reason reasoned".split()
)
_STEMS = (
    "report estimat highlight remind inform notifi alleg hint caution indicat assert affirm attest"
    " recount speculat"
)


def _forms(stem: str) -> tuple[str, ...]:
    """Return the forms of a regular English verb in the present, among them some that are none."""
    return (stem, f"{stem}e", f"{stem}s", f"{stem}es")


_REGULAR = frozenset(word for word in VERBS if word.endswith("ed")) | {
    f"{stem}ed" for stem in _STEMS.split()
}
CLAUSE_VERBS = VERBS.union(_REGULAR, *(_forms(word[:-2]) for word in _REGULAR)) - _NO_CLAUSE_VERBS
SPEAKING = frozenset(
    "saying adding noting arguing claiming insisting stressing warning explaining stating"  # noqa: SIM905
    " announcing confirming promising acknowledging conceding revealing asserting alleging"
    " reporting suggesting".split()
)
CLAUSE_CUES = CLAUSE_VERBS | SPEAKING
SAYS = frozenset({"said", "says", "say"})
SURE_VERBS = SAYS | {"told"}

FINITE = re.compile(
    r"\b(?:is|are|was|were|has|had|have|will|would|could|can|may|might|should|must|did|does|do|need(?:s|ed)?"
    r"|wants?|goes|went|came|took|made|got|knew|lost|rose|fell|grew|began|won|paid|held|kept|led|met|ran|saw"
    r"|ate|drew|drove|felt|chose|left|told|thought|wore|wrote|said|says|died|sat|hit|struck|stole|threw|taught|spoke|knows?"
    r"|sold|sent|spent|stood|gave|found|became|brought|built|bought|broke|[a-z]{2,}ed|[a-z]+n[’']t)\b|\w[’'](?:s|re|ve|ll|d)\s"
    r"|\b(?:costs?\s(?:the|an?|\d|[£$€])|[Tt]here\s[a-z]{2,}s|(?:[Tt]hey|[Ww]e|I|[Tt]h[eo]se|who)\s[a-z]{3,})|,\s[a-z]{3,}s\s(?:to|that|the|an?)\s"
    r"|(?:\A|\b(?:[Tt]he|[Aa]n?|[Tt]h(?:is|at)|[Hh]is|[Hh]er|[Ii]ts|[Tt]heir|[Oo]ur|no|[A-Z]\w+)\s"
    r"(?:[a-z-]+\s){0,2}?)(?:[a-z]*[a-z]{2}[^s\W]|[A-Z]\w+|[Hh]e|[Ss]he|[Ii]t)\s"
    r"[a-z]{2,}[^s\W]s\s(?!(?:of|and|or|in|for|from|to)\s)"
)
"""A finite verb: an auxiliary, a past form, or a present in -s after a noun in the singular."""

AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|has|had|have|will|would|could|can|may|might|should|must|did|does|do)\b|n[’']t\b"
)

CLAUSE_END = re.compile(
    r"(?:\s(?:on\s)?\w+day(?:\s(?:morning|evening|night))?"
    r"|\s(?:in|to|at|on|during|of|with|after|by|for|when|while|before|last|this|earlier)\s[^,]{2,60}"
    r"|,?\s(?:adding|citing|according)\b.*|,\s[^,]{3,80})*[\s.!?§]*\Z"
)
SOURCE_INSIDE = re.compile(
    r",\s(?:the\s(?=\w+\s\w+,))?(?P<speaker>he|she|they|(?<=the\s)\w+|[A-Z][\w'’.-]*(?:\s[A-Z][\w'’.-]*){0,3})"
    r"\s(?P<verb>[a-z]+),\s(?!who|which)"
)
BARE_SOURCE = re.compile(
    r"(?:the\s|an?\s|his\s|her\s)?(?!(?:your|my|our)\s)(?P<speaker>[a-z][\w'’-]*(?:\s[\w'’-]+){0,5}?)"
    r"(?=[,.;:]|\Z|\s(?:in|on|at|by|from|for|published|released|which|that|who|cited|seen)\b)"
)
_DETERMINER = r"[Tt]he|[Aa]n?|[Oo]ne|[Aa]nother|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts|[Mm]y|[Oo]ur"
_CAPITALISED = r"[A-ZÀ-Þ](?:[\w'’-]|\.\w){0,60}+"
_WORD = r"[\w'’-]+"
_ABBREVIATED = r"(?:Mr|Mrs|Ms|Dr|Prof|Sen|Rep|Gov|St|Lt|Col|Gen|Sgt|Capt|Rev|Hon|[A-Z])\. "
_TITLE = rf"(?:{_ABBREVIATED})"
_ROLE = (
    r"(?:(?!(?:on|in|at|during|after|before|when|as|while|to|with|from|about|by|that|last|this|and"
    r"|but|who|for|it|he|she|they|is|was|were|if|of|not) )[a-z][\w-]* )"
)
_STOP = (
    r"(?=[,.;:!?()—–§]|\Z|\sand(?! [A-Z])\b"
    r"|\s(?:on|in|at|during|after|before|when|as|while|to|with|from|about|by"
    r"|that|last|this|earlier|later|yesterday|today|but|who|whose|outside|following"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b)"
)
SPEAKER = lazy_pattern(
    rf"(?P<article>(?:{_DETERMINER}) )?"
    rf"(?P<speaker>(?(article)|{_ROLE}{{0,3}}(?=[A-Z]))"
    rf"(?:{_TITLE}|{_WORD} ){{0,9}}?(?!{_ABBREVIATED}){_WORD}){_STOP}"
)
"""A speaker after the verb, in English.

>>> SPEAKER.match("Mr. J. Reed of the union on Monday")["speaker"]
'Mr. J. Reed of the union'
>>> SPEAKER.match("the head of the council, who")["speaker"]
'head of the council'
"""

_COUNT = r"(?:(?:Some|About|Around|Nearly|Almost|Over|More than|At least) )?(?<![\d,.])\d[\d,.]*+"
SUBJECT = lazy_pattern(
    rf"(?:(?:{_COUNT}|\b(?:{_DETERMINER})) "
    rf"(?P<role>{_WORD}(?: (?!The\b){_WORD}){{0,8}}?)"
    rf"|(?P<name>(?:(?:\A|(?<=, ))(?:{_ROLE}){{1,3}})?(?:{_TITLE}){{0,4}}{_CAPITALISED}"
    rf"(?: (?:{_TITLE}|(?:of|for|from|at|the|van|von|de|and|al|bin) ){{0,4}}"
    rf"{_CAPITALISED}){{0,12}}))"
    r"(?: \([^)]{0,100}\))?(?:,\s[^.;:]{1,100},)?"
    r"(?:\s(?:also|later|then|has|had|have|been|is|are|was|were|once|\w+ly|himself|herself|further"
    r"|did|not|would|will|could|can|may|might|only|always))*\s*\Z"
)
"""A speaker before the verb, in English.

>>> SUBJECT.search("the mayor, a farmer by trade, ")["role"]
'mayor'
>>> SUBJECT.search("On Monday Ann Lee ")["name"]
'On Monday Ann Lee'
"""

PERSON_FIRST = lazy_pattern(
    r"(?!(?:For|With|To|From|Under|Like|Unlike|Since|By|Of|Because|If|When|Where) )"
    r"(?P<name>[A-ZÀ-Þ][\w'’.-]*(?: (?:van |von |de |al |bin )?[A-ZÀ-Þ][\w'’.-]*){1,3})"
    r", (?=[^.;:,]*\b[a-z])[^.;:,]{1,100}\s\Z"
)
"""A full name at the beginning of a clause, and a role without a comma after it.

>>> PERSON_FIRST.match("Ann Lee, head of Port & Security ")["name"]
'Ann Lee'
"""

SIGNATURE = lazy_pattern(r"\s*[–—-]{1,2}\s?(?P<name>[A-ZÀ-Þ][\w.'’-]*(?: [\w.'’-]+){0,4})\s?\Z")
"""A dash and a name after a quotation.

>>> SIGNATURE.match(" – Ann Lee")["name"]
'Ann Lee'
"""

OPENER = lazy_pattern(
    r"\s*(?:(?:And|But|Yet|Still|Then|Later|Meanwhile|However|Asked [^,]*|As|and|but|as|when|while"
    r"|While|Although|Though|Also)\b,?\s"
    r"|(?:On|In|At|After|During|Before|Earlier|Last)\s[^,]{2,60}?"
    r"(?:,\s|\s(?=(?:the|an?|his|her)\s\w+\s*\Z)))+"
)
"""Words that can precede the subject of a sentence."""

INVERTED = lazy_pattern(r"\s(?P<verb>[a-z]{3,}ed)\s(?=[A-Z]|(?:the|an?|his|her|[a-z]+)\s)")
"""A possible verb immediately after a quotation.

>>> INVERTED.match(" laughed actress Romy Tate")["verb"]
'laughed'
"""

ACCORDING = lazy_pattern(r"\b(?P<cue>[Aa]ccording to|[Ii]n the words of)\s")


_FIRST_SUBJECT = lazy_pattern(
    r"(?:[^,]{3,60},\s)?(?:[Tt]he\s(?=\w))?(?P<speaker>[A-Z][\w'’.-]*(?:\s[A-Z][\w'’.-]*){0,4}|(?<=he\s)[a-z][\w-]*)\b"
)
_NAME_BEHIND = lazy_pattern(
    r"\b[a-z]{2,}(?:\s[A-Z][\w'’.-]*(?:\sand)?){0,5},\s(?:The\s)?(?P<name>[A-Z][\w'’.-]*(?:\s[A-Z][\w'’.-]*){1,3}),\s\Z"
)
"""A name between commas after its office.

>>> _NAME_BEHIND.search("The chief of the Port Office, Ann Lee, ")["name"]
'Ann Lee'
"""
_WHO = lazy_pattern(r",?\swho(?:\s(?:also|has|had|have|\w+ly))*\s\Z")
_OTHER_CLAUSE = re.compile(r"[,;]\s(?:while|whereas|although|though|but)\s")
_BARE_SUBJECT = lazy_pattern(
    r"(?:\A|[,;:–—]\s|\b(?:but|[Aa]nd|[Bb]ut|as|while|after|when|because|before|since|that)\s)"
    r"(?P<speaker>(?:(?:[\w'’.-]+\s){0,6}?(?:[\w'’-]*[^\Wsu]s|[Pp]olice|[Pp]eople|[Mm]any|[Oo]thers)"
    r"|[A-Z][\w.-]*['’]s?(?:\s[a-z][\w-]*){1,3}))"
    r"(?P<inside>\s(?:in|at|from|of|with|on|for|familiar|briefed|close)(?:\s[\w'’.-]+){1,6})?"
    r"\s(?:(?:also|has|have|had|are|were|later|\w+ly)\s)*\Z"
)
"""A subject without an article before its verb: a plural, or a noun after a genitive.

>>> _BARE_SUBJECT.search("Researchers at the institute ")["speaker"]
'Researchers'
>>> _BARE_SUBJECT.search("Norway's interior minister ")["speaker"]
"Norway's interior minister"
"""
_NO_SUBJECT = re.compile(
    r"(?:who|which|that|it|and|but|or|where|when|while|as|if|in|on|at|for|to|from|by|with|not|he|she"
    r"|they|we|i|you|like|so|because|although|though|since|after|before|until|what|how|why|whether)\b|.*\b(?:is|are|was|were|will|would|can|could|did|does|do|has|have|had)\s",
    re.IGNORECASE,
)
_BARE_INVERTED = re.compile(
    r",\s(?P<verb>[a-z]+)\s(?P<speaker>[a-z0-9][\w'’-]*(?:\s[\w'’.-]+){0,6}?)(?=[.,]|\s\w+day|\Z)"
)
_MOST_WORDS = 14


def cue_after_english(text_after: str) -> Cue | None:
    according = ACCORDING.search(text_after) if "cording" in text_after else None
    if according:
        return _speaker_cue(according["cue"], text_after, according.end())
    for match in WORD.finditer(text_after):
        verb = _speech_verb(text_after, match)
        if verb is None:
            continue
        gap = text_after[: match.start()]
        if not gap.strip(" ,.!?–—-"):
            return _speaker_cue(verb, text_after, match.start() + len(verb) + 1)
        cue = _subject_cue(verb, gap)
        if cue is None and gap.endswith(", "):  # “…” that works, said Ann Lee
            inverted = _speaker_cue(verb, text_after, match.start() + len(verb) + 1)
            cue = inverted if inverted.speaker else None
        if cue is not None:
            return cue
    signature = SIGNATURE.match(text_after)
    return Cue(None, signature["name"]) if signature else _any_verb_cue(text_after)


def _any_verb_cue(text_after: str) -> Cue | None:
    """Return a cue with any verb immediately after a quotation: “…!” laughed Romy Tate."""
    match = INVERTED.match(text_after)
    cue = _speaker_cue(match["verb"], text_after, match.end()) if match else None
    return cue if cue and cue.speaker else None


def _speech_verb(text: str, match: re.Match[str]) -> str | None:
    """Return the verb of speech at a word, including its particle, None if it is not such a verb.

    >>> _speech_verb("Renken shot back", WORD.search("Renken shot back", 7))
    'shot back'
    """
    word = match[0]
    if word not in VERBS:
        return None
    particle = _PHRASAL.get(word)
    if particle is None:
        return word
    phrase = f"{word} {particle}"
    return phrase if text.startswith(f"{phrase}", match.start()) else None


def cue_before_english(text_before: str) -> Cue | None:
    best: Cue | None = None
    for match in reversed(list(WORD.finditer(text_before))):
        word = _speech_verb(text_before, match)
        if word is None or text_before[: match.start()].endswith("-"):
            continue  # so-called
        cue = _subject_cue(word, text_before[: match.start()])
        if cue is None:
            cue = _speaker_cue(word, text_before, match.start() + len(word) + 1)
        if cue.speaker or cue.pronoun:
            return cue
        best = best or cue
    if best:
        return best
    according = ACCORDING.search(text_before)
    if according:
        return _speaker_cue(according["cue"], text_before, according.end())
    return colon_cue(text_before)


def _subject_cue(word: str, head: str) -> Cue | None:
    """Return the subject immediately before a verb, None if there is none."""
    naming = word in _NAMING
    words = head[head.rfind("§") + 1 :]
    opener = OPENER.match(words)
    words = words[opener.end() :] if opener else words.lstrip(" ,–—-")
    last = WORD.findall(words[-30:])
    if last and last[-1] in ("that", "which"):
        return Cue(word, None, True, naming)
    if last and last[-1].casefold() in PRONOUNS:
        return Cue(word, None, True, naming)
    person = PERSON_FIRST.match(words)
    match = person or SUBJECT.search(words)
    if match is None:
        return None
    speaker = match["name"] or match["role"]
    if speaker.rpartition(" ")[2] in PRONOUNS:  # an example of what you might say
        return Cue(word, None, True, naming)
    return Cue(word, speaker, False, naming) if len(speaker) <= MAX_SPEAKER_LENGTH else None


def _speaker_cue(word: str, text: str, position: int) -> Cue:
    naming = word in _NAMING
    match = SPEAKER.match(text, position)
    if match:
        speaker = match["speaker"]
        if speaker.casefold() in PRONOUNS:
            return Cue(word, None, True, naming)
        return Cue(word, speaker, False, naming)
    next_word = WORD.match(text, position)
    return Cue(word, None, next_word is not None and next_word[0] in PRONOUNS, naming)


def cue_of_clause(sentence: str, verb: re.Match[str], *, is_participle: bool) -> Cue | None:
    """Return the verb and the speaker before a clause, None if nobody speaks."""
    head = sentence[: verb.start()]
    if is_participle or head.endswith(" and "):
        cue = cue_before_english(_OTHER_CLAUSE.split(head)[-1])
        if cue is not None and (cue.speaker or cue.pronoun):
            return Cue(verb[0], cue.speaker, cue.pronoun)
        first = _FIRST_SUBJECT.match(head)
        if first is None:
            return None
        is_pronoun = first["speaker"].casefold() in PRONOUNS
        return Cue(verb[0], None if is_pronoun else first["speaker"], is_pronoun)
    if (relative := _WHO.search(head)) is not None:
        head = f"{head[: relative.start()]} "
    named = _NAME_BEHIND.search(head)
    return Cue(verb[0], named["name"]) if named else _subject_of_clause(verb[0], head)


def _subject_of_clause(verb: str, head: str) -> Cue | None:
    """Return a verb with the subject before it, which may have no article."""
    bare = _BARE_SUBJECT.search(head)
    if bare is not None and bare["inside"]:
        return Cue(verb, bare["speaker"])
    cue = _subject_cue(verb, head) if head else None
    if cue is not None:
        return cue
    if bare is None and head.endswith(", "):
        bare = _FIRST_SUBJECT.match(head)
    return Cue(verb, bare["speaker"]) if bare else None


def bare_cue_after(rest: str) -> Cue | None:
    """Return a verb with a speaker without an article after a clause.

    >>> bare_cue_after(", people familiar with the talks say.").speaker
    'people familiar with the talks'
    """
    inverted = _BARE_INVERTED.match(rest)
    if (
        inverted is not None
        and inverted["verb"] in CLAUSE_VERBS
        and not _NO_SUBJECT.match(f"{inverted['speaker']} ")
    ):
        return Cue(inverted["verb"], inverted["speaker"])
    found = subject_and_verb(rest, 2)
    return Cue(found[1], found[0]) if found else None


def subject_and_verb(text: str, start: int) -> tuple[str, str] | None:
    """Return the words from a position to the next verb of speech, and this verb."""
    for count, match in enumerate(WORD.finditer(text, start)):
        if count > _MOST_WORDS:
            return None
        if count and match[0] in CLAUSE_VERBS:
            subject = text[start : match.start()].strip()
            if "," in subject or "§" in subject or _NO_SUBJECT.match(f"{subject} "):
                return None
            return subject.removeprefix("the ").removeprefix("a ").removeprefix("an "), match[0]
    return None
