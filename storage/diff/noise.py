"""PURE: which places of a change are noise, and by which rule.

Noise changes without an editor. A rule compares the content of a change, never its size: a digit,
a negation, a name or a mark in running text is no noise under any rule. A place that no rule
explains is a change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from storage.diff.alignment import TextBlock
from storage.diff.edits import Edit, pair_paragraphs
from storage.diff.operation import Operation
from storage.diff.paragraph_breaks import BREAK, parts_of
from storage.diff.word_diff import Side
from storage.language.contacts import Contact, is_same
from storage.language.volatile import Kind, Span, spans
from storage.values.digest import WHITE_SPACE, canonical
from storage.values.net.site import paragraph_key

RULES: Mapping[str, str] = MappingProxyType(
    {
        "age": 'relative age, such as "two hours ago"',
        "clock": "the current time on the page",
        "moment": "a single date or time at the edge of the text",
        "stamp": "the publication or update time on the page",
        "counter": "a count of views, shares or comments",
        "artefact": "data of a server, cache or visit",
        "navigation": "a menu",
        "copyright": "the year after ©",
        "email": "an e-mail address with different protection against harvesters",
        "address": "a web address with different tracking parameters",
        "breaks": "identical words with different paragraph breaks",
        "beside": "the paragraph is still on the page, outside the article text",
        "box": "the paragraph is boilerplate: many unrelated articles of the site contain it",
        "teaser": "the paragraph is the headline of another article of the site",
    }
)
"""Descriptions of the rules for users."""

_EDGE = 2
"""Number of paragraphs at the start and at the end of a text that are its edge."""
_ALONE: frozenset[str] = frozenset({"age", "clock", "stamp", "counter", "artefact", "navigation"})
"""Kinds of noise that may be a whole paragraph."""
_EVEN = {ord(space): " " for space in WHITE_SPACE if space != "\n"}
NO_BOILERPLATE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Noise:
    """The part of a change that one rule explains: the removed and the added passages."""

    rule: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Information besides the two texts.

    `a_beside` and `b_beside` are the keys of the paragraphs outside the texts on their pages;
    `boilerplate` maps canonical paragraphs to the rule that other articles of the site confirm.
    """

    a_beside: frozenset[int] = frozenset()
    b_beside: frozenset[int] = frozenset()
    boilerplate: Mapping[str, str] = field(default_factory=lambda: NO_BOILERPLATE)


NOTHING_ELSE = Evidence()


def explain(
    edits: Sequence[Edit], a: Side, b: Side, evidence: Evidence = NOTHING_ELSE
) -> list[str | None]:
    """Return for each place the rule that makes it noise, or None for a change."""
    reading = _SpanReading(a, b)
    partners = {id(place): pair for pair in pair_paragraphs(edits) for place in pair}
    rules = [
        "breaks"
        if place.kind == "break"
        else reading.edit_rule(place)
        if place.kind == "edit"
        else reading.paragraph_rule(place, partners.get(id(place)), evidence)
        for place in edits
    ]
    if None in rules and _differ_in_breaks(edits, rules, a, b):
        return [rule or "breaks" for rule in rules]
    return rules


def find_unexplained_paragraphs(
    edits: Sequence[Edit], rules: Sequence[str | None]
) -> tuple[str, ...]:
    """Return the whole added or removed paragraphs, in canonical form, that no rule explains
    yet.
    """
    return tuple(
        dict.fromkeys(
            block.canon
            for place, rule in zip(edits, rules, strict=True)
            if rule is None and place.kind == "paragraph" and (block := place.a or place.b)
        )
    )


def noise(edits: Iterable[Edit], rules: Iterable[str | None]) -> tuple[Noise, ...]:
    """Return the explained passages, one entry per rule, in the order of the text."""
    removed: dict[str, list[str]] = {}
    added: dict[str, list[str]] = {}
    for place, rule in zip(edits, rules, strict=True):
        if rule is not None:
            removed.setdefault(rule, []).extend(_operation_texts(place.gone))
            added.setdefault(rule, []).extend(_operation_texts(place.new))
    return tuple(Noise(rule, tuple(removed[rule]), tuple(added[rule])) for rule in removed)


