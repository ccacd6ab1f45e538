"""PURE: the classes of a change: number, name, quotation, other words …"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from storage.diff.alignment import TextBlock
from storage.diff.edits import Edit
from storage.diff.word_diff import Side
from storage.language.facts import MONTHS, WEEKDAYS
from storage.language.names import names_of
from storage.language.quotations import mark_quoted_tokens
from storage.language.sentences import sentences
from storage.language.word_lists import TOKEN, word_list
from storage.values.change_class import ChangeClass
from storage.values.lazy import lazy_pattern

_SHORTEST_GENITIVE = 4
_FEWEST_TO_REORDER = 2
_QUOTATION_MARKS = frozenset("\"'")
_UNITS = frozenset("%‰€$£¥°")
_SIGNS = frozenset("+-−–±")
UNIT_WORD = re.compile(
    r"(?:milli|zenti|dezi|kilo|mega|giga|tera|centi|deci|quadrat|kubik|hekto|square|cubic)?-?"
    r"(?:met(?:er|re)[ns]?|m|gramm|grams?|liter[ns]?|lit(?:re|er)s?|watt|volt|tonnen?|ton(?:ne)?s?)"
    r"|euro|dollars?|cents?|pounds?|pfund|franken|rubel|yen|pence|kronen|zloty|prozent(?:punkte[n]?)?"
    r"|per|percent|grad|degrees?|hektar|hectares?|acres?|miles?|meilen?|knots?|knoten|feet|foot|inch"
    r"(?:es)?|zoll|sekunden?|minuten?|stunden?|tagen?|tage|wochen?|monaten?|monate|jahren?|jahre"
    r"|seconds?|minutes?|hours?|days?|weeks?|months?|years?|kg|km|cm|mm|kmh|mph|ml|hz",
    re.IGNORECASE,
)
"""A unit of measure, which belongs to the amount before it.

