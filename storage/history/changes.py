"""Compare captures of an article: what they say is read once, and other articles are asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, select

from storage.database.tables import ArticleRow, DerivationRow, OriginRow, WordingRow
from storage.database.unit import Unit, rows_in, table_of
from storage.diff.change import METADATA, Change, Told, change
from storage.diff.noise import NO_BOXES
from storage.diff.teaser import teaser_flags
from storage.diff.word_diff import Text
from storage.history.boilerplate import Fresh, boxes
from storage.history.runs import Pair
from storage.values.digest import canonical_all
from storage.values.draft import TEXT_ROLES, Draft, paragraphs_in
from storage.values.site import is_host, site_of

ARTICLE, DERIVATION = table_of(ArticleRow), table_of(DerivationRow)
ORIGIN, WORDING = table_of(OriginRow), table_of(WordingRow)


class Comparing:
    """What one unit of work knows of captures and of the changes between them.

    It `decides` on noise, unless it only shows what was decided once: then other articles are
    not asked, and nothing is recorded.
    """

    def __init__(self, unit: Unit, *, decides: bool = True) -> None:
        self.unit = unit
        self.decides = decides
        self.fresh = Fresh()
        self._drafts: dict[int, Draft] = {}
        self._ahead: dict[int, list[tuple[int, int, bool, Change]]] = {}
        self._told: dict[int, Told] = {}
        self._changes: dict[tuple[int, Pair], Change] = {}
        self._sites: dict[int, str] = {}

    def stands_at(self, article_id: int, origin: str) -> None:
        """Note where an article stands whose row may not be written yet."""
        self._sites[article_id] = site_of(origin)

    def remember(self, derivation_id: int, draft: Draft) -> None:
        """Note what a derivation says whose row may not be written yet."""
        self._drafts[derivation_id] = draft
        for article, other, is_before, found in self._ahead.pop(id(draft), ()):
            pair = (other, derivation_id) if is_before else (derivation_id, other)
            self._changes.setdefault((article, pair), found)

    def change(self, article_id: int, pair: Pair) -> Change:
        """Return what changed between two captures of an article."""
        known = self._changes.get((article_id, pair))
        if known is None:
            told = self._both(pair)
            known = self._changes[article_id, pair] = self._between(article_id, *told)
        return known

    def is_noise(
        self, article_id: int, derivation_id: int, draft: Draft, *, is_before: bool
    ) -> bool:
        """Tell whether a draft differs by noise alone from what was read before it, or after."""
        other, own = self.told([derivation_id])[0], told_by(draft)
        sides = (other, own) if is_before else (own, other)
        found = self._between(article_id, *sides)
        self._ahead.setdefault(id(draft), []).append((article_id, derivation_id, is_before, found))
        return found.is_noise

    def teaser_flags(self, draft: Draft, before: int | None, after: int | None) -> list[str]:
        """Return what the sights around a draft, by derivation, tell of it (see `diff.teaser`)."""
        sides = [None if each is None else self.told([each])[0].text for each in (before, after)]
        return teaser_flags(told_by(draft).text, *sides)

    def has_boxes(self, article_id: int, pair: Pair) -> bool:
        """Tell whether other articles say now that a paragraph of a step is noise."""
        a, b = self._both(pair)
        found = change(a, b)
        return bool(found.asked and self._boxes(article_id, found, a, b)[1])

    def forget(self, article_id: int, pairs: Iterable[Pair]) -> None:
        """Compare these once more when they are asked for: other articles may say more now."""
        for pair in pairs:
            self._changes.pop((article_id, pair), None)

    def plain_change(self, pair: Pair) -> Change:
        """Return what changed between two captures where nothing counts as noise."""
        return change(*self._both(pair), heed_noise=False)

    def sites(self) -> dict[int, str]:
        """Return the sites of the articles that this unit of work brought wordings of."""
        ids = {article for holders in self.fresh.holders.values() for article, _ in holders}
        self.find_sites(ids - self._sites.keys())
        return {article: self._sites[article] for article in ids if article in self._sites}

    def paragraphs(self, article_ids: Iterable[int]) -> set[str]:
        """Return the titles and paragraphs that this unit brought of articles, canonical."""
        wanted = set(article_ids)
        texts = [
            text
            for wording, holders in self.fresh.holders.items()
            if any(article in wanted for article, _origin in holders)
            for text in (self.fresh.texts[wording][0] or "", *self.fresh.texts[wording][1])
        ]
        return set(canonical_all(texts))

    def told(self, derivation_ids: Sequence[int]) -> list[Told]:
        """Return what each derivation says."""
        self._read([each for each in derivation_ids if each not in self._told])
        return [self._told[each] for each in derivation_ids]

    def site(self, article_id: int) -> str:
        """Return the site of an article: that of the origin that it prints."""
        if article_id not in self._sites:
            self.find_sites([article_id])
        return self._sites[article_id]

    def find_sites(self, article_ids: Iterable[int]) -> None:
        """Learn where articles stand, all at once."""
        query = select(ARTICLE.c.id, ORIGIN.c.origin).join(
            ORIGIN, ORIGIN.c.id == ARTICLE.c.origin_id
        )
        for article, origin in rows_in(self.unit.connection, query, ARTICLE.c.id, article_ids):
            self._sites[article] = site_of(origin)

    def _between(self, article_id: int, a: Told, b: Told) -> Change:
        found = change(a, b)
        if not found.asked or not self.decides:
            return found
        asked, given = self._boxes(article_id, found, a, b)
        return change(a, b, given) if given else replace(found, asked=asked)

    def _boxes(
        self, article_id: int, found: Change, a: Told, b: Told
    ) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """Return the paragraphs that others are asked about, and what they say of them."""
        site = self.site(article_id)
        asked = _that_may_be_boxes(found.asked, a, b) if is_host(site) else ()
        own = [each for each in _canonical(a, b) if each not in asked] if asked else []
        if not asked or not _has_text(own, a, b):
            return (), NO_BOXES
        return asked, boxes(self.unit.connection, self.fresh, site, article_id, own, asked)

    def _both(self, pair: Pair) -> tuple[Told, Told]:
        a, b = self.told(pair)
        return a, b

    def _read(self, derivation_ids: Sequence[int]) -> None:
        missing = []
        for each in dict.fromkeys(derivation_ids):
            draft = self._drafts.get(each)
            if draft is None:
                missing.append(each)
            else:
                self._told[each] = told_by(draft)
        for row in rows_in(self.unit.connection, _saying(), DERIVATION.c.id, missing):
            self._told[row.id] = told_in(row.detail, row.title, row.text)


def differences(
    connection: Connection, a_id: int, b_id: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the passages that went and came between two derivations, noise and all."""
    told = {
        row.id: told_in(row.detail, row.title, row.text)
        for row in rows_in(connection, _saying(), DERIVATION.c.id, [a_id, b_id])
    }
    found = change(told[a_id], told[b_id], heed_noise=False)
    return found.removed, found.added


