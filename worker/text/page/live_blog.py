"""Find the entries of a live blog: elements of the page, JSON-LD, or lines that begin with a time.

The visible entries are preferred, because readers see them. JSON-LD is used if it has more than
twice as many entries with text.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import takewhile
from typing import Any

from lxml.html import HtmlElement

from storage.values.draft import EntryRange, Paragraph, Role
from storage.values.refusals import RefusalReason
from worker.text.annotate.bylines import is_byline
from worker.text.annotate.measures import title_key
from worker.text.page.body.fallback import HEADINGS, KINDS
from worker.text.page.fields.article_node import article_body, strings_in
from worker.text.page.fields.dates import read_stamp
from worker.text.page.fields.json_ld import JsonLd, node_types
from worker.text.page.layout.blocks import INNER_CAPITAL, Block, Layout, Piece
from worker.text.page.layout.fragment import fragment_blocks
from worker.text.page.paywall import ENTRY_TIME, LIVE_NAME

MAX_ENTRIES = 10_000
MICRODATA = "liveBlogUpdate"
_MARK = "data-lesart-entry"
_LONGEST_ID = 200  # characters
_LONGEST_CLASS = 100
_SHORTEST_ENTRY = 15
_LONGEST_LABEL = 60
_MOSTLY_LINK = 0.5
_FEWEST_UNNAMED = 2
"""Elements that only look alike are entries from two on; one that is named an entry is one."""
_TEXT_SHOWN = 0.9  # of the entries in JSON-LD
_WORDS_OF_A_PHRASE = 3
_REPEATED_SHARE = 2 / 3  # of the words of a paragraph
_LIVE_WORDS = frozenset({
    "live", "liveblog", "ticker", "liveticker", "newsticker", "newsblog", "elb", "lb", "lb24",
    "lx", "sl", "tik", "tik3", "tik4", "timeline", "stream", "minutenprotokoll", "liveupdate",
})  # fmt: skip
"""Words in classes of live blogs: general ones, and the prefixes of common systems."""
_ENTRY_WORDS = frozenset({
    "entry", "post", "item", "event", "block", "update", "eintrag", "beitrag", "meldung", "message",
})  # fmt: skip
_DATA_IDS = (
    "data-entry-id", "data-post-id", "data-elb-post-id", "data-js-post-id", "data-block-id",
    "data-event-id", "data-update-id", "data-item-id", "data-id",
)  # fmt: skip
_DATA_TIMES = (
    "data-timestamp", "data-elb-post-datetime", "data-datetime", "data-time", "data-published",
    "data-sort-time",
)  # fmt: skip
_TAGS = ("article", "div", "li", "section", "tr", "dd", "blockquote")
_NO_TEXT = frozenset({"time", "figcaption", "address", "summary"})
_ROLES: Mapping[str, Role] = {"head": "subheading", "quote": "quote", "item": "list", "row": "list"}

NUMBERED_ID = re.compile(r"([a-z][a-z_-]{0,40})[:_-][0-9a-f-]{1,60}", re.IGNORECASE)
"""An id that is a word and a number.

>>> NUMBERED_ID.fullmatch("liveblog-entry-1204")[1], NUMBERED_ID.fullmatch("block-5f2a19")[1]
('liveblog-entry', 'block')
"""
CLOCK_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-3])[:.]([0-5]\d)(?!\d)")
"""A time of day.

