"""Texts with the figures and words of a statement that do not show who said them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from storage.capabilities.quotations.differences import (
    NEGATION,
    is_content,
    is_figure,
    is_same_word,
)
from storage.capabilities.quotations.quotes import Quotation
from storage.capabilities.quotations.speakers import HiddenNames, load_hidden
from storage.capabilities.quotations.statements import words_of
from storage.capabilities.quotations.view_sql import WORDS
from storage.database.rows import fetch
from storage.database.view_queries.sql_words import RESTRICTED
from storage.language.folded_names import fold_name
from storage.language.sentences import sentences
from storage.language.tokens import Alternatives, Query, Word, parse_query
from storage.read.search import force_index_scan, wordings_query
from storage.values.messages import message_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.database.rows import Row

Place = tuple[str, int]
"""An article and the number of a version."""

MOST_READ = 200
"""Maximum number of texts that are read for one statement; the earliest count."""
MOST_LETTERS = 200_000
MOST_WORDS = 48
LEAST_WORDS = 3
"""Number of words of a claim below which only its words in the same order are the same claim."""
_PARTS = re.compile(r"[,;:–]\s|\s(?:und|and|aber|but|sowie)\s")
_ENDINGS = re.compile(r"(?<=\w{3})(?:est|et|en|st|e|t|s)$")
_FORMS = ("", "e", "t", "et", "en", "s")
_NAME = re.compile(r"\w+(?:['’-]\w+)*+")
_MOST_NAMES = 4
_TEXTS = f"""
WITH m AS MATERIALIZED ({{found}}),
e AS MATERIALIZED (
    SELECT v.id AS id, v.changed_by AS changed_by FROM m
    JOIN version v ON v.wording_id = m.wording_id
    WHERE v.article_id NOT IN {RESTRICTED} ORDER BY v.changed_by, v.id LIMIT {MOST_READ}
)
SELECT a.public_id AS article, v.number AS version, e.changed_by AS changed_by,
    coalesce(d.publisher, src.name) AS outlet, v.wording_id AS wording_id, w.title AS title,
    substr(w.text, 1, {MOST_LETTERS}) AS text
FROM e
JOIN version v ON v.id = e.id
JOIN article a ON a.id = v.article_id
JOIN source src ON src.id = a.source_id
JOIN derivation d ON d.id = v.derivation_id
JOIN wording w ON w.id = v.wording_id
ORDER BY e.changed_by, e.id
"""
_SPOKEN = f"""
SELECT t.wording_id AS wording_id, {WORDS} AS text, t.name AS name FROM quotation t
JOIN wording w ON w.id = t.wording_id
WHERE t.wording_id IN :wordings AND t.is_hidden = FALSE
"""


@dataclass(frozen=True)
class Claim:
    """The figures and words of a statement, or those of its first part with figures.

    >>> costs = Claim("Wir warten, und die Brücke kostet 36 Millionen Euro")
    >>> costs.figures, costs.content
    (('36',), ('brücke', 'kostet'))
    >>> [costs.is_in(each) for each in ("Die Brücke koste 36 Millionen, sagte Vogt.", "36 Brücken")]
    [True, False]
    """

    text: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Return the words of the first part with figures, otherwise all."""
        parts = [words_of(each) for each in _PARTS.split(self.text)]
        with_figures = (
            each for each in parts if any(map(is_figure, each)) and len(each) > LEAST_WORDS
        )
        return next(with_figures, words_of(self.text))[:MOST_WORDS]

    @cached_property
    def figures(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(is_figure, self.words)))

    @cached_property
    def content(self) -> tuple[str, ...]:
        """Return the words of four letters or more that are neither very common nor measures."""
        return tuple(dict.fromkeys(filter(is_content, self.words)))

    @property
    def most_missing(self) -> int:
        """Return how many words may be missing in a text with the same claim."""
        return len(self.content) // 4

    @property
    def is_literal(self) -> bool:
        """Return whether the claim has too few words to be compared without their order."""
        return len(self.content) < (1 if self.figures else LEAST_WORDS)

    def query(self, languages: Sequence[str]) -> Query | None:
        """Return a query that finds every text with the claim; None if it has too few words.

        Of one word more than may be missing, one is there.
        """
        if self.is_literal:
            return parse_query(f'"{" ".join(self.words)}"', languages) if self.words[1:] else None
        figures = [term for each in self.figures for term in parse_query(each, languages).terms]
        size = self.most_missing + 1
        words = sorted(self.content, key=len, reverse=True)
        groups = [words[n : n + size] for n in range(0, len(words) - size + 1, size)]
        others = [
            Alternatives(tuple(_forms(each, languages) for each in group)) for group in groups
        ]
        return Query((*figures, *others))

    def is_in(self, passage: str) -> bool:
        """Check whether a passage has the figures and words."""
        words = words_of(passage)
        if self.is_literal:
            return f" {' '.join(self.words)} " in f" {' '.join(words)} "
        is_negated = NEGATION.search(" ".join(self.words)) is not None
        if not set(self.figures).issubset(words) or (is_negated and not NEGATION.search(passage)):
            return False
        there = sum(any(is_same_word(each, own) for own in words) for each in self.content)
        return there >= len(self.content) - self.most_missing


