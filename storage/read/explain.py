"""Why two articles are related: shared passages, differences, omissions and additions.

Relations store no text, so that a redaction removes all of it. The explanation is computed again,
by the same rules, from the two wordings that were compared.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, text

from storage.database.tables import ARTICLE, DERIVATION, VERSION, WORDING
from storage.database.view_queries.sql_words import RESTRICTED
from storage.read.answers import (
    Difference,
    ExplainedRelation,
    Explanation,
    Relation,
)
from storage.similarity.follow_up import FollowUpText
from storage.similarity.near_copy import LONGEST_TEXT, Comparison, StoryText, likeness
from storage.similarity.overlap import Span, WordSequence, word_count
from storage.values.dates import day_of
from storage.values.digest import canonical_all

SENTENCES: Mapping[str, str] = {
    "same_wording": "The same wording stands at both.",
    "same_text": "{a} % of a and {b} % of b stand in passages that both have, and what stands "
    "in the same places agrees.",
    "cut_or_embedded": "{b} % of b stand in a. Beside that a has {more_a} words of its own, "
    "b has {more_b}.",
    "number_and_day": "a names b by its number and its day.",
    "number": "a names b by its number.",
    "title": "a is marked as {mark} and names b by its title.",
    "title_and_day": "a is marked as {mark} and names b by its title and its day.",
    "day_and_facts": "a is marked as {mark} to a text of the day of b, and b alone tells of the "
    "same.",
    "redacted": "A text was redacted, or is restricted: what they share cannot be shown.",
}
"""The meaning of each reason, in one sentence."""

_SHORTEST_REST = 4


@dataclass(frozen=True, slots=True)
class _Side:
    """An article and its wording that was compared."""

    revision: str | None
    seen: datetime | None
    published: str | None
    published_from: datetime | None
    text: StoryText | None


def explain_relations(
    connection: Connection, relations: Iterable[Relation]
) -> Iterator[ExplainedRelation]:
    """Yield relations with their explanation."""
    for relation in relations:
        relation_fields = {f.name: getattr(relation, f.name) for f in fields(relation)}
        yield ExplainedRelation(**relation_fields, explanation=explanation(connection, relation))


def find_compared_revisions(
    connection: Connection, relation: Relation
) -> tuple[str | None, str | None]:
    """Return the revisions that were compared; later versions may differ."""
    evidence = relation.evidence or {}
    if relation.kind == "exact_copy":
        wording = _compute_shared_wording(connection, relation)
        wordings = (wording, wording)
    else:
        wordings = (evidence["a_wording"], evidence["b_wording"])
    a, b = (
        _side(connection, article, wording, None).revision
        for article, wording in zip((relation.a, relation.b), wordings, strict=True)
    )
    return a, b


def explanation(connection: Connection, relation: Relation) -> Explanation:
    """Explain why two articles are related."""
    evidence = relation.evidence or {}
    if relation.kind == "exact_copy":
        return _explain_exact_copy(connection, relation)
    a = _side(connection, relation.a, evidence["a_wording"], evidence.get("a_common"))
    b = _side(connection, relation.b, evidence["b_wording"], evidence.get("b_common"))
    if a.text is None or b.text is None:
        return _build_explanation("redacted", a, b, SENTENCES["redacted"])
    if relation.kind == "follow_up":
        return _explain_follow_up(evidence, a, b)
    return _explain_copy(evidence, a, b)


def _explain_exact_copy(connection: Connection, relation: Relation) -> Explanation:
    wording = _compute_shared_wording(connection, relation)
    a, b = (_side(connection, each, wording, None) for each in (relation.a, relation.b))
    return _build_explanation(
        "same_wording", a, b, SENTENCES["same_wording"], a_share=1.0, b_share=1.0
    )


def _compute_shared_wording(connection: Connection, relation: Relation) -> int | None:
    """Return the first wording that both articles have."""
    other = VERSION.alias()
    second = ARTICLE.alias()
    query = (
        select(VERSION.c.wording_id)
        .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
        .join(other, other.c.wording_id == VERSION.c.wording_id)
        .join(second, second.c.id == other.c.article_id)
        .where(ARTICLE.c.public_id == relation.a, second.c.public_id == relation.b)
        .order_by(VERSION.c.number)
    )
    return connection.execute(query.limit(1)).scalar()


def _explain_copy(evidence: Mapping[str, Any], a: _Side, b: _Side) -> Explanation:
    assert a.text is not None
    assert b.text is not None
    _answer, found = likeness(a.text, b.text)
    one, other = a.text.words, b.text.words
    sentence = SENTENCES[evidence["reason"]].format(
        a=int(100 * found.a_share),
        b=int(100 * found.b_share),
        more_a=one.size - word_count(found.a_passages),
        more_b=other.size - word_count(found.b_passages),
    )
    return _build_explanation(
        evidence["reason"],
        a,
        b,
        sentence,
        a_share=round(found.a_share, 4),
        b_share=round(found.b_share, 4),
        passages=_find_shared_texts(one, other, found),
        differing=tuple(Difference(each.a, each.b, each.in_title) for each in found.conflicts),
        only_a=_extra_passages(one, found.a_passages),
        only_b=_extra_passages(other, found.b_passages),
    )


def _find_shared_texts(
    one: WordSequence, other: WordSequence, found: Comparison
) -> tuple[str, ...]:
    """Return the texts that both have word for word: shared passages without their gaps and without
    the statements that differ.
    """
    differing = [each.a_words for each in found.conflicts if not each.in_title]
    stretches = one.identical_stretches(other, found.a_passages, differing)
    return tuple(one.text_of(*each) for each in stretches)


def _explain_follow_up(evidence: Mapping[str, Any], a: _Side, b: _Side) -> Explanation:
    assert a.text is not None
    sentence = SENTENCES[evidence["reason"]].format(mark=evidence["mark"])
    named = FollowUpText(0, a.text.title, a.text.text, a.text.day).reference
    refers_to: list[str] = []
    if named is not None:
        refers_to += [f"Nr. {number}" for number in named.numbers]
        refers_to += [day.isoformat() for day in named.days]
        refers_to += named.titles[:1]
    return _build_explanation(evidence["reason"], a, b, sentence, refers_to=tuple(refers_to))


def _extra_passages(words: WordSequence, passages: tuple[Span, ...]) -> tuple[str, ...]:
    return tuple(
        words.text_of(first, last)
        for first, last in words.rest(passages)
        if last - first >= _SHORTEST_REST
    )


def _build_explanation(reason: str, a: _Side, b: _Side, sentence: str, **more: Any) -> Explanation:
    defaults: dict[str, Any] = {
        "a_share": None, "b_share": None, "passages": (), "differing": (), "only_a": (),
        "only_b": (), "refers_to": (),
    }  # fmt: skip
    return Explanation(
        reason=reason, sentence=sentence, a_revision=a.revision, b_revision=b.revision,
        a_seen=a.seen, b_seen=b.seen, a_published=a.published, b_published=b.published,
        a_published_from=a.published_from, b_published_from=b.published_from,
        **(defaults | more),
    )  # fmt: skip


def _side(
    connection: Connection, article: str | None, wording_id: int | None, common: Any
) -> _Side:
    query = (
        select(
            VERSION.c.number, VERSION.c.changed_by, DERIVATION.c.published,
            DERIVATION.c.published_precision, DERIVATION.c.published_from,
            WORDING.c.title, WORDING.c.text,
            text(f"article.id IN {RESTRICTED} AS is_restricted"),
        )
        .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
        .join(WORDING, WORDING.c.id == VERSION.c.wording_id)
        .join(DERIVATION, DERIVATION.c.id == VERSION.c.derivation_id)
        .where(ARTICLE.c.public_id == article, VERSION.c.wording_id == wording_id)
        .order_by(VERSION.c.number)
    )  # fmt: skip
    row = connection.execute(query.limit(1)).first()
    if row is None:
        return _Side(None, None, None, None, None)
    story = published = published_from = None
    if not row.is_restricted:
        published, published_from = row.published, row.published_from
    if row.text is not None and not row.is_restricted:
        day, is_exact = day_of(row.published, row.published_precision)
        story = StoryText(
            row.title,
            "\n\n".join(canonical_all(row.text.split("\n\n")))[:LONGEST_TEXT],
            _day(day, row.changed_by, is_exact=is_exact),
            tuple((start, end) for start, end in common or ()),
        )
    return _Side(f"{article}@{row.number}", row.changed_by, published, published_from, story)


def _day(publication: date | None, first_seen: datetime, *, is_exact: bool) -> date | None:
    if publication is None:
        return first_seen.date()
    return publication if is_exact else None
