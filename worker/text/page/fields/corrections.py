"""Read the corrections that the JSON-LD of a page declares."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storage.values.digest import canonical
from storage.values.draft import Notice, Paragraph
from worker.text.annotate.bylines import ADDRESS
from worker.text.annotate.notices import passage
from worker.text.page.fields.article_node import article_node, strings_in
from worker.text.page.fields.dates import read_stamp
from worker.text.page.fields.json_ld import JsonLd, node_types
from worker.text.page.fields.titles import plain_title

_PLACE = "JSON-LD correction"
_TYPE = "CorrectionComment"
_DATES = ("datePublished", "dateCreated", "dateModified")
_MAX_CORRECTIONS = 50
_LONGEST = 5_000  # characters


def declared_notices(
    json_ld: JsonLd,
    address: str | None,
    paragraphs: Sequence[Paragraph],
    notices: Sequence[Notice],
    latest_year: int,
) -> tuple[Notice, ...]:
    """Return the corrections that the page declares for machines and does not show in its text.

    `notices` are the notices of the text. A value that begins with an address is ignored: it may
    lead to the corrections of all articles.
    """
    texts = [canonical(notice.text) for notice in notices]
    declared: list[Notice] = []
    for correction in list(_corrections(json_ld, address))[:_MAX_CORRECTIONS]:
        text = plain_title(next(iter(strings_in(correction, "text", "description")), ""))
        known = canonical(text)
        is_new = known and not any(known in other for other in texts)
        if is_new and len(text) <= _LONGEST and not ADDRESS.match(text):
            texts.append(known)
            date = _date(correction, latest_year)
            declared.append(Notice("correction", text, passage(text, paragraphs), date))
    return tuple(declared)


def _corrections(json_ld: JsonLd, address: str | None) -> Iterator[Any]:
    """Yield the corrections of the article node, then those that are nodes of their own."""
    article = article_node(json_ld, address) or {}
    yield from _items(article.get("correction"))
    comments = (*_items(article.get("comment")), *json_ld.nodes)
    yield from (node for node in comments if isinstance(node, dict) and _TYPE in node_types(node))


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _date(correction: Any, latest_year: int) -> dict[str, Any] | None:
    values = [correction.get(name) for name in _DATES] if isinstance(correction, Mapping) else []
    dates = (read_stamp(value, _PLACE, latest_year) for value in values)
    return next((date.to_dict() for date in dates if date), None)
