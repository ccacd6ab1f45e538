"""One version, two versions, and their passages."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from storage.read.answers import (
    Blame,
    Change,
    Citation,
    Diff,
    Raw,
    Sentence,
    VersionText,
)
from storage.read.archive.connection import ArchiveConnection, narrow_to_articles
from storage.read.query.records import Part
from storage.values.errors import (
    AmbiguousPassageError,
    NoSuchError,
    RedactedError,
    RestrictedError,
)
from storage.values.lazy import LazyModule
from storage.values.messages import message_text

if TYPE_CHECKING:
    from storage.diff import word_diff
    from storage.diff.operation import Operation
    from storage.read import blame, cite, find, same_extractor, texts
else:
    word_diff = LazyModule("storage.diff.word_diff")
    blame = LazyModule("storage.read.blame")
    cite = LazyModule("storage.read.cite")
    find = LazyModule("storage.read.find")
    same_extractor = LazyModule("storage.read.same_extractor")
    texts = LazyModule("storage.read.texts")

_QUOTED_LETTERS = 80
_MAX_PASSAGES = 5


class ArchiveTexts(ArchiveConnection):
    """One or two texts."""

    @narrow_to_articles("rev")
    def version(self, rev: str) -> VersionText:
        """Return one complete version.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        with self.connect() as connection:
            found = texts.version_text(connection, self._finder(connection).version(rev))
            return next(texts.add_statements(connection, [found]))

    @narrow_to_articles("rev")
    def raw(self, rev: str) -> Raw:
        """Return the captured bytes of a version, unchanged.

        Raises: RevisionError, NoSuchError, AmbiguousError, DamagedBytesError, RestrictedError.
        """
        with self.connect() as connection:
            return texts.raw(connection, self._open(connection, rev))

    @narrow_to_articles("rev_a", "rev_b")
    def diff(self, rev_a: str, rev_b: str | None = None) -> Diff:
        """Compare `rev_a` with `rev_b`; `rev_a` may be a range `REV..REV`.

        A single revision is compared with the version before it. If different extractors produced
        the two texts, both are taken from one extractor where the archive has such a reading. The
        differences of live blogs are grouped by entry, too.
        Raises: RevisionError, NoSuchError, AmbiguousError, RedactedError.
        """
        with self.connect() as connection:
            a, b = self._pair(self._finder(connection), rev_a, rev_b)
            find.refuse_restricted(connection, a, b)
            pair, grouped = same_extractor.compared_texts(connection, a, b)
        operations = tuple(word_diff.diff(*pair))
        return Diff(a.rev, b.rev, operations, grouped, a.certain, b.certain)

    def change_operations(self, change: Change) -> "Sequence[Operation]":
        """Return the operations of a change; for a live blog without entries that moved.

        Raises: NoSuchError, RedactedError.
        """
        number = change.version
        if not any(each.startswith("entry_") for each in change.changes):
            return self.diff(f"{change.article}@{number - 1}..@{number}").operations
        article = self.article_row_id(change.article)
        with self.connect() as connection:
            return same_extractor.entry_step_operations(connection, article, number)

    def blame(
        self,
        rev: str,
        removed: bool = False,  # noqa: FBT001, FBT002 - the second argument of most calls
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Blame]:
        """Yield each sentence of a version: since when it is present, and which article had it
        first.

        `removed` selects the deleted sentences instead.
        Raises: RevisionError, NoSuchError, AmbiguousError, CursorError.
        """
        version = self._query(self._open, rev)
        cache = self._sentence_cache()
        part = Part(after, limit)
        return self.iterate(blame.blame_sentences, version, cache, part, removed=removed)

    def sentence(self, rev: str, number: int) -> Sentence:
        """Return one sentence of a version, counted from 1 as in `blame`, and the other articles
        whose current text contains it.

        Raises: RevisionError, NoSuchError, AmbiguousError, RedactedError, RestrictedError.
        """
        (found,) = self._sentences(rev, number, Part())
        return found

    def sentences(
        self, rev: str, contains: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[Sentence]:
        """Yield the sentences of a version that contain a text, like `sentence`.

        Raises: RevisionError, NoSuchError, AmbiguousError, CursorError, RestrictedError.
        """
        return self._sentences(rev, contains, Part(after, limit))

    def _sentences(self, rev: str, choice: int | str, part: Part) -> Iterator[Sentence]:
        version = self._query(self._open, rev)
        return self.iterate(blame.find_sentences, version, self._sentence_cache(), part, choice)

    def cite(self, rev: str, passage: str | None = None) -> Citation:
        """Return a reference to a version, or to a passage of its text.

        White space and the form of quotation marks are ignored in the passage. Raises:
        RevisionError, NoSuchError if the passage does not occur (it names versions that contain
        it), AmbiguousPassageError if it occurs more than once, AmbiguousError, RedactedError,
        RestrictedError.
        """
        version = self.version(rev)
        if "restricted" in version.flags:
            raise RestrictedError(version.article)
        if version.text is None:
            raise RedactedError(message_text("text_of"), rev)
        if passage is None:
            return cite.build_citation(version)
        spans = cite.find_passages(version.text or "", passage)
        if len(spans) == 1:
            return cite.build_citation(version, spans[0])
        excerpt = textwrap.shorten(passage, _QUOTED_LETTERS, placeholder="…")
        if spans:
            passages = cite.unique_passages(version.text, spans[:_MAX_PASSAGES])
            raise AmbiguousPassageError(excerpt, len(spans), passages)
        revision = f"{version.article}@{version.version}"
        others = self._query(texts.versions_with_passage, version.article, version.version, passage)
        listed = ", ".join(map(str, others))
        found_in = message_text("passage_elsewhere", n=len(others), versions=listed)
        raise NoSuchError(
            message_text("passage_in", revision=revision),
            excerpt,
            found_in if others else message_text("same_letters"),
        )
