"""Quotations about some words, which occur in the quotation or near it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from storage.language.tokens import Query, holds, parse_search
from storage.read.filters import Conditions
from storage.read.search import wordings_query

if TYPE_CHECKING:
    from sqlalchemy import Connection


class QuotedInText(Protocol):
    """A quotation with the title, the text and the language of its version."""

    @property
    def text(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def body(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...


Q = TypeVar("Q", bound=QuotedInText)


@dataclass(frozen=True, slots=True)
class Topic:
    """Words that occur around a quotation: in the title, its paragraph or the one before it.

    At least one of them is in the quotation itself.
    """

    query: Query

    @classmethod
    def parse(cls, words: str, languages: Sequence[str]) -> "Topic":
        """Return a topic from words as in a search. Raises: SearchQueryError."""
        return cls(parse_search(words, languages))

    def condition(self, connection: "Connection") -> Conditions | None:
        """Return the condition for texts with all words; None if there can be none."""
        found = wordings_query(connection, self.query)
        if found is None:
            return None
        return Conditions().with_clause(f"q.wording_id IN ({found[0]})", **found[1])

    def select(self, quotations: Iterable[Q]) -> Iterator[Q]:
        """Yield the quotations about the words."""
        return (each for each in quotations if self._is_about(each))

    def _is_about(self, each: QuotedInText) -> bool:
        language = each.language
        if not any(
            holds(Query((term,)), [each.text], language) for term in self.query.terms_required
        ):
            return False
        around = [each.title or "", each.text, *_find_paragraphs(each.text, each.body or "")]
        return holds(self.query, around, language)


def _find_paragraphs(quoted: str, body: str) -> list[str]:
    r"""Return the paragraph with a quotation and the one before it.

    >>> _find_paragraphs("Es hält.", "Der Damm ist alt.\n\n„Es hält.“, sagte Ada.\n\nSie ging.")
    ['Der Damm ist alt.', '„Es hält.“, sagte Ada.']
    """
    paragraphs = body.split("\n\n")
    here = next((n for n, each in enumerate(paragraphs) if quoted in each), None)
    return [] if here is None else paragraphs[max(here - 1, 0) : here + 1]
