"""Compare captures of an article: their content is read once; other articles are checked for
noise.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from sqlalchemy import Connection, Select, select, union

from storage.database.tables import (
    ARTICLE,
    COUNTER,
    DERIVATION,
    NOISE_STEP,
    ORIGIN,
    VERSION,
    WORDING,
)
from storage.database.unit import Unit, rows_in
from storage.diff.change import METADATA, CaptureContent, CapturePair, TextChange, change
from storage.diff.noise import NO_BOILERPLATE
from storage.diff.operation import Operation
from storage.diff.teaser import teaser_flags
from storage.diff.word_diff import Text
from storage.history.memory import Memory, StepToCheck
from storage.history.noise.boilerplate import (
    Boilerplate,
    ChangedText,
    find_boilerplate_candidates,
    may_be_boilerplate,
)
from storage.history.runs import Pair
from storage.language.paragraphs import CutParagraph
from storage.record.reading import Reading
from storage.values.digest import canonical_all
from storage.values.draft import (
    EXTRACT_STEP,
    TEXT_ROLES,
    Draft,
    entries_in,
    entries_of_text,
    paragraphs_in,
)
from storage.values.net.site import is_host, site_of


class ComparedPair(CapturePair):
    """Two captures, with the paragraphs that other articles may show to be boilerplate."""

    @cached_property
    def to_check(self) -> tuple[tuple[str, ...], ChangedText | None]:
        """Return the paragraphs to check in other articles, and the rest of the text.

        Only web pages have boilerplate: an author added each paragraph of a file or record.
        """
        a, b = self.a, self.b
        candidates = _without_notices(self.boilerplate_candidates, a, b)
        own = [each for each in (*a.paragraphs, *b.paragraphs) if each.canon not in candidates]
        is_page = a.is_page and b.is_page
        has_text = is_page and bool(candidates) and _has_text(own, a, b)
        return candidates, ChangedText(own) if has_text else None


@dataclass(slots=True)
class ComparisonState:
    """The contents and comparisons of one unit of work.

    It is filled before the lock of the archive is taken, drops uncertain contents when the unit
    has the lock, and ends with the unit; after the commit, `Memory` keeps `contents` and `steps`.

    `contents` are those of derivations; unwritten ones have negative numbers. `drafts` are the
    contents that were read, by observation. `sites` are those of articles.
    """

    contents: dict[int, CaptureContent] = field(default_factory=dict)
    drafts: dict[int, CaptureContent] = field(default_factory=dict)
    steps: dict[Pair, StepToCheck] = field(default_factory=dict)
    sites: dict[int, str] = field(default_factory=dict)
    _pairs: dict[tuple[CaptureContent, CaptureContent], ComparedPair] = field(default_factory=dict)

    def pair(self, a: CaptureContent, b: CaptureContent) -> ComparedPair:
        """Return two captures with the known results of their comparison."""
        if (a, b) not in self._pairs:
            self._pairs[a, b] = ComparedPair(a, b)
        return self._pairs[a, b]

    def drop_uncertain(self) -> list[int]:
        """Drop contents that may have changed; return the articles whose sites to load again.

        Contents and comparisons stay; unwritten derivations and sites do not.
        """
        self.contents = {number: each for number, each in self.contents.items() if number > 0}
        self.steps = {pair: step for pair, step in self.steps.items() if min(pair) > 0}
        articles = [article for article in self.sites if article > 0]
        self.sites.clear()
        return articles


def _has_text(own: Sequence[CutParagraph], a: CaptureContent, b: CaptureContent) -> bool:
    """Check whether a text contains more than titles."""
    return not {a.paragraphs[0], b.paragraphs[0]}.issuperset(own)


def _without_notices(
    boilerplate_candidates: Sequence[str], a: CaptureContent, b: CaptureContent
) -> tuple[str, ...]:
    """Return the candidates that are no notice: a notice is about the article."""
    notices = set(canonical_all([text for _kind, text in (*a.notices, *b.notices)]))
    return tuple(each for each in boilerplate_candidates if each not in notices)


REDACTED_CONTENT = CaptureContent(Text(None, ()), is_redacted=True)


class CaptureComparer:
    """Compares captures for one unit of work; `state` has the contents and results.

    It `decides` on noise, unless it only displays earlier decisions: then other articles are
    not checked, and nothing is recorded. `memory` is the cache of stored texts of the process.
    """

    def __init__(
        self,
        connection: Connection,
        since: int,
        memory: Memory | None = None,
        *,
        decides: bool = True,
    ) -> None:
        self.connection = connection
        self.memory = memory or Memory()
        self.decides = decides
        self.boilerplate = Boilerplate(connection, self.memory, since)
        self._since = since
        self.state = ComparisonState()

    @classmethod
    def ahead(cls, connection: Connection, memory: Memory | None = None) -> Self:
        """Return a comparer for the current state of the archive, before the lock is taken."""
        query = select(COUNTER.c.value).where(COUNTER.c.name == "seq")
        return cls(connection, connection.execute(query).scalar_one(), memory)

    def continue_under_lock(self, unit: Unit) -> None:
        """Continue under the lock with the results from before it was taken.

        Contents and differences of captures stay valid. Results from other articles are dropped
        if articles of their sites changed meanwhile.
        """
        sites = (
            _sites_with_changes(unit.connection, self._since)
            if unit.since != self._since
            else set()
        )
        self.connection = unit.connection
        self.boilerplate.continue_under_lock(unit.connection, unit.since, sites)
        self.find_sites(self.state.drop_uncertain())

    # ----------------------------------------------------------------- content of captures

    def set_origin(self, article_id: int, origin: str) -> None:
        """Set the origin of an article whose row may not be written yet."""
        self.state.sites[article_id] = site_of(origin)

    def add_pending(
        self,
        derivation_id: int,
        wording_id: int,
        content: CaptureContent,
        article_id: int,
        origin: str,
    ) -> None:
        """Add a text of this unit of work at an origin of an article; its rows may be written
        later.
        """
        self.state.contents[derivation_id] = content
        self.boilerplate.add(wording_id, content, article_id, site_of(origin))

    def set_content(self, derivation_id: int, content: CaptureContent) -> None:
        """Set the content of a derivation that this unit of work writes."""
        self.state.contents[derivation_id] = content

    def forget_content(self, derivation_id: int) -> None:
        """Drop the content of a derivation that was compared and is not written."""
        self.state.contents.pop(derivation_id, None)

    def content_of(self, reading: Reading) -> CaptureContent:
        """Return the content of a draft that was read; it is the same object until the commit."""
        drafts, number = self.state.drafts, reading.captured.observation_id
        if number not in drafts:
            assert isinstance(reading.outcome, Draft)
            drafts[number] = content_of_draft(reading.outcome)
        return drafts[number]

    def contents(self, derivation_ids: Sequence[int]) -> list[CaptureContent]:
        missing = [
            each for each in dict.fromkeys(derivation_ids) if self._cached_content(each) is None
        ]
        for row in rows_in(self.connection, _saying(), DERIVATION.c.id, missing):
            self.state.contents[row.id] = content_of_row(row.detail, row.title, row.text)
        return [
            known for each in derivation_ids if (known := self._cached_content(each)) is not None
        ]

    def learn(self, derivation_ids: Iterable[int]) -> None:
        """Load the content of derivations that will be needed, in one query."""
        self.contents(list(derivation_ids))

    def site(self, article_id: int) -> str:
        """Return the site of an article: that of its displayed origin."""
        if article_id not in self.state.sites:
            self.find_sites([article_id])
        return self.state.sites[article_id]

    def find_sites(self, article_ids: Iterable[int]) -> None:
        """Load the sites of articles in one query."""
        query = select(ARTICLE.c.id, ORIGIN.c.origin).join(
            ORIGIN, ORIGIN.c.id == ARTICLE.c.origin_id
        )
        for article, origin in rows_in(self.connection, query, ARTICLE.c.id, article_ids):
            self.state.sites[article] = site_of(origin)

    def new_holders(self) -> dict[str, dict[int, set[int]]]:
        """Return the new wording owners of this unit by site and paragraph: articles by key."""
        holders = self.boilerplate.holders
        self.find_sites(
            {a for those in holders.values() for a, _site in those} - self.state.sites.keys()
        )
        found: dict[str, dict[int, set[int]]] = {}
        for wording, those in holders.items():
            holding = self.boilerplate.holding(wording)
            boilerplate_candidates = [
                p for p in {holding.title, *holding.paragraphs} if may_be_boilerplate(p.canon)
            ]
            for article in {article for article, _site in those if article in self.state.sites}:
                by_key = found.setdefault(self.state.sites[article], {})
                for paragraph in boilerplate_candidates:
                    by_key.setdefault(paragraph.key, set()).add(article)
        return found

    # ------------------------------------------------------------------- changes

    def change(self, article_id: int, pair: Pair) -> TextChange:
        """Return the change between two captures of an article."""
        return self._change(article_id, *self._both(pair))

    def compare(self, a: CaptureContent, b: CaptureContent) -> None:
        """Compare two captures in advance."""
        self.state.pair(a, b).change()

    def is_noise(
        self, article_id: int, derivation_id: int, own: CaptureContent, *, is_before: bool
    ) -> bool:
        """Check whether a text differs only by noise from the previous reading, or the next
        one.
        """
        other = self.contents([derivation_id])[0]
        return self._change(article_id, *((other, own) if is_before else (own, other))).is_noise

    def teaser_flags(self, own: CaptureContent, before: int | None, after: int | None) -> list[str]:
        """Return the flags of a text from its neighbouring derivations (see `diff.teaser`)."""
        sides = [
            [] if each is None else _text_of(self.contents([each])[0]) for each in (before, after)
        ]
        return teaser_flags(_text_of(own), *sides)

    def steps_to_recheck(
        self, waiting: Mapping[int, Mapping[Pair, AbstractSet[int]]]
    ) -> dict[int, frozenset[Pair]]:
        """Return the steps with a paragraph that has become noise through new texts of other
        articles.

        `waiting` are the keys of these paragraphs. Texts are read only if another article may have
        one.
        """
        self.find_sites(waiting)
        steps = [(a, pair, keys) for a, those in waiting.items() for pair, keys in those.items()]
        self.learn(
            each for _a, pair, _keys in steps if self._cached_step(pair) is None for each in pair
        )
        likely = [
            (article, pair, keys)
            for article, pair, keys in steps
            if self._may_have_boilerplate(article, self._step_of(pair), keys)
        ]
        self.learn(each for _article, pair, _keys in likely for each in pair)
        found: dict[int, set[Pair]] = {}
        for article, pair, keys in likely:
            difference = self.state.pair(*self._both(pair))
            if self._check_boilerplate(article, difference, keys)[1]:
                found.setdefault(article, set()).add(pair)
            own = difference.to_check[1]
            self._step_of(pair).foreign.update(own.foreign if own else {})
        return {article: frozenset(pairs) for article, pairs in sorted(found.items())}

    def _may_have_boilerplate(
        self, article_id: int, step: StepToCheck, keys: AbstractSet[int]
    ) -> bool:
        site = self.site(article_id)
        return (
            step.has_text
            and is_host(site)
            and self.boilerplate.can_decide(site, article_id, step, keys)
        )

    def plain_change(self, pair: Pair) -> TextChange:
        """Return the change between two captures with no noise removed."""
        return self.state.pair(*self._both(pair)).plain_change()

    def remember(self) -> None:
        """Copy the committed content to the cache of the process."""
        self.memory.keep(self.state.contents, self.boilerplate.known(), self.state.steps)

    def _change(self, article_id: int, a: CaptureContent, b: CaptureContent) -> TextChange:
        pair = self.state.pair(a, b)
        if not pair.boilerplate_candidates or not self.decides:
            return pair.change()
        boilerplate_candidates, given = self._check_boilerplate(article_id, pair)
        return (
            pair.change(given)
            if given
            else replace(pair.change(), boilerplate_candidates=boilerplate_candidates)
        )

    def _check_boilerplate(
        self, article_id: int, pair: ComparedPair, keys: AbstractSet[int] | None = None
    ) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """Return the paragraphs to check in other articles, and the boilerplate among them."""
        site = self.site(article_id)
        if not is_host(site):
            return (), NO_BOILERPLATE
        boilerplate_candidates, own = pair.to_check
        if own is None:
            return (), NO_BOILERPLATE
        return boilerplate_candidates, self.boilerplate.rules(
            site, article_id, own, boilerplate_candidates, keys
        )

    def _cached_step(self, pair: Pair) -> StepToCheck | None:
        return self.state.steps.get(pair) or self.memory.step(pair)

    def _step_of(self, pair: Pair) -> StepToCheck:
        """Return the paragraphs of a step to check in other articles, cached with its texts."""
        step = self._cached_step(pair)
        if step is None:
            boilerplate_candidates, own = self.state.pair(*self._both(pair)).to_check
            foreign = {} if own is None else own.foreign
            step = StepToCheck(
                tuple(find_boilerplate_candidates(boilerplate_candidates)), own is not None, foreign
            )
            self.state.steps[pair] = step
        return step

    def _both(self, pair: Pair) -> tuple[CaptureContent, CaptureContent]:
        a, b = self.contents(pair)
        return a, b

    def _cached_content(self, derivation_id: int) -> CaptureContent | None:
        found = self.state.contents.get(derivation_id)
        if found is None and (found := self.memory.find_content(derivation_id)) is not None:
            self.state.contents[derivation_id] = found
        return found


def _sites_with_changes(connection: Connection, since: int) -> set[str]:
    """Return the sites of articles that got another wording after a number."""
    versions = (
        select(ORIGIN.c.origin)
        .join(ARTICLE, ARTICLE.c.origin_id == ORIGIN.c.id)
        .join(VERSION, VERSION.c.article_id == ARTICLE.c.id)
        .where(VERSION.c.id > since)
    )
    noise = select(ORIGIN.c.origin).join(NOISE_STEP, NOISE_STEP.c.origin_id == ORIGIN.c.id)
    found = union(versions, noise.where(NOISE_STEP.c.id > since))
    return set(map(site_of, connection.execute(found).scalars()))


def differences(
    connection: Connection, a_id: int, b_id: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the removed and added passages between two derivations, including noise."""
    contents = {
        row.id: content_of_row(row.detail, row.title, row.text)
        for row in rows_in(connection, _saying(), DERIVATION.c.id, [a_id, b_id])
    }
    found = change(contents[a_id], contents[b_id], heed_noise=False)
    return found.removed, found.added