class _SpanReading:
    """The two texts with the spans of their paragraphs, each computed once."""

    def __init__(self, a: Side, b: Side) -> None:
        self._sides = (a, b)
        self._spans: dict[int, list[Span]] = {}
        self._pairs: dict[tuple[int, int], bool] = {}

    def edit_rule(self, place: Edit) -> str | None:
        """Return the rule for an edit inside one paragraph."""
        if place.a is None or place.b is None:
            return None
        is_same = self._says_the_same(place.a, place.b)
        gone = self._enclosing_span(place.a, place.gone)
        new = self._enclosing_span(place.b, place.new)
        if gone is None and new is None:
            return self._first_difference(place.a, place.b) if is_same else None
        if is_same:
            return (gone or new or self._spans[id(place.a)][0]).kind
        return self._partial_edit_rule(place, gone, new)

    def paragraph_rule(
        self, place: Edit, partners: tuple[Edit, Edit] | None, evidence: Evidence
    ) -> str | None:
        """Return the rule for a paragraph that was added, removed or moved as a whole."""
        block = place.b or place.a
        assert block is not None
        kinds = _kinds_of_line(block.text, self._spans_of(block))
        if kinds and kinds[0] in _ALONE and set(kinds) <= _ALONE:
            return kinds[0]
        if place.kind == "paragraph" and partners is not None:
            a, b = partners[0].a, partners[1].b
            if a is not None and b is not None and self._says_the_same(a, b):
                return self._first_difference(a, b)
        beside = evidence.a_beside if place.gone is None else evidence.b_beside
        if place.kind == "paragraph" and beside and paragraph_key(block.canon) in beside:
            return "beside"
        return evidence.boilerplate.get(block.canon)

    def _spans_of(self, block: TextBlock) -> list[Span]:
        if id(block) not in self._spans:
            self._spans[id(block)] = spans(block.text.translate(_EVEN))
        return self._spans[id(block)]

    def _says_the_same(self, a: TextBlock, b: TextBlock) -> bool:
        """Check whether two paragraphs differ only in spans that change by themselves."""
        key = (id(a), id(b))
        if key not in self._pairs:
            ours, theirs = self._spans_of(a), self._spans_of(b)
            self._pairs[key] = (
                bool(ours)
                and len(ours) == len(theirs)
                and all(map(_may_replace, ours, theirs))
                and _mask_spans(a.text, ours) == _mask_spans(b.text, theirs)
                and self._may_be_clocks(a, b)
            )
        return self._pairs[key]

    def _may_be_clocks(self, a: TextBlock, b: TextBlock) -> bool:
        """Check whether lines of times alone are clocks: the only ones, and at an edge of the
        text.
        """
        if not any(span.kind == "moment" for span in self._spans_of(a)):
            return True
        return all(
            self._is_only_clock(block, side)
            for block, side in zip((a, b), self._sides, strict=True)
        )

    def _is_only_clock(self, block: TextBlock, side: Side) -> bool:
        edge = [*side.body[:_EDGE], *side.body[-_EDGE:]]
        others = (
            span for other in side.body if other is not block for span in self._spans_of(other)
        )
        return any(block is each for each in edge) and not any(s.kind == "moment" for s in others)

    def _enclosing_span(self, block: TextBlock, op: Operation | None) -> Span | None:
        """Return the span that contains an operation as a whole."""
        if op is None:
            return None
        is_gone = op.op == "delete"
        start = (op.a_start if is_gone else op.b_start) - block.start
        end = start + len(op.a_text if is_gone else op.b_text)
        return next((s for s in self._spans_of(block) if s.start <= start and end <= s.end), None)

    def _partial_edit_rule(self, place: Edit, old: Span | None, new: Span | None) -> str | None:
        """Return the rule if the rest of the paragraph was edited too."""
        assert place.a is not None
        assert place.b is not None
        if (place.gone is None) == (old is None) and (place.new is None) == (new is None):
            ours, theirs = self._spans_of(place.a), self._spans_of(place.b)
            index = ours.index(old) if old is not None else theirs.index(new)  # type: ignore[arg-type]
            if len(ours) == len(theirs) and _may_replace(ours[index], theirs[index]):
                is_pair = new in {None, theirs[index]}
                is_clock = ours[index].kind != "moment"
                return ours[index].kind if is_pair and is_clock else None
        return None

    def _first_difference(self, a: TextBlock, b: TextBlock) -> str:
        pairs = list(zip(self._spans_of(a), self._spans_of(b), strict=True))
        differing = (
            ours.kind
            for ours, theirs in pairs
            if a.text[ours.start : ours.end] != b.text[theirs.start : theirs.end]
        )
        return next(differing, pairs[0][0].kind)


def _may_replace(a: Span, b: Span) -> bool:
    """Check whether one span may have turned into the other by itself."""
    if a.kind != b.kind:
        return False
    if a.kind not in {"email", "address"}:
        return True
    return is_same(Contact(a.kind, 0, 0, a.value), Contact(b.kind, 0, 0, b.value))


def _mask_spans(text: str, spans_of_text: Iterable[Span]) -> str:
    """Return the canonical form of a text with each span replaced by its kind."""
    parts: list[str] = []
    end = 0
    for span in spans_of_text:
        parts += [text[end : span.start], f"\0{span.kind}\0"]
        end = span.end
    return canonical("".join([*parts, text[end:]]))


def _kinds_of_line(text: str, spans_of_line: Sequence[Span]) -> list[Kind]:
    """Return the kinds of the spans if a line contains only them; otherwise none."""
    end = 0
    for span in spans_of_line:
        if _is_content(text[end : span.start]):
            return []
        end = span.end
    return [] if _is_content(text[end:]) else [span.kind for span in spans_of_line]


def _is_content(text: str) -> bool:
    return any(map(str.isalnum, text))


def _differ_in_breaks(edits: Sequence[Edit], rules: Sequence[str | None], a: Side, b: Side) -> bool:
    """Check whether the remaining differences are paragraph breaks only."""
    left = [place for place, rule in zip(edits, rules, strict=True) if rule is None]
    if any(place.kind == "move" or place.role == "headline" for place in left):
        return False
    as_noise = [place for place, rule in zip(edits, rules, strict=True) if rule is not None]
    gone = {id(place.a) for place in as_noise if place.kind == "paragraph"}
    new = {id(place.b) for place in as_noise if place.kind == "paragraph"}
    edited = {id(place.a) for place in left}
    same = {
        id(block): place.b.canon if block.start == place.a.start else ""
        for place in as_noise
        if place.kind == "edit" and place.a and place.b and id(place.a) not in edited
        for block in parts_of(place.a)
    }
    ours = [same.get(id(block), block.canon) for block in a.body if id(block) not in gone]
    theirs = [block.canon for block in b.body if id(block) not in new]
    return " ".join(filter(None, ours)) == " ".join(theirs)


def _operation_texts(op: Operation | None) -> list[str]:
    if op is None:
        return []
    if op.op in {"split", "join"}:
        return [BREAK]
    text = (op.a_text if op.op == "delete" else op.b_text).strip()
    return [text] if text else []
