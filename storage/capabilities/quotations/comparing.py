"""Statements of quotations, and quotations whose words changed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from storage.capabilities.quotations import quotes, statements
from storage.capabilities.quotations.about import Topic
from storage.capabilities.quotations.differences import find_difference
from storage.capabilities.quotations.identities import find_parted
from storage.capabilities.quotations.quotes import Quotation, QuotationInText, Statement
from storage.capabilities.quotations.unattributed import find_doubt
from storage.database.rows import cursor, place
from storage.database.views import element_of
from storage.read.filters import Conditions
from storage.values.change_class import ChangeClass
from storage.values.errors import NoSuchError
from storage.values.messages import message_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.read.archive.queries import ArchiveQueries
    from storage.read.query.records import Part

_NUMBER = re.compile(r"([0-9a-z]{1,64})@([0-9]{1,9})\.([0-9]{1,4})")
MOST_SOUGHT = 3
"""Number of the longest words of a statement by which texts with it are found."""
MOST_GROUPED = 5_000
"""Maximum number of quotations of which statements are made; the newest count."""
Group = statements.Statement[QuotationInText]


def find_statements(
    connection: "Connection",
    topic: Topic | None,
    criteria: Conditions,
    part: "Part",
    languages: Sequence[str],
) -> Iterator[Statement]:
    """Yield the statements of the selected quotations, the earliest first, with their doubts."""
    found = sorted(load_groups(connection, topic, criteria), key=_order)
    position = place("statements", part.after, datetime, str) if part.after is not None else None
    following = (each for each in found if position is None or _order(each) > tuple(position))
    for group in islice(following, part.limit):
        yield make_statement(connection, group, languages)


def find_about(
    connection: "Connection",
    topic: Topic,
    criteria: Conditions,
    part: "Part",
    languages: Sequence[str],
) -> Iterator[Quotation]:
    """Yield the selected quotations about a topic, with their doubts."""
    for each in quotes.find_about(connection, topic, criteria, part):
        places = [(each.article, each.version)]
        yield replace(each, **find_doubt(connection, each, each.name, places, languages))


def _order(group: Group) -> tuple[datetime, str]:
    """Return the place of a statement in the list: the time and the name of its first quotation."""
    first = next(group.quotations)
    return first.changed_by, _name_of(first)


def _name_of(each: Quotation) -> str:
    return f"{each.article}@{each.version}.{each.number}"


def load_groups(connection: "Connection", topic: Topic | None, criteria: Conditions) -> list[Group]:
    """Return the statements of the selected quotations with their quotations in time."""
    found = quotes.find_in_texts(connection, topic, criteria)
    quotations = sorted(islice(found, MOST_GROUPED), key=_key)
    return statements.group_statements(quotations, find_parted(connection))


def show_statement(
    archive: "ArchiveQueries", number: str
) -> tuple[Statement, list[list[QuotationInText]]]:
    """Return the statement of a quotation such as `ARTICLE@2.0`, and the places of each wording.

    Raises: NoSuchError.
    """
    found = _NUMBER.fullmatch(number)
    criteria = Conditions().with_clause(
        "q.article = :article AND q.version = :version AND q.number = :number",
        article=found[1] if found else "", version=int(found[2]) if found else 0,
        number=int(found[3]) if found else 0,
    )  # fmt: skip
    own = next(iter(archive.iterate(quotes.find_in_texts, None, criteria)), None)
    if own is None:
        hint = message_text("where_statements")
        raise NoSuchError(message_text("statement"), number[:100], hint)
    words = sorted({*statements.words_of(own.text)}, key=len)[-MOST_SOUGHT:]
    topic = Topic.parse(" ".join(words), archive.languages) if words else None
    near = [*islice(archive.iterate(quotes.find_in_texts, topic, Conditions()), MOST_GROUPED)]
    if own.name is not None:
        by_name = quotes.select_speaker(own.name)
        near += islice(archive.iterate(quotes.find_in_texts, None, by_name), MOST_GROUPED)
    known = {_key(each): each for each in [*near, own]}
    with archive.connect() as connection:
        parted = find_parted(connection)
        groups = statements.group_statements((known[key] for key in sorted(known)), parted)
        group = next(each for each in groups if any(_key(q) == _key(own) for q in each.quotations))
        statement = make_statement(connection, group, archive.languages)
    return statement, [*group.wordings.values()]


def _key(each: Quotation) -> tuple[datetime, str, int, int]:
    return each.changed_by, each.article, each.version, each.number


def make_statement(connection: "Connection", group: Group, languages: Sequence[str]) -> Statement:
    """Return the record of a statement, with the doubt about its first place."""
    quotations = sorted(group.quotations, key=_key)
    first = quotations[0]
    named = next((each for each in quotations if each.name), first)
    number = _name_of(first)
    places = ((each.article, each.version) for each in quotations)
    wordings = _wordings(group, first)
    return Statement(
        statement=number, name=named.name, office=named.office, kind=first.kind, text=first.text,
        first_article=first.article, first_version=first.version, first_outlet=first.outlet,
        first_title=first.title,
        first_seen=first.changed_by, last_seen=max(each.last_seen for each in quotations),
        articles=len({each.article for each in quotations}),
        outlets=len({each.outlet for each in quotations}),
        reworded=any(each["reworded"] for each in wordings),
        contradicted=any(each["contradicts"] for each in wordings),
        wordings=wordings,
        cursor=cursor("statements", first.changed_by, number),
        **find_doubt(connection, first, named.name, places, languages),
    )  # fmt: skip


def _wordings(group: Group, first: QuotationInText) -> tuple[dict[str, Any], ...]:
    """Return the wordings with their differences.

    A direct one is compared with the first direct one, a reported one with the first of all.
    """
    words = next(iter(group.wordings))
    found = []
    direct: QuotationInText | None = None
    for own, those in group.wordings.items():
        each = next((said for said in those if said.kind == "direct"), those[0])
        if each.kind == "direct":
            direct = direct or each
        compared = direct if each.kind == "direct" and direct is not None else first
        difference = find_difference(compared.text, each.text, each.language)
        found.append({
            "text": each.text, "article": those[0].article, "version": those[0].version,
            "outlet": those[0].outlet, "title": those[0].title,
            "first_seen": those[0].changed_by.isoformat(),
            "articles": len({said.article for said in those}),
            "reworded": not statements.is_shortened(words, own), "kind": each.kind,
            "difference": difference,
            "contradicts": difference is not None and each.kind == "direct",
        })  # fmt: skip
    return tuple(found)


def find_changed(
    connection: "Connection", topic: Topic | None, criteria: Conditions, part: "Part"
) -> Iterator[Quotation]:
    """Yield the quotations with other words than an earlier wording of their statement.

    Each is the first with its words, and is compared with the wording before it.
    """
    found: list[Quotation] = []
    for group in load_groups(connection, topic, criteria):
        firsts = [those[0] for those in group.wordings.values()]
        words = [*group.wordings]
        for n in range(1, len(firsts)):
            earlier = [k for k in range(n) if not statements.is_shortened(words[n], words[k])]
            if len(earlier) == n:
                found.append(_with_before(firsts[n], firsts[n - 1]))
    newest = sorted(found, key=_place, reverse=True)
    if part.after is not None:
        position = tuple(place("quotes", part.after, int, int))
        newest = [each for each in newest if _place(each) < position]
    yield from islice(newest, part.limit)


def _place(each: Quotation) -> tuple[Any, ...]:
    return tuple(place("quotes", each.cursor, int, int))


def find_edited(
    connection: "Connection", topic: Topic | None, criteria: Conditions, part: "Part"
) -> Iterator[Quotation]:
    """Yield the quotations that changed from one version of an article to the next."""
    listed = element_of("edit.changes", ":quote", connection)
    criteria = criteria.with_clause(
        "q.version > 1 AND EXISTS (SELECT 1 FROM version edit WHERE edit.id = q.version_id "
        f"AND {listed})",
        quote=[ChangeClass.QUOTE.value],
    )
    found = quotes.find_in_texts(connection, topic, criteria, part.after)
    changed = (
        each
        for (article, version), those in groupby(found, key=lambda q: (q.article, q.version))
        for each in _compare_versions(connection, article, version, [*those])
    )
    yield from islice(changed, part.limit)


def _compare_versions(
    connection: "Connection", article: str, version: int, those: Sequence[QuotationInText]
) -> Iterator[Quotation]:
    """Yield the quotations of a version that have other words than in the version before it."""
    criteria = Conditions().with_clause(
        "q.article = :article AND q.version = :version", article=article, version=version - 1
    )
    older = [*quotes.find_in_texts(connection, None, criteria)]
    known = {statements.words_of(each.text): each for each in older}
    for each in those:
        words = statements.words_of(each.text)
        if words in known:
            continue
        similar = (
            old
            for own, old in known.items()
            if statements.is_same_statement(words, own, statements.SHARED_IN_ARTICLE)
            and not statements.is_shortened(words, own)
        )
        if (before := next(similar, None)) is not None:
            yield _with_before(each, before)


def _with_before(each: QuotationInText, before: QuotationInText) -> Quotation:
    return replace(
        each.without_text(), before=before.text, before_article=before.article,
        before_version=before.version, before_seen=before.changed_by,
        difference=_difference_of_direct(before, each),
    )  # fmt: skip


def _difference_of_direct(before: Quotation, each: QuotationInText) -> str | None:
    is_direct = before.kind == each.kind == "direct"
    return find_difference(before.text, each.text, each.language) if is_direct else None