def step_operations(connection: Connection, a_id: int, b_id: int) -> tuple[Operation, ...]:
    """Return the operations between two derivations, without entries that are no longer shown."""
    return CapturePair(content(connection, a_id), content(connection, b_id)).operations


def _saying() -> Select[Any]:
    return select(DERIVATION.c.id, DERIVATION.c.detail, WORDING.c.title, WORDING.c.text).join(
        WORDING, WORDING.c.id == DERIVATION.c.wording_id
    )


def content(connection: Connection, derivation_id: int) -> CaptureContent:
    """Return the content of a stored derivation."""
    (row,) = rows_in(connection, _saying(), DERIVATION.c.id, [derivation_id])
    return content_of_row(row.detail, row.title, row.text)


def content_of_draft(draft: Draft) -> CaptureContent:
    values = {name: draft.fields[name].value for name in METADATA if name in draft.fields}
    modified = draft.fields["modified"].value if "modified" in draft.fields else None
    return CaptureContent(
        text=Text(
            draft.title, tuple((p.role, p.text) for p in draft.paragraphs if p.role in TEXT_ROLES)
        ),
        beside=tuple(p.text for p in draft.paragraphs if p.role not in TEXT_ROLES),
        modified=modified,
        notices=tuple((notice.kind, notice.text) for notice in draft.notices),
        metadata=_plain(values),
        around=frozenset(draft.around),
        entries=entries_of_text(draft.entries, [p.role for p in draft.paragraphs]),
        is_page=any(step.name == EXTRACT_STEP for step in draft.steps),
        signs=None if draft.signs is None else frozenset(draft.signs),
    )


