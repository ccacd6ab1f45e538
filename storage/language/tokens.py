"""PURE: tokens for full-text search, the same for SQLite FTS5 and PostgreSQL.

Both engines get tokens of `[0-9a-z]` only, so neither splits, folds or stems them again, and both
find the same texts. If a rule or the stemmer changes, the search index must be rebuilt.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from threading import local

import Stemmer

from storage.values.digest import DOUBLE_QUOTES, SOFT_HYPHEN
from storage.values.errors import SearchQueryError
from storage.values.messages import message_text

MAX_TOKENS = 60_000
MAX_BYTES = 500_000
"""Limits of one text: its tsvector stays below PostgreSQL's 1,048,575 bytes."""

MAX_QUERY_LENGTH = 2_000
MAX_TERMS = 64
OPERATORS = frozenset({"OR", "AND", "NOT"})

RUN_WORDS = 4
LETTERS_OF_A_FORM = 5
"""Minimum gain in letters per additional form of a word to look up."""

_ALGORITHMS = {"de": "german", "en": "english"}

# A number keeps its inner mark (`3,6`, `12:30`, `1.500.000`, `1.500,00`); a number with more marks
# (a date, an address) is split at them, so that the year of `18.06.2024` can be found.
_NUMBER = (
    r"(?<![0-9][.,:])[0-9]{1,3}"
    r"(?:(?:\.[0-9]{3})+(?:,[0-9]{1,9})?|(?:,[0-9]{3})+(?:\.[0-9]{1,9})?)(?![.,:]?[0-9])"
    r"|(?<![0-9][.,:])[0-9]{1,30}[.,:][0-9]{1,30}(?![.,:]?[0-9])"
)
TOKEN = re.compile(r"[^\W\d_][^\W_]{0,99}|" + _NUMBER + r"|[^\W_]{1,100}")
SPAN = re.compile(_NUMBER + r"|[^\W_](?:[^\W_]|[\u00ad\u0300-\u036f])*")
"""Words and numbers in a text before folding."""
QUERY_PART = re.compile(r'(-*)(?:"([^"]*)(?:"|$)|([^\s"]+))')
_SHAPE = re.compile(r"(?:(?:Nw|x|p|w(?:Ow)*+)(?:A(?!$))?)*+")
"""The order of words and operators, in the letters of `_spell_shape`."""


@dataclass(frozen=True, slots=True)
class Word:
    """One token, in its forms in the given languages."""

    alternatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Consecutive tokens, in their forms in the given languages."""

    alternatives: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """A text with any of these terms matches."""

    terms: tuple[Word | Phrase, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """A text with this term does not match."""

    term: Word | Phrase


Term = Word | Phrase | Alternatives | Negation


@dataclass(frozen=True, slots=True)
class Query:
    """Terms that a text must contain, all of them; a query of exclusions only finds nothing."""

    terms: tuple[Term, ...]

    @property
    def terms_required(self) -> tuple[Word | Phrase | Alternatives, ...]:
        return tuple(term for term in self.terms if not isinstance(term, Negation))

    @property
    def terms_excluded(self) -> tuple[Word | Phrase, ...]:
        return tuple(term.term for term in self.terms if isinstance(term, Negation))


def index_tokens(texts: Sequence[str], language: str | None) -> tuple[str, ...]:
    """Return the tokens of `texts` in order, stemmed for `language` (`de`, `en`).

    Letters are folded (NFKC, case, ß to ss, no soft hyphens), words are split at all characters
    that are neither letters nor digits, and pieces have at most 100 characters. A token is ASCII:
    every character outside `[0-9a-z]` becomes `q`, its code point in hexadecimal and `z`, and `q`
    becomes `qq`, so that different words have different tokens. Texts are joined without a gap: a
    phrase may span two paragraphs.

    >>> index_tokens(["152-Millimeter-Munition", "3,6 Prozent"], "de")
    ('152', 'millim', 'munition', '3q2cz6', 'prozent')
    """
    return tuple(_stem_words(_words(" ".join(texts)), language))


def tokens_of_each(pieces: Sequence[str], language: str | None) -> tuple[list[str], list[int]]:
    """Return the tokens of pieces without blanks, one after the other, and the number of tokens of
    each.

    >>> tokens_of_each(["152-Millimeter-Munition", "–", "Prozent"], "de")
    (['152', 'millim', 'munition', 'prozent'], [3, 0, 1])
    """
    words = [_words(piece) for piece in pieces]
    return _stem_words(list(chain.from_iterable(words)), language), list(map(len, words))


def stemming(language: str | None) -> str | None:
    """Return the name of the stemmer for a language, or None.

    >>> stemming("de-AT"), stemming("nl")
    ('german', None)
    """
    return _ALGORITHMS.get((language or "").split("-")[0].lower())


def truncate(tokens: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Return as many of `tokens` as both engines can store, and whether any were omitted."""
    kept = tokens[:MAX_TOKENS]
    if sum(map(len, kept)) + len(kept) > MAX_BYTES:
        sizes = list(accumulate(len(token) + 1 for token in kept))
        kept = kept[: bisect_right(sizes, MAX_BYTES)]
    return kept, len(kept) < len(tokens)