>>> [bool(UNIT_WORD.fullmatch(each)) for each in ("Zentimetern", "Euro", "years", "Menschen")]
[True, True, True, False]
"""
_NUMBER_WORDS = word_list("numbers")


def classes_of(places: Iterable[Edit], a: Side, b: Side) -> tuple[str, ...]:
    """Return the classes of the given places of a change, in the order of `ChangeClass`.

    - `headline`: the title changed. Its numbers, names and quotations have their classes too.
    - `number`: a word with a digit, a number word (two and more, million …), a unit (% or €, or a
      measure after an amount), or the sign before a digit was added, removed or changed, or numbers
      of a sentence changed places. Digits in whole new paragraphs do not count, nor do those of a
      sentence that only moved within the text.
    - `date`: the same for words of a date: a day with its month, a weekday or a month
      (`storage.diff.classes`). Its digits count as numbers, too.
    - `name`: the same for words that are names according to the text (`storage.language.names`).
    - `quote`: a change inside quotation marks, or of a quotation mark itself.
    - `wording`: a change of other words.
    - `punctuation`: a place where only punctuation, a blank or a paragraph break changed.
    - `paragraph_added`, `paragraph_removed`, `moved`: whole paragraphs, as in `diff`.
    - `notice`: a paragraph of this role is new or was edited.
    """
    compared = _ComparedTexts(list(places), a, b)
    return tuple(
        each.value for each in ChangeClass if each in DETECTORS and DETECTORS[each](compared)
    )


# ------------------------------------------------------------------------------------ words


@dataclass(frozen=True, slots=True)
class _Word:
    """A changed token and its place."""

    token: str
    is_quoted: bool
    is_date: bool
    before_digit: bool
    after_digit: bool

    @property
    def is_word(self) -> bool:
        return self.token[0].isalnum()

    @property
    def is_number(self) -> bool:
        return (
            any(map(str.isdigit, self.token))
            or self.token in _UNITS
            or (self.token in _SIGNS and self.before_digit)
            or self.token.casefold() in _NUMBER_WORDS
            or (self.after_digit and UNIT_WORD.fullmatch(self.token) is not None)
        )


def _is_amount(token: str) -> bool:
    return any(map(str.isdigit, token)) or token.casefold() in _NUMBER_WORDS


@dataclass(frozen=True, slots=True)
class _Edit:
    """The removed and the added text at one place inside a block."""

    is_title: bool
    gone: tuple[_Word, ...]
    new: tuple[_Word, ...]

    @property
    def words(self) -> tuple[_Word, ...]:
        return self.gone + self.new


class _MarkedTokens:
    """The tokens of blocks by offset, and which of them are quoted or belong to a date."""

    def __init__(self) -> None:
        self._marks: dict[int, tuple[list[bool], list[bool]]] = {}

    def words(self, block: TextBlock, start: int, text: str) -> tuple[_Word, ...]:
        if id(block) not in self._marks:
            starts = block.words.starts
            self._marks[id(block)] = (
                mark_quoted_tokens(block.canon, starts), mark_date_tokens(block.canon, starts),
            )  # fmt: skip
        quoted, dated = self._marks[id(block)]
        begin = start - block.start
        canon, words, tokens = block.canon, block.words, block.tokens
        return tuple(
            _Word(
                tokens[k],
                quoted[k],
                dated[k],
                canon[(end := words.end_of(k)) : end + 1].isdigit(),
                k > 0 and _is_amount(tokens[k - 1]),
            )
            for k in block.tokens_within(begin, begin + len(text))
        )


def _edit(place: Edit, tokens_by_block: _MarkedTokens) -> _Edit:
    gone: tuple[_Word, ...] = ()
    new: tuple[_Word, ...] = ()
    if place.gone and place.a:
        gone = tokens_by_block.words(place.a, place.gone.a_start, place.gone.a_text)
    if place.new and place.b:
        new = tokens_by_block.words(place.b, place.new.b_start, place.new.b_text)
    return _Edit(place.role == "headline", gone, new)


class _ComparedTexts:
    """Two texts and the places where they differ; each part is computed on first use."""

    def __init__(self, places: Sequence[Edit], a: Side, b: Side) -> None:
        self.places = places
        self.a, self.b = a, b
        self.edit_places = [place for place in places if place.kind == "edit"]

    @cached_property
    def edits(self) -> list[_Edit]:
        tokens_by_block = _MarkedTokens()
        return [_edit(place, tokens_by_block) for place in self.edit_places]

    @cached_property
    def names(self) -> frozenset[str]:
        return _names(self.edits, self.a, self.b)

    def is_name(self, word: _Word) -> bool:
        return not word.is_date and _stem(word.token) in self.names

    @cached_property
    def has_number(self) -> bool:
        return _differ(self.edits, lambda word: word.is_number) or _is_reordered(
            self.edit_places, _is_amount
        )

    @cached_property
    def has_date(self) -> bool:
        return _differ(self.edits, lambda word: word.is_date) or _is_reordered(
            self.edit_places, is_date_name
        )

    @cached_property
    def has_name(self) -> bool:
        return bool(self.names) and (
            _differ(self.edits, self.is_name)
            or _is_reordered(self.edit_places, lambda token: _stem(token) in self.names)
        )

    def has_class(self, word: _Word) -> bool:
        """Check whether a changed word belongs to another class than `wording`.

        A number that only moved is an ordinary word.
        """
        return (
            word.is_quoted
            or (word.is_number and self.has_number)
            or (word.is_date and self.has_date)
            or (self.is_name(word) and self.has_name)
        )


def _is_reordered(edit_places: Iterable[Edit], is_kind: Callable[[str], bool]) -> bool:
    """Check whether words of a kind changed places within a sentence, for example winner and
    loser.
    """
    pairs = {
        (id(place.a), id(place.b)): (place.a, place.b)
        for place in edit_places
        if place.a is not None and place.b is not None
    }
    return any(_is_reordered_within(a, b, is_kind) for a, b in pairs.values())


def _is_reordered_within(a: TextBlock, b: TextBlock, is_kind: Callable[[str], bool]) -> bool:
    if sum(map(is_kind, a.tokens)) < _FEWEST_TO_REORDER:
        return False
    ours, theirs = (Counter(map(str.strip, sentences(each.canon))) for each in (a, b))
    before, after = (
        [word for part in parts.elements() for word in map(str.strip, TOKEN.findall(part))]
        for parts in (ours - theirs, theirs - ours)
    )
    before, after = ([word for word in words if is_kind(word)] for words in (before, after))
    return before != after and Counter(before) == Counter(after)


def _differ(edits: Iterable[_Edit], is_kind: Callable[[_Word], bool]) -> bool:
    """Check whether words of a kind changed, not only moved within the text."""
    balance: Counter[str] = Counter()
    for edit in edits:
        gone = [word.token for word in edit.gone if is_kind(word)]
        new = [word.token for word in edit.new if is_kind(word)]
        if edit.gone and edit.new and gone != new:
            return True
        balance.update(new)
        balance.subtract(gone)
    return any(balance.values())


def _names(edits: Iterable[_Edit], a: Side, b: Side) -> frozenset[str]:
    """Return the stems of the names of both texts, if a changed word may be a name.

    A word in the place of a name is a name too.
    """
    if not any(word.token[0].isupper() for edit in edits for word in edit.words):
        return frozenset()
    found = set(map(_stem, names_of([block.paragraph.signs for block in (*a.all, *b.all)])))
    for edit in edits:
        gone, new = ([w for w in side if w.is_word] for side in (edit.gone, edit.new))
        if len(gone) == len(new) == 1 and gone[0].token[0].isupper() and new[0].token[0].isupper():
            pair = {_stem(gone[0].token), _stem(new[0].token)}
            found |= pair if pair & found else set()
    return frozenset(found)


def _stem(token: str) -> str:
    """Return a name without the `s` of its genitive."""
    return token.removesuffix("'s").removesuffix("s") if len(token) > _SHORTEST_GENITIVE else token


# -------------------------------------------------------------------------------- detectors


def _has_headline(compared: _ComparedTexts) -> bool:
    return any(edit.is_title for edit in compared.edits)


def _has_quote(compared: _ComparedTexts) -> bool:
    return any(word.is_quoted for edit in compared.edits for word in edit.words)


def _has_punctuation(compared: _ComparedTexts) -> bool:
    return any(_is_punctuation(edit) for edit in compared.edits if not edit.is_title)


def _has_punctuation_or_break(compared: _ComparedTexts) -> bool:
    return _has_punctuation(compared) or any(place.kind == "break" for place in compared.places)


def _is_punctuation(edit: _Edit) -> bool:
    if any(word.is_word for word in edit.words):
        return False
    return not edit.words or any(
        not word.is_number and word.token not in _QUOTATION_MARKS for word in edit.words
    )


def _has_wording(compared: _ComparedTexts) -> bool:
    """Check whether other words changed, or nothing but the place of a unit or a sign."""
    return any(
        word.is_word and not compared.has_class(word)
        for edit in compared.edits
        if not edit.is_title
        for word in edit.words
    ) or (bool(compared.edits) and not any(has(compared) for has in _EDIT_DETECTORS.values()))


def _has_paragraph(compared: _ComparedTexts, *, is_new: bool) -> bool:
    return any(
        place.kind == "paragraph" and (place.new is not None) is is_new for place in compared.places
    )


def _has_move(compared: _ComparedTexts) -> bool:
    return any(place.kind == "move" for place in compared.places)


def _has_notice(compared: _ComparedTexts) -> bool:
    return any(
        place.role == "notice"
        and (place.kind == "edit" or (place.kind == "paragraph" and place.new is not None))
        for place in compared.places
    )


_Detector = Callable[[_ComparedTexts], bool]

_EDIT_DETECTORS: Mapping[ChangeClass, _Detector] = {
    ChangeClass.HEADLINE: _has_headline,
    ChangeClass.NUMBER: lambda compared: compared.has_number,
    ChangeClass.DATE: lambda compared: compared.has_date,
    ChangeClass.NAME: lambda compared: compared.has_name,
    ChangeClass.QUOTE: _has_quote,
    ChangeClass.PUNCTUATION: _has_punctuation,
}
DETECTORS: Mapping[ChangeClass, _Detector] = {
    **_EDIT_DETECTORS,
    ChangeClass.PUNCTUATION: _has_punctuation_or_break,
    ChangeClass.WORDING: _has_wording,
    ChangeClass.PARAGRAPH_ADDED: partial(_has_paragraph, is_new=True),
    ChangeClass.PARAGRAPH_REMOVED: partial(_has_paragraph, is_new=False),
    ChangeClass.MOVED: _has_move,
    ChangeClass.NOTICE: _has_notice,
}
"""The function that detects each class of `ComparedData.TEXTS`."""


_DAY = r"[0-3]?\d(?:\.|st|nd|rd|th)?"
_MONTH = rf"(?=[A-ZÄÖÜ])(?i:{MONTHS})\b"
_YEAR = r"(?:\.?,?[ ](?:19|20)\d\d\b)"
_TO = r"[ ]?(?:[-–/]|\b(?:bis|und|oder|to|and|or)\b)[ ]?(?:zum[ ]|the[ ])?"
_BEFORE_A_MONTH = "|".join(
    rf"(?<=\b{word}[ -])"
    for word in """
        im Im in In seit Seit bis Anfang Mitte Ende since Since until during early mid late last
        next """.split()  # noqa: SIM905 - words read best as a text
)
_DATE = lazy_pattern(
    rf"""(?<![\w.,:/])(?:
        (?=\d)(?:
            (?:{_DAY}{_TO})?{_DAY}(?:[ ]of)?[ ]?{_MONTH}{_YEAR}?
          | \d{{4}}-[01]\d-[0-3]\d(?!\d)
          | [0-3]?\d\.[ ]?[01]?\d\.(?:[ ]?(?:(?:19|20)\d\d|\d\d)(?!\w))?(?!\d)
          | [01]?\d/[0-3]?\d/(?:\d\d|\d{{4}})(?![\w/]))
      | (?=[JFMASOND])(?:
            {_MONTH}(?:\.?[ ]{_DAY}(?:{_TO}{_DAY})?(?!\w){_YEAR}?|{_YEAR})
          | (?:(?!\w{{3}}\b|March|April|June|August)|{_BEFORE_A_MONTH}){_MONTH})
      | (?=[MDFSTWmdfstw])
        (?i:{WEEKDAYS})(?=s?\b|morgen|vormittag|mittag|nachmittag|abend|nacht|früh)
    )""",
    re.VERBOSE,
)
"""Dates. A short name of a month, or one that people have too, needs a day, a year or `in`.

