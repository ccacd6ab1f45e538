"""Find in English who is said to speak beside a quotation, and by which word.

The text is handed over with the quotations blanked out, one sentence at a time.
"""

import re

from worker.text.annotate.cue import LONGEST_SPEAKER, PRONOUNS, WORD, Cue
from worker.text.annotate.cues_german import named_with_colon

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
    " conceded concedes retorted stormed fumed summed begged pleaded advised learned swore"
)
_PHRASAL = {
    "went": "on", "goes": "on", "shot": "back", "hit": "back", "fired": "back", "shoots": "back",
    "pointed": "out", "points": "out", "chimed": "in",
}  # fmt: skip
"""English verbs that mean saying with this word behind them."""


def _verbs() -> frozenset[str]:
    words = _WORDS.split()
    regular = [word for word in words if word.endswith("ed")]
    present = [f"{word[:cut]}s" for word in regular for cut in (-1, -2)]
    return frozenset([*words, *_PHRASAL, *present])


_VERBS = _verbs()
_NAMING = frozenset(
    "called calls call described describes labelled labeled hailed branded".split()  # noqa: SIM905
)

_WORD = r"[\w'’-]+"
_ABBREVIATED = r"(?:Mr|Mrs|Ms|Dr|Prof|Sen|Rep|Gov|St|Lt|Col|Gen|Sgt|Capt|Rev|Hon|[A-Z])\. "
_TITLE = rf"(?:{_ABBREVIATED})"
_ROLE = (
    r"(?:(?!(?:on|in|at|during|after|before|when|as|while|to|with|from|about|by|that|last|this|and"
    r"|but|who|for|it|he|she|they|is|was|were|if|of|not) )[a-z][\w-]* )"
)
_STOP = (
    r"(?=[,.;:!?()—–§]|\Z|\s(?:on|in|at|during|after|before|when|as|while|to|with|from|about|by"
    r"|that|last|this|earlier|later|yesterday|today|and|but|who|whose|outside|following"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b)"
)
SPEAKER = re.compile(
    rf"(?P<article>(?:[Tt]he|[Aa]n?|[Oo]ne|[Aa]nother|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts|[Mm]y) )?"
    rf"(?P<speaker>(?(article)|{_ROLE}{{0,3}}(?=[A-Z]))"
    rf"(?:{_TITLE}|{_WORD} ){{0,9}}?(?!{_ABBREVIATED}){_WORD}){_STOP}"
)
"""Who speaks, in English, behind the verb.

>>> SPEAKER.match("Mr. J. Reed of the union on Monday")["speaker"]
'Mr. J. Reed of the union'
>>> SPEAKER.match("the head of the council, who")["speaker"]
'head of the council'
"""

_COUNT = r"(?:(?:Some|About|Around|Nearly|Almost|Over|More than|At least) )?(?<![\d,.])\d[\d,.]*+"
SUBJECT = re.compile(
    rf"(?:(?:{_COUNT}|[Tt]he|[Aa]n?|[Oo]ne|[Aa]nother|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts|[Mm]y) "
    rf"(?P<role>{_WORD}(?: (?!The\b){_WORD}){{0,8}}?)"
    rf"|(?P<name>(?:(?:\A|(?<=, ))(?:{_ROLE}){{1,3}})?(?:{_TITLE}){{0,4}}[A-ZÀ-Þ][\w'’-]{{0,60}}+"
    rf"(?: (?:{_TITLE}|(?:of|for|the|van|von|de|and|al|bin) ){{0,4}}"
    r"[A-ZÀ-Þ][\w'’-]{0,60}+){0,12}))"
    r"(?: \([^)]{0,100}\))?(?:,\s[^.;:]{1,100},)?"
    r"(?:\s(?:also|later|then|has|had|have|once|previously|repeatedly|recently|himself|herself"
    r"|did|not|would|will|could|can|may|might|only))*\s*\Z"
)
"""Who speaks, in English, before the verb.

>>> SUBJECT.search("the mayor, a farmer by trade, ")["role"]
'mayor'
>>> SUBJECT.search("On Monday Ann Lee ")["name"]
'On Monday Ann Lee'
"""