def parse_query(text: str, languages: Sequence[str]) -> Query:
    """Parse a search query; parsing never fails, and meaningless parts are ignored.

    All words must occur. `"…"` (any shape of quotation marks) is a phrase, and so is a word that is
    split into several tokens. A leading `-`, or `NOT` before it, excludes. `OR` between two terms
    means either and binds tighter than the rest; next to an exclusion it is ignored, as is `AND`. A
    word is searched in its form in each of `languages` and unstemmed. Only the first 2,000
    characters and 64 terms count.

    >>> parse_query('Häuser -"rotes Dach"', ["de"])
    Query(terms=(Word(alternatives=('haus', 'hqe4zuser')), \
Negation(term=Phrase(alternatives=(('rot', 'dach'), ('rotes', 'dach'))))))
    """
    text = _straighten_quotes(text[:MAX_QUERY_LENGTH])
    terms: list[Term] = []
    either = without = False
    for minus, phrase, word in QUERY_PART.findall(text):
        if word in OPERATORS and not minus:
            either, without = either or word == "OR", without or word == "NOT"
            continue
        if term := _term(word or phrase, languages):
            _add(terms, Negation(term) if minus or without else term, either=either)
        either = without = False
    return Query(tuple(terms[:MAX_TERMS]))


def parse_search(text: str, languages: Sequence[str]) -> Query:
    """Parse a query that a person wrote, and refuse what would be ignored or find nothing.

    Raises: SearchQueryError.

    >>> parse_search('Damm "Pegel', ["de"])
    Traceback (most recent call last):
    storage.values.errors.SearchQueryError: the search 'Damm "Pegel' cannot be answered: \
a quotation mark is open: write a phrase as "…"
    """
    plain = _straighten_quotes(text)
    parts = QUERY_PART.findall(plain)
    words = [word if not minus else "" for minus, _phrase, word in parts]
    query = parse_query(text, languages)
    reasons = {
        "longer_than": len(text) > MAX_QUERY_LENGTH,
        "search_open": plain.count('"') % 2,
        "search_empty": not query.terms,
        "search_words": len(parts) > MAX_TERMS,
        "search_shape": _SHAPE.fullmatch(_spell_shape(parts)) is None,
        "search_excluded": not query.terms_required,
        "search_wildcards": any(
            len(word) > 1 and (word[0] == "*" or word[-1] == "*") for word in words
        ),
        "search_parentheses": OPERATORS.intersection(words)
        and any(word[:1] == "(" or word[-1:] == ")" for word in words),
    }
    limits = {"longer_than": f"{MAX_QUERY_LENGTH:,}", "search_words": MAX_TERMS}
    for reason, is_so in reasons.items():
        if is_so:
            raise SearchQueryError(text, message_text(reason, limit=limits.get(reason)))
    return query