def content_of_row(
    detail: Mapping[str, Any] | None, title: str | None, body: str | None
) -> CaptureContent:
    """Return the content of a stored derivation; of a redacted one, that of its wording."""
    if body is None:
        return REDACTED_CONTENT
    layout = [(each.role, each.text) for each in paragraphs_in(detail, body)]
    if detail is None:
        return CaptureContent(Text(title, tuple(layout)))
    fields = detail["fields"]
    values = {name: fields[name]["value"] for name in METADATA if name in fields}
    return CaptureContent(
        text=Text(detail["title"], tuple(each for each in layout if each[0] in TEXT_ROLES)),
        beside=tuple(text for role, text in layout if role not in TEXT_ROLES),
        modified=(fields.get("modified") or {}).get("value"),
        notices=tuple((notice["kind"], notice["text"]) for notice in detail.get("notices") or ()),
        metadata=_plain(values),
        around=frozenset(detail.get("around") or ()),
        entries=entries_of_text(entries_in(detail), [role for role, _text in layout]),
        is_page=any(step["name"] == EXTRACT_STEP for step in detail["steps"]),
        signs=frozenset(detail["signs"]) if "signs" in detail else None,
    )


def _text_of(content: CaptureContent) -> list[str]:
    return [paragraph.canon for paragraph in content.paragraphs[1:]]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of fields in comparable form: dates as times."""
    return {
        name: value.get("value") if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value not in (None, "", [])
    }
