"""Errors of a look-up: not found, ambiguous, redacted or restricted."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from storage.values.messages import message_text


class NoSuchError(LookupError):
    """The archive has no such article, version or job; `hint` says where to look."""

    def __init__(self, what: str, text: str, hint: str) -> None:
        super().__init__(message_text("no_such", what=what, given=text, hint=hint))
        self.what, self.given, self.hint = what, text, hint


class AmbiguousError(LookupError):
    """Several things match; `candidates` are unambiguous forms of the input."""

    def __init__(self, what: str, text: str, candidates: Sequence[str]) -> None:
        listed = ", ".join(candidates)
        super().__init__(message_text("ambiguous", given=text, what=what, candidates=listed))
        self.what, self.given, self.candidates = what, text, tuple(candidates)


class AmbiguousPassageError(AmbiguousError):
    """A passage occurs in a text more than once; `candidates` are longer, unique passages."""

    def __init__(self, text: str, times: int, candidates: Sequence[str]) -> None:
        listed = ", ".join(map(repr, candidates))
        LookupError.__init__(
            self, message_text("ambiguous_passage", given=text, times=times, candidates=listed)
        )
        self.what, self.given, self.candidates = message_text("passage"), text, tuple(candidates)


class RedactedError(LookupError):
    """The text was removed from the archive; its former existence is still proven."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(message_text("redacted_text", what=what, given=text))
        self.what, self.given = what, text


class RestrictedError(LookupError):
    """The article is stored but not shown until its restriction is lifted."""

    def __init__(self, article: str) -> None:
        super().__init__(message_text("restricted_article", article=article))
        self.article = article


class SearchQueryError(ValueError):
    """A query of the full-text search has no meaning."""

    def __init__(self, query: str, reason: str) -> None:
        super().__init__(message_text("search_invalid", query=query, reason=reason))
        self.given = query


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return a question with the most similar name and a blank, or an empty text.

    >>> did_you_mean("Neckr", ["neckar", "rhein"]), did_you_mean("Elbe", ["neckar"])
    ("did you mean 'neckar'? ", '')
    """
    names = {each.casefold(): each for each in known}
    similar = get_close_matches(given.casefold(), names, n=1)
    return f"did you mean {names[similar[0]]!r}? " if similar else ""


class WithheldError(RestrictedError):
    """The captured document of an article also contains the text of a restricted article."""

    def __init__(self, rev: str) -> None:
        LookupError.__init__(self, message_text("withheld_document", rev=rev))
        self.article = rev


class ExpiredError(RedactedError):
    """The captured bytes were deleted at the end of their retention period; the text is kept."""

    def __init__(self, rev: str) -> None:
        LookupError.__init__(self, message_text("expired_document", rev=rev))
        self.what, self.given = message_text("document_of"), rev


class AlertError(ValueError):
    """The options of an alert are invalid."""


class PageUnreachableError(Exception):
    """The web page does not respond at the address in the settings."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"cannot reach the web page at {url} ({reason}): start it with `lesart up` or "
            "`lesart web`, or set LESART_WEB_ADDRESS to its address"
        )