def holds(query: Query, texts: Sequence[str], language: str | None) -> bool:
    """Check whether the texts themselves match `query`, as the index would.

    >>> holds(parse_query("öllager -brand", ["de"]), ["Das Öllager steht."], "de")
    True
    """
    tokens, _was_cut = truncate(index_tokens(texts, language))
    padded = f" {' '.join(tokens)} "
    return (
        bool(query.terms_required)
        and all(_occurs(term, padded) for term in query.terms_required)
        and not any(_occurs(term, padded) for term in query.terms_excluded)
    )


def to_fts5(query: Query) -> str | None:
    """Return `query` for `MATCH` in FTS5, quoted strings only; None if it finds nothing.

    >>> to_fts5(parse_query('a OR b -c', []))
    '(("a") OR ("b")) NOT (("c"))'
    """
    if not query.terms_required:
        return None
    terms_required = " AND ".join(_fts5_term(term) for term in query.terms_required)
    if not query.terms_excluded:
        return terms_required
    unwanted = " OR ".join(_fts5_term(term) for term in query.terms_excluded)
    return (
        f"({terms_required}) NOT ({unwanted})"
        if len(query.terms_required) > 1
        else f"{terms_required} NOT ({unwanted})"
    )


def to_tsquery(query: Query) -> str | None:
    """Return `query` as text for a cast to `::tsquery`; None if it finds nothing.

    >>> to_tsquery(parse_query('a OR "b c" -d', []))
    "(('a') | ('b' <-> 'c')) & !('d')"
    """
    if not query.terms_required:
        return None
    terms_required = [_tsquery_term(term) for term in query.terms_required]
    unwanted = [f"!{_tsquery_term(term)}" for term in query.terms_excluded]
    return " & ".join([*terms_required, *unwanted])


def rarest_run(query: Query) -> Query:
    """Return the phrases of `query`, reduced to the consecutive words that few texts contain.

    Long words are rare, and a word with the same form in all languages costs one lookup.

    >>> rarest_run(parse_query('"es war das Kanalbrückenfest in Lohe an"', [])).terms[0]
    Phrase(alternatives=(('das', 'kanalbrqfczckenfest', 'in', 'lohe'),))
    """
    return Query(tuple(_run(t) if isinstance(t, Phrase) else t for t in query.terms))


def _run(phrase: Phrase) -> Phrase:
    words = phrase.alternatives[-1]
    starts = range(max(1, len(words) - RUN_WORDS + 1))

    def forms(start: int) -> tuple[tuple[str, ...], ...]:
        runs = (form[start : start + RUN_WORDS] for form in phrase.alternatives)
        return tuple(dict.fromkeys(runs))

    def rarity(start: int) -> int:
        letters = sum(map(len, words[start : start + RUN_WORDS]))
        return letters - LETTERS_OF_A_FORM * len(forms(start))

    return Phrase(forms(max(starts, key=rarity)))


def token_spans(text: str, language: str | None) -> Iterator[tuple[str, int, int]]:
    """Yield the tokens of a text with their spans.

    >>> list(token_spans("im Öl\u00adlager", "de"))
    [('im', 0, 2), ('ollag', 3, 11)]
    """
    for match in SPAN.finditer(text):
        for token in _stem_words(_words(match[0]), language):
            yield token, *match.span()


def letters_of(token: str) -> str:
    """Return the letters of a token.

    >>> letters_of("hqe4zuser"), letters_of("qquell"), letters_of("3q2cz6")
    ('häuser', 'quell', '3,6')
    """
    plain, *escaped = token.split("q")
    pieces = iter(escaped)
    for piece in pieces:
        if not piece:
            plain += "q" + next(pieces)
            continue
        code, _, rest = piece.partition("z")
        plain += chr(int(code, 16)) + rest
    return plain


# ---------------------------------------------------------------------------------- tokens


def _words(text: str) -> list[str]:
    if text.isascii():
        return TOKEN.findall(text.lower())
    text = text.replace(SOFT_HYPHEN, "")
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    folded = text.casefold()
    if not unicodedata.is_normalized("NFKC", folded):
        folded = unicodedata.normalize("NFKC", folded)
    return TOKEN.findall(folded)