>>> [m[0] for m in _DATE.finditer("Vom 18. bis 20. Juni 2024 und am 3.2. sprach Ende Mai Jan May")]
['18. bis 20. Juni 2024', '3.2.', 'Mai']
>>> [m[0] for m in _DATE.finditer("On the 3rd of June, June 3, 2024, 24/7, May 5, she may march")]
['3rd of June', 'June 3, 2024', 'May 5']
"""
_DATE_NAME = lazy_pattern(rf"(?:{WEEKDAYS})s?|{_MONTH}", re.IGNORECASE)


def is_date_name(token: str) -> bool:
    """Check whether a token is the name of a weekday or month.

    >>> [is_date_name(each) for each in ("Sonntags", "June", "Jahr")]
    [True, True, False]
    """
    return _DATE_NAME.fullmatch(token) is not None


def mark_date_tokens(canon: str, starts: Sequence[int]) -> list[bool]:
    """Return for each token of a text whether it belongs to a date; `starts` are their offsets.

    A year or a time of day alone is no date.

    >>> mark_date_tokens("Am Montag , 18. Juni", [0, 3, 10, 12, 14, 16])
    [False, True, False, True, True, True]
    """
    marks = [False] * len(starts)
    for match in _DATE.finditer(canon):
        for token in range(bisect_left(starts, match.start()), bisect_left(starts, match.end())):
            marks[token] = True
    return marks