OPENER = re.compile(
    r"\s*(?:(?:And|But|Yet|Still|Then|Later|Meanwhile|However|Asked [^,]*|As|and|but|as|when|while"
    r"|Also)\b,?\s"
    r"|(?:On|In|At|After|During|Before|Earlier|Last)\s[^,]{2,60}?"
    r"(?:,\s|\s(?=(?:the|an?|his|her)\s\w+\s*\Z)))+"
)
"""What may stand before the subject of a sentence."""

INVERTED = re.compile(r"\s(?P<verb>[a-z]{3,}ed)\s(?=[A-Z]|(?:the|an?|his|her|[a-z]+)\s)")
"""Right behind a quotation: what may be a verb.

>>> INVERTED.match(" laughed actress Romy Tate")["verb"]
'laughed'
"""

ACCORDING = re.compile(r"\b(?P<cue>[Aa]ccording to|[Ii]n the words of)\s")


def after_english(after: str) -> Cue | None:
    according = ACCORDING.search(after) if "cording" in after else None
    if according:
        return _speaker(according["cue"], after, according.end())
    for found in WORD.finditer(after):
        verb = _verb(after, found)
        if verb is None:
            continue
        gap = after[: found.start()]
        if not gap.strip(" ,.!?–—-"):
            return _speaker(verb, after, found.start() + len(verb) + 1)
        cue = _subject(verb, gap)
        if cue is not None:
            return cue
    return _inverted(after)


def _inverted(after: str) -> Cue | None:
    """Return a cue of any verb right behind a quotation: “…!” laughed Romy Tate."""
    found = INVERTED.match(after)
    cue = _speaker(found["verb"], after, found.end()) if found else None
    return cue if cue and cue.speaker else None


def _verb(text: str, found: re.Match[str]) -> str | None:
    """Return the verb of saying that stands at a word, with the word that belongs to it.

    >>> _verb("Renken shot back", WORD.search("Renken shot back", 7))
    'shot back'
    """
    word = found[0]
    if word not in _VERBS:
        return None
    particle = _PHRASAL.get(word)
    if particle is None:
        return word
    whole = f"{word} {particle}"
    return whole if text.startswith(f"{whole}", found.start()) else None


def before_english(before: str) -> Cue | None:
    best: Cue | None = None
    for found in reversed(list(WORD.finditer(before))):
        word = _verb(before, found)
        if word is None or before[: found.start()].endswith("-"):
            continue  # so-called
        cue = _subject(word, before[: found.start()])
        if cue is None:
            cue = _speaker(word, before, found.start() + len(word) + 1)
        if cue.speaker or cue.pronoun:
            return cue
        best = best or cue
    if best:
        return best
    according = ACCORDING.search(before)
    if according:
        return _speaker(according["cue"], before, according.end())
    return named_with_colon(before)


def _subject(word: str, head: str) -> Cue | None:
    """Return who is the subject of a verb by the words right before it, None where nobody is."""
    naming = word in _NAMING
    words = head[head.rfind("§") + 1 :]
    opener = OPENER.match(words)
    words = words[opener.end() :] if opener else words.lstrip(" ,–—-")
    last = WORD.findall(words[-30:])
    if last and last[-1] in ("that", "which"):
        return Cue(word, None, True, naming)
    if last and last[-1].casefold() in PRONOUNS:
        return Cue(word, None, True, naming)
    found = SUBJECT.search(words)
    if found is None:
        return None
    speaker = found["role"] or found["name"]
    return Cue(word, speaker, False, naming) if len(speaker) <= LONGEST_SPEAKER else None


def _speaker(word: str, text: str, at: int) -> Cue:
    naming = word in _NAMING
    found = SPEAKER.match(text, at)
    if found:
        speaker = found["speaker"]
        if speaker.casefold() in PRONOUNS:
            return Cue(word, None, True, naming)
        return Cue(word, speaker, False, naming)
    next_word = WORD.match(text, at)
    return Cue(word, None, next_word is not None and next_word[0] in PRONOUNS, naming)