def _stem_words(words: list[str], language: str | None) -> list[str]:
    """Return a token for each folded word."""
    algorithm = stemming(language)
    stems = words if algorithm is None else _stemmer(algorithm).stemWords(words)
    return [_escape(stem) for stem in stems]


def _escape(text: str) -> str:
    if "q" in text:
        text = text.replace("q", "qq")
    if text.isascii() and text.isalnum():
        return text
    return text.translate(_ESCAPES)


class _Escapes(dict[int, str]):
    def __missing__(self, code: int) -> str:
        is_plain = code < 128 and chr(code).isalnum()
        found = chr(code) if is_plain else f"q{code:x}z"
        if len(self) < 65_536:
            self[code] = found
        return found


_ESCAPES = _Escapes()
_THREAD = local()  # a stemmer of PyStemmer may not be used by two threads at once


def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    known: dict[str, Stemmer.Stemmer] = _THREAD.__dict__
    if algorithm not in known:
        known[algorithm] = Stemmer.Stemmer(algorithm, 0)
    return known[algorithm]


# --------------------------------------------------------------------------------- queries


def _term(text: str, languages: Sequence[str]) -> Word | Phrase | None:
    words = _words(text)
    forms = dict.fromkeys(tuple(_stem_words(words, language)) for language in [*languages, None])
    if not words:
        return None
    if len(words) == 1:
        return Word(tuple(form[0] for form in forms))
    return Phrase(tuple(forms))


def _straighten_quotes(text: str) -> str:
    for shape in DOUBLE_QUOTES:
        text = text.replace(shape, '"')
    return text


def _spell_shape(parts: Sequence[tuple[str, str, str]]) -> str:
    """Return a letter for each part of a query: w a word, x an excluded one, p punctuation, or the
    first one of an operator.

    >>> _spell_shape(QUERY_PART.findall('Damm OR "im Bau" -Pegel'))
    'wOwx'
    """
    return "".join(
        word[0] if word in OPERATORS and not minus
        else "p" if not _words(word or phrase)
        else "x" if minus
        else "w"
        for minus, phrase, word in parts
    )  # fmt: skip


def _add(terms: list[Term], term: Word | Phrase | Negation, *, either: bool) -> None:
    last = terms[-1] if terms else None
    if not either or last is None or isinstance(last, Negation) or isinstance(term, Negation):
        terms.append(term)
        return
    others = last.terms if isinstance(last, Alternatives) else (last,)
    terms[-1] = Alternatives((*others, term)[:MAX_TERMS])


def _fts5_term(term: Word | Phrase | Alternatives) -> str:
    match term:
        case Word(alternatives):
            return "(" + " OR ".join(f'"{token}"' for token in alternatives) + ")"
        case Phrase(alternatives):
            return "(" + " OR ".join(f'"{" ".join(tokens)}"' for tokens in alternatives) + ")"
        case Alternatives(terms):
            return "(" + " OR ".join(map(_fts5_term, terms)) + ")"


def _tsquery_term(term: Word | Phrase | Alternatives) -> str:
    match term:
        case Word(alternatives):
            return "(" + " | ".join(f"'{token}'" for token in alternatives) + ")"
        case Phrase(alternatives):
            return "(" + " | ".join(_tsquery_phrase(tokens) for tokens in alternatives) + ")"
        case Alternatives(terms):
            return "(" + " | ".join(map(_tsquery_term, terms)) + ")"


def _tsquery_phrase(tokens: Sequence[str]) -> str:
    return " <-> ".join(f"'{token}'" for token in tokens)


def _occurs(term: Word | Phrase | Alternatives, text: str) -> bool:
    match term:
        case Word(alternatives):
            return any(f" {token} " in text for token in alternatives)
        case Phrase(alternatives):
            return any(f" {' '.join(tokens)} " in text for tokens in alternatives)
        case Alternatives(terms):
            return any(_occurs(each, text) for each in terms)