>>> CLOCK_TIME.search("+++ 9.05 Uhr: Der Pegel steigt").groups()
('9', '05')
"""
EPOCH = re.compile(r"\d{10}(?:\d{3})?")


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry of a page: its id and time if the page states them, and its pieces."""

    id: str | None
    time: str | None
    pieces: tuple[Piece, ...]

    @property
    def keys(self) -> Iterator[str]:
        return (title_key(piece.text) for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class LiveBlog:
    """The pieces of a page with entries: each entry is a range of them (`start`, `end`)."""

    pieces: tuple[Piece, ...]
    entries: tuple[EntryRange, ...] = field(default=())

    def with_entry_roles(self, paragraphs: tuple[Paragraph, ...]) -> tuple[Paragraph, ...]:
        """Return the paragraphs; those of entries are never the lead, headline or a side matter."""
        if not self.entries:
            return paragraphs
        inside = {index for each in self.entries for index in range(each.start, each.end)}
        return tuple(
            replace(paragraph, role=_ROLES.get(self.pieces[index].kind, "text"))
            if index in inside and paragraph.role in ("aside", "lead", "headline")
            else paragraph
            for index, paragraph in enumerate(paragraphs)
        )


def may_have_entries(json_ld: JsonLd, title: str | None) -> bool:
    """Check whether a page calls itself a live blog: by its type or title."""
    has_type = any("LiveBlogPosting" in node_types(node) for node in json_ld.nodes)
    return has_type or LIVE_NAME.search(title or "") is not None


def find_entries(pieces: Sequence[Piece], reader: "EntryReader") -> LiveBlog:
    """Return the pieces of a live blog with its entries, if any were found."""
    declared, visible = reader.declared, reader.visible
    with_text = [each for each in declared if sum(len(piece.text) for piece in each.pieces[1:])]
    is_enough = reader.is_named or _is_main_content(visible, sum(len(p.text) for p in pieces))
    if visible and len(visible) * 2 >= len(with_text) and is_enough:
        return _compose(pieces, visible, reader.keys, reader.keys_above)
    marked = _cut_at_marks(pieces, declared, reader.latest_year)
    if marked is not None and len(marked.entries) * 2 >= len(with_text):
        shown = sum(len(p.text) for e in marked.entries for p in pieces[e.start : e.end])
        if shown >= _TEXT_SHOWN * sum(len(p.text) for each in with_text for p in each.pieces):
            return marked
    if with_text:
        return _compose(pieces, with_text, frozenset(), frozenset())
    return LiveBlog(tuple(pieces))


def _is_main_content(entries: Sequence[FoundEntry], text_length: int) -> bool:
    """Check whether elements are entries and no teasers: they have a third of the text."""
    length = sum(len(piece.text) for each in entries for piece in each.pieces)
    return length * 3 >= text_length


class EntryReader:
    """Reads entries from the elements and the JSON-LD of a page.

    `is_named`: the page itself calls the elements entries, so that a short one is enough.
    """

    def __init__(self, layout: Layout, json_ld: JsonLd, latest_year: int) -> None:
        self._layout = layout
        self.latest_year = latest_year
        self.is_named = False
        self.declared = self._find_declared_entries(json_ld)
        self.by_element = self._elements(frozenset(each.id for each in self.declared if each.id))
        self.visible = self._visible_entries()

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all blocks of the visible entries."""
        return frozenset(block.key for blocks in self.by_element.values() for block in blocks)

    @property
    def keys_above(self) -> frozenset[str]:
        """The keys of the blocks above the first visible entry."""
        first = next(iter(next(iter(self.by_element.values()), ())), None)
        return frozenset(b.key for b in takewhile(lambda b: b is not first, self._layout.blocks))

    def frame(self) -> HtmlElement | None:
        """Return a copy of the page without its visible entries; None if it has none.

        The headline, the date and the authors of an entry are not those of the page.
        """
        main_length = sum(len(b.text) for b in self._layout.blocks if b.zone == "article")
        if not self.visible or not (self.is_named or _is_main_content(self.visible, main_length)):
            return None
        for element in self.by_element:
            element.set(_MARK, "")
        tree = deepcopy(self._layout.body.getroottree().getroot())
        for element in self.by_element:
            del element.attrib[_MARK]
        for element in tree.xpath(f"//*[@{_MARK}]"):
            element.drop_tree()
        return tree

    def _find_declared_entries(self, json_ld: JsonLd) -> list[FoundEntry]:
        """Return the entries in JSON-LD, each with its headline first."""
        nodes = (n for n in json_ld.nodes if "LiveBlogPosting" in node_types(n))
        updates = (n.get(MICRODATA) for n in nodes)
        listed = (each for some in updates for each in (some if isinstance(some, list) else [some]))
        found = [self._read_node(each) for each in listed if isinstance(each, dict)]
        return [each for each in found if each.pieces][:MAX_ENTRIES]

    def _read_node(self, node: Mapping[str, Any]) -> FoundEntry:
        headline = " ".join(next(iter(strings_in(node.get("headline"))), "").split())
        pieces = [Piece("head", headline, 3)] if headline else []
        pieces += [Piece("p", text) for text in _paragraphs(article_body(node)) if text != headline]
        address = next(iter(strings_in([node.get("@id"), node.get("url")], "@id", "url")), None)
        times = (node.get(key) for key in ("datePublished", "dateCreated", "dateModified"))
        time = next((found for each in times if (found := self._stamp(each))), None)
        return FoundEntry(_id_in(address), time, tuple(pieces))

    def _elements(self, fragments: frozenset[str]) -> dict[HtmlElement, list[Block]]:
        """Return the elements that are entries, with their blocks."""
        by_element: dict[HtmlElement, list[Block]] = {}
        for names_entries, elements in self._groups(fragments):
            found = self._blocks(elements)
            is_named = names_entries and all(self._layout.zone(e) == "article" for e in found)
            if _length(found) <= _length(by_element):
                continue
            if not is_named and len(found) < _FEWEST_UNNAMED:
                continue
            timed = sum(self._time(each, found[each]) is not None for each in found)
            if timed * 2 >= len(found):
                by_element, self.is_named = found, is_named
        return by_element

    def _visible_entries(self) -> list[FoundEntry]:
        """Return the entries that are elements of the page; JSON-LD completes ids and times."""
        known: dict[str | None, FoundEntry] = {e.id: e for e in self.declared if e.id}
        by_headline = {next(each.keys): each for each in self.declared}
        entries = []
        for element, blocks in self.by_element.items():
            pieces = tuple(_pieces(blocks))
            if not pieces:
                continue
            own_id, own_time = self._id(element), self._time(element, blocks)
            key = title_key(pieces[0].text)
            named = known.get(own_id) or by_headline.get(key) or FoundEntry(None, None, ())
            is_whole = own_time is not None and "T" in own_time
            time = own_time if is_whole else named.time or own_time
            entries.append(FoundEntry(own_id or named.id, time, pieces))
        return entries[:MAX_ENTRIES]

    def _groups(self, fragments: frozenset[str]) -> Iterable[tuple[bool, list[HtmlElement]]]:
        """Return the elements that may be entries, grouped by the mark that they share."""
        groups: defaultdict[tuple[bool, Hashable], list[HtmlElement]] = defaultdict(list)
        for element in self._layout.body.iter(*_TAGS):
            for mark in _marks(element, fragments):
                groups[mark].append(element)
        return ((is_named, each) for (is_named, _mark), each in groups.items())

    def _blocks(self, elements: Sequence[HtmlElement]) -> dict[HtmlElement, list[Block]]:
        """Return the blocks of each element that is not inside another one."""
        wanted = set(elements)
        owners: dict[HtmlElement, HtmlElement | None] = {}
        for element in self._layout.body.iter(*_TAGS):
            parent = element.getparent()
            above = None if parent is None else _owner(parent, owners)
            owners[element] = element if above is None and element in wanted else above
        outermost = [each for each in elements if owners[each] is each]
        found: dict[HtmlElement, list[Block]] = {each: [] for each in outermost}
        for block in self._layout.blocks:
            owner = _owner(block.element, owners)
            if owner is not None and block.zone in ("article", self._layout.zone(owner)):
                found[owner].append(block)
        return {
            element: blocks
            for element, blocks in found.items()
            if sum(len(b.text) for b in blocks if b.share < _MOSTLY_LINK) >= _SHORTEST_ENTRY
        }

    def _id(self, element: HtmlElement) -> str | None:
        values = [element.get("id"), *(element.get(name) for name in _DATA_IDS)]
        stated = next((each for each in values if each and each.strip()), None)
        if stated is None:
            links = (a.get("href") or "" for a in element.iter("a"))
            stated = next((link for link in links if "#" in link), None)
        return _id_in(stated)

    def _time(self, element: HtmlElement, blocks: Sequence[Block]) -> str | None:
        """Return the time of an entry: of a time element, of a data attribute, or the first line
        with one.
        """
        stamps = [each.get("datetime") for each in element.iter("time")]
        stamps += [
            each.get("content") or each.get("datetime")
            for each in element.iter("meta", "span", "time", "p", "div")
            if each.get("itemprop") == "datePublished"
        ]
        stamps += [element.get(name) for name in _DATA_TIMES]
        found = next((time for each in stamps if (time := self._stamp(each))), None)
        if found is None:
            lines = (block.text for block in blocks if ENTRY_TIME.match(block.text))
            found = next((_line_time(line, self.latest_year) for line in lines), None)
        return found

    def _stamp(self, value: object) -> str | None:
        if isinstance(value, str) and EPOCH.fullmatch(value.strip()):
            return datetime.fromtimestamp(int(value.strip()[:10]), UTC).isoformat()
        date = read_stamp(value, "time", self.latest_year)
        return None if date is None or len(date.value) <= 4 else date.value + (date.zone or "")


# ------------------------------------------------------------------------------- the elements


def _marks(element: HtmlElement, fragments: frozenset[str]) -> Iterator[tuple[bool, Hashable]]:
    """Yield what marks an element as an entry: microdata, its id, its class, a data attribute.

    With each mark, tell whether it names an entry of a live blog.
    """
    tag, name = element.tag, element.get("id")
    if element.get("itemprop") == MICRODATA:
        yield True, MICRODATA
    if name in fragments:
        yield True, "fragment"
    if name and (numbered := NUMBERED_ID.fullmatch(name)):
        words = _words(numbered[1])
        if words and (words[-1] in _ENTRY_WORDS or words == ["id"]):
            yield not _LIVE_WORDS.isdisjoint(words), (tag, "id", numbered[1])
    for token in (element.get("class") or "")[:_LONGEST_CLASS].split():
        words = _words(token)
        if len(words) > 1 and words[-1] in _ENTRY_WORDS and not _LIVE_WORDS.isdisjoint(words):
            yield True, (tag, "class", token)
    for attribute in _DATA_IDS[:-1]:
        if element.get(attribute):
            yield not _LIVE_WORDS.isdisjoint(_words(attribute)), (tag, attribute)
    if tag == "article":
        yield False, (tag, element.getparent())


def _words(label: str) -> list[str]:
    """Return the words of a class or id.

    >>> _words("live-blog__post"), _words("lb24-news-list-item"), _words("liveTicker_entry--new")
    (['live', 'blog', 'post'], ['lb24', 'news', 'list', 'item'], ['live', 'ticker', 'entry'])
    """
    split = INNER_CAPITAL.sub("-", label.partition("--")[0]).lower()
    return [word for word in split.replace("_", "-").split("-") if word]


def _owner(
    element: HtmlElement, owners: Mapping[HtmlElement, HtmlElement | None]
) -> HtmlElement | None:
    """Return the entry around an element, or the element itself if it is one."""
    step: HtmlElement | None = element
    while step is not None and step not in owners:
        step = step.getparent()
    return None if step is None else owners[step]


def _length(found: Mapping[HtmlElement, Sequence[Block]]) -> int:
    return sum(len(block.text) for blocks in found.values() for block in blocks)


def _pieces(blocks: Sequence[Block]) -> Iterator[Piece]:
    """Yield the text of an entry, without times, bylines, labels of buttons, and the short lines
    above its headline.
    """
    headline = next((n for n, block in enumerate(blocks) if block.tag in HEADINGS), 0)
    for number, block in enumerate(blocks):
        text = block.text
        if number < headline and len(text) <= _LONGEST_LABEL:
            continue
        is_heading = block.tag in HEADINGS
        is_label = len(text) <= _LONGEST_LABEL and block.share > _MOSTLY_LINK and not is_heading
        if block.tag in _NO_TEXT or is_label or _is_only_time(text) or is_byline(text):
            continue
        yield Piece(KINDS.get(block.tag, "p"), text, HEADINGS.get(block.tag, 0))


def _is_only_time(text: str) -> bool:
    found = ENTRY_TIME.match(text)
    return found is not None and found.end() == len(text)


def _id_in(stated: str | None) -> str | None:
    """Return the id in an address or attribute: its fragment, or all of it.

    >>> _id_in("https://bote.example/blog#entry-7"), _id_in(" 12 ")
    ('entry-7', '12')
    """
    text = (stated or "").strip()
    text = text.rpartition("#")[2] or text
    printable = "".join(letter for letter in text if letter.isprintable())
    return printable[:_LONGEST_ID] or None


# --------------------------------------------------------------------------- lines and JSON-LD


def _line_time(line: str, latest_year: int) -> str | None:
    """Return the time at the start of a line: with its day, otherwise the time of day."""
    start = ENTRY_TIME.match(line)
    begin = line[: start.end()] if start else line[:_LONGEST_LABEL]
    date = read_stamp(begin, "line", latest_year)
    if date is not None and "T" in date.value:
        return date.value + (date.zone or "")
    clock = CLOCK_TIME.search(begin)
    return f"{int(clock[1]):02}:{clock[2]}" if clock else None


def _cut_at_marks(
    pieces: Sequence[Piece], declared: Sequence[FoundEntry], latest_year: int
) -> LiveBlog | None:
    """Cut the text at the headlines that JSON-LD lists, otherwise at lines that begin with a time.

    The last entry ends with the text.
    """
    by_headline = {next(each.keys): each for each in declared}
    starts: dict[int, FoundEntry] = {}
    for index, piece in enumerate(pieces):
        named = by_headline.get(title_key(piece.text))
        if named is not None:
            starts[index] = named
    if len(starts) < max(1, len(declared) / 2):
        times = {
            index: time
            for index, piece in enumerate(pieces)
            if ENTRY_TIME.match(piece.text) and (time := _line_time(piece.text, latest_year))
        }
        starts = {index: FoundEntry(None, time, ()) for index, time in times.items()}
    if not starts:
        return None
    ends = [*list(starts)[1:], len(pieces)]
    cut = [
        (start, end, replace(named, pieces=tuple(pieces[start:end])))
        for (start, named), end in zip(starts.items(), ends, strict=True)
    ][:MAX_ENTRIES]
    return LiveBlog(tuple(pieces), _with_ids(cut))


def _compose(
    pieces: Sequence[Piece],
    entries: Sequence[FoundEntry],
    keys: frozenset[str],
    keys_above: frozenset[str],
) -> LiveBlog:
    """Return the text around the entries with the entries between.

    `keys` are those of all blocks of the entries, `keys_above` those of the blocks above them.
    """
    inside = keys.union(*(each.keys for each in entries))
    phrases = {phrase for each in entries for phrase in _phrases(each.pieces)}
    before: list[Piece] = []
    after: list[Piece] = []
    is_below = False
    for piece in pieces:
        key = title_key(piece.text)
        if key in inside or (key not in keys_above and _is_repeated(piece, phrases)):
            is_below = True
        else:
            (after if is_below and key not in keys_above else before).append(piece)
    cut, place = [], len(before)
    for each in entries:
        cut.append((place, place + len(each.pieces), each))
        place += len(each.pieces)
    listed = (piece for each in entries for piece in each.pieces)
    return LiveBlog((*before, *listed, *after), _with_ids(cut))


def _phrases(pieces: Iterable[Piece]) -> Iterator[tuple[str, ...]]:
    """Yield each three words that follow each other, across paragraphs."""
    words = [word for piece in pieces for word in _plain_words(piece.text)]
    yield from zip(*(words[n:] for n in range(_WORDS_OF_A_PHRASE)), strict=False)


def _plain_words(text: str) -> list[str]:
    start = ENTRY_TIME.match(text)
    words = map(title_key, text[start.end() if start else 0 :].split())
    return [word for word in words if word]


def _is_repeated(piece: Piece, phrases: Collection[tuple[str, ...]]) -> bool:
    """Check whether a paragraph contains the words of entries, only divided in another way."""
    words = _plain_words(piece.text)
    known: set[int] = set()
    for start in range(len(words) - _WORDS_OF_A_PHRASE + 1):
        if tuple(words[start : start + _WORDS_OF_A_PHRASE]) in phrases:
            known.update(range(start, start + _WORDS_OF_A_PHRASE))
    return len(known) >= max(_WORDS_OF_A_PHRASE, len(words) * _REPEATED_SHARE)


def _with_ids(cut: Iterable[tuple[int, int, FoundEntry]]) -> tuple[EntryRange, ...]:
    """Return the entries with unique ids, derived from time and text if the page has none."""
    known: defaultdict[str, int] = defaultdict(int)
    entries = []
    for start, end, each in cut:
        own = each.id or _derived_id(each)
        known[own] += 1
        name = own if known[own] == 1 else f"{own}~{known[own]}"
        entries.append(EntryRange(name, each.time, start, end))
    return tuple(entries)


def _derived_id(entry: FoundEntry) -> str:
    content = f"{entry.time}\0{title_key(entry.pieces[0].text)[:_LONGEST_LABEL]}"
    return f"~{sha256(content.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text in JSON-LD, which may be HTML."""
    if "<" in text and ">" in text:
        found = fragment_blocks(text)
        if not isinstance(found, RefusalReason):
            return [line for line, _role in found]
    return [line for each in text.split("\n") if (line := " ".join(each.split()))]