def _saying() -> Select[Any]:
    return select(DERIVATION.c.id, DERIVATION.c.detail, WORDING.c.title, WORDING.c.text).join(
        WORDING, WORDING.c.id == DERIVATION.c.wording_id
    )


def told(connection: Connection, derivation_id: int) -> Told:
    """Return what a stored derivation says."""
    (row,) = rows_in(connection, _saying(), DERIVATION.c.id, [derivation_id])
    return told_in(row.detail, row.title, row.text)


def told_by(draft: Draft) -> Told:
    """Return what a draft says."""
    values = {name: draft.fields[name].value for name in METADATA if name in draft.fields}
    modified = draft.fields["modified"].value if "modified" in draft.fields else None
    return Told(
        text=Text(
            draft.title, tuple((p.role, p.text) for p in draft.paragraphs if p.role in TEXT_ROLES)
        ),
        beside=tuple(p.text for p in draft.paragraphs if p.role not in TEXT_ROLES),
        modified=modified,
        notices=tuple((notice.kind, notice.text) for notice in draft.notices),
        metadata=_plain(values),
        around=frozenset(draft.around),
    )


def told_in(detail: Mapping[str, Any] | None, title: str | None, body: str | None) -> Told:
    """Return what a stored derivation says; of a redacted one what its wording still has."""
    layout = [(each.role, each.text) for each in paragraphs_in(detail, body)]
    if detail is None:
        return Told(Text(title, tuple(layout)))
    fields = detail["fields"]
    values = {name: fields[name]["value"] for name in METADATA if name in fields}
    return Told(
        text=Text(detail["title"], tuple(each for each in layout if each[0] in TEXT_ROLES)),
        beside=tuple(text for role, text in layout if role not in TEXT_ROLES),
        modified=(fields.get("modified") or {}).get("value"),
        notices=tuple((notice["kind"], notice["text"]) for notice in detail.get("notices") or ()),
        metadata=_plain(values),
        around=frozenset(detail.get("around") or ()),
    )


def _has_text(own: Sequence[str], a: Told, b: Told) -> bool:
    """Tell whether anything but titles is left of a text."""
    titles = set(canonical_all([each.text.title or "" for each in (a, b)]))
    return not titles.issuperset(own)


def _that_may_be_boxes(asked: Sequence[str], a: Told, b: Told) -> tuple[str, ...]:
    """Return those of the paragraphs that are no notice: a notice is about the article."""
    notices = set(canonical_all([text for _kind, text in (*a.notices, *b.notices)]))
    return tuple(each for each in asked if each not in notices)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of fields as they are compared: a date by what it says."""
    return {
        name: value.get("value") if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value not in (None, "", [])
    }


def _canonical(*told: Told) -> list[str]:
    return canonical_all(
        [
            text
            for each in told
            for text in (each.text.title or "", *(p for _, p in each.text.paragraphs))
        ]
    )