def _forms(word: str, languages: Sequence[str]) -> Word:
    """Return a word as the index has it in any of its forms with a regular ending."""
    base = _ENDINGS.sub("", word)
    terms = (
        term for each in (word, *(base + ending for ending in _FORMS))
        for term in parse_query(each, languages).terms
    )  # fmt: skip
    forms = [form for term in terms if isinstance(term, Word) for form in term.alternatives]
    return Word(tuple(dict.fromkeys(forms)))


@dataclass(frozen=True, slots=True)
class _Passage:
    """A text with a claim: the passage, and the speaker that is known of it."""

    row: "Row"
    passage: str
    name: str | None


def find_doubt(
    connection: "Connection",
    quoted: Quotation,
    person: str | None,
    places: Iterable[Place],
    languages: Sequence[str],
) -> dict[str, Any]:
    """Return fields with the number and the earliest of the other texts with a claim.

    It is that of a quotation by `person`, which the versions `places` have. A text with another
    speaker does not count. `doubt` is a line if the earliest text is earlier than the quotation.
    """
    claim = Claim(quoted.text)
    rows = _load_texts(connection, claim, languages)
    selected = [*_select(connection, claim, rows, fold_name(person), frozenset(places))]
    fields: dict[str, Any] = {"doubt": None, "unattributed": 0, "unattributed_first": None}
    if selected:
        first = selected[0]
        fields["unattributed"] = len({each.row["article"] for each in selected})
        fields["unattributed_first"] = _place_of(first, load_hidden(connection))
        if first.row["changed_by"] < quoted.changed_by:
            return {**fields, "doubt": _describe(first)}
    if len(rows) == MOST_READ and rows[-1]["changed_by"] < quoted.changed_by:
        fields["doubt"] = message_text("earlier_texts_left", n=MOST_READ)
    return fields


def _load_texts(
    connection: "Connection", claim: Claim, languages: Sequence[str]
) -> "Sequence[Row]":
    """Return the versions that may have a claim, the earliest first, at most `MOST_READ`."""
    query = claim.query(languages)
    found = None if query is None else wordings_query(connection, query)
    if found is None:
        return ()
    force_index_scan(connection)
    return fetch(connection, _TEXTS.format(found=found[0]), found[1], "quotes")


def _select(
    connection: "Connection",
    claim: Claim,
    rows: "Sequence[Row]",
    person: str | None,
    places: frozenset[Place],
) -> Iterator[_Passage]:
    """Yield the texts with a claim, without those of another speaker."""
    passages = {
        row["wording_id"]: passage
        for row in rows
        if (row["article"], row["version"]) not in places
        and (passage := _find_passage(claim, row)) is not None
    }
    spoken: defaultdict[int, list[Row]] = defaultdict(list)
    if passages:
        for quotation in fetch(connection, _SPOKEN, {"wordings": [*passages]}):
            spoken[quotation["wording_id"]].append(quotation)
    for row in rows:
        passage = passages.get(row["wording_id"])
        if passage is None or (row["article"], row["version"]) in places:
            continue
        names = [
            each["name"] for each in spoken[row["wording_id"]]
            if each["name"] and (claim.is_in(each["text"]) or each["text"] in passage)
        ]  # fmt: skip
        own = [each for each in names if _may_be_same(fold_name(each), person)]
        if own or not names:
            yield _Passage(row, passage, own[0] if own else None)


def _find_passage(claim: Claim, row: "Row") -> str | None:
    """Return the title or the first sentence of a text that has a claim."""
    if row["title"] and claim.is_in(row["title"]):
        return str(row["title"])
    for paragraph in (row["text"] or "").split("\n\n"):
        if all(each in paragraph for each in claim.figures) and claim.is_in(paragraph):
            for sentence in sentences(paragraph):
                if claim.is_in(sentence):
                    return sentence.strip()
    return None


def _may_be_same(one: str | None, other: str | None) -> bool:
    """Check whether two folded names may be those of one person: one is the end of the other."""
    if one is None or other is None:
        return True
    short, long = sorted((one.split(), other.split()), key=len)
    return long[-len(short) :] == short


def _describe(place: _Passage) -> str:
    moment = f"{place.row['changed_by'].astimezone(UTC):%Y-%m-%d %H:%MZ}"
    values = {"outlet": place.row["outlet"], "moment": moment}
    if place.name is None:
        return message_text("earlier_text", **values)
    return message_text("earlier_text_of", **values, name=place.name)


def _place_of(place: _Passage, hidden: HiddenNames) -> dict[str, Any]:
    """Return the place of a text, without its sentence if it names who is left out of all lists."""
    row = place.row
    seen: datetime = row["changed_by"]
    is_hidden = hidden.digests and any(
        map(hidden.has, _find_names(f"{row['title']}\n{row['text']}"))
    )
    return {
        "article": row["article"], "version": row["version"], "outlet": row["outlet"],
        "first_seen": seen.isoformat(), "name": place.name,
        "text": None if is_hidden else place.passage,
    }  # fmt: skip


def _find_names(text: str) -> set[str]:
    """Return all runs of a few words that begin and end with a capital letter.

    >>> sorted(_find_names("Heute kam Ada von Kern."))
    ['Ada', 'Ada von Kern', 'Heute', 'Heute kam Ada', 'Kern']
    """
    words = _NAME.findall(text)
    return {
        " ".join(words[start : start + size])
        for start in range(len(words))
        if words[start][0].isupper()
        for size in range(1, _MOST_NAMES + 1)
        if words[start : start + size][size - 1 :] and words[start + size - 1][0].isupper()
    }
