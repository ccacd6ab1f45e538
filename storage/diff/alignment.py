"""PURE: match the paragraphs and words of two texts.

All comparisons use the canonical form (`storage.values.digest.canonical`), so differences that the
wording digest ignores are equal here.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import accumulate
from operator import sub
from unicodedata import is_normalized

from rapidfuzz.distance import Indel, Postfix, Prefix

from storage.language.paragraphs import CutParagraph, paragraph_of
from storage.language.word_lists import TOKEN
from storage.values.digest import DOUBLE_QUOTES, SINGLE_QUOTES, WHITE_SPACE

MAX_CELLS = 100_000_000
"""Largest comparison of whole sequences, in cells: 10,000 words with 10,000 take about 10 ms and 15
MB.
"""
Run = tuple[int, int, int]  # from in a, from in b, size
Pair = tuple[int, int]  # index in a, index in b
_ANCHOR_WORDS = 4


def common(a: Sequence[str], b: Sequence[str]) -> list[Run]:
    """Return the common runs of both sequences in order: a longest set, unless both are very long.

    For very long sequences, items that occur once in each are fixed points, and only the parts
    between them are compared.
    """
    if len(a) * len(b) <= MAX_CELLS:
        found = Indel.editops(a, b).as_matching_blocks()
        return [(block.a, block.b, block.size) for block in found if block.size]
    runs: list[Run] = []
    i = j = 0
    for to_i, to_j, size in [*_anchors(a, b), (len(a), len(b), 0)]:
        if i < to_i and j < to_j and (to_i - i) * (to_j - j) <= MAX_CELLS:
            runs += [(i + x, j + y, few) for x, y, few in common(a[i:to_i], b[j:to_j])]
        if size:
            runs.append((to_i, to_j, size))
        i, j = to_i + size, to_j + size
    return runs


def rising(candidates: Sequence[Pair]) -> list[Pair]:
    """Return a longest run of pairs with rising second numbers; the first numbers rise already."""
    ends: list[int] = []  # the smallest second number that ends a run of this length
    last: list[int] = []
    before: list[int] = []
    for position, (_, j) in enumerate(candidates):
        length = bisect_left(ends, j)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        last[length : length + 1] = [position]
    run: list[Pair] = []
    position = last[-1] if last else -1
    while position >= 0:
        run.append(candidates[position])
        position = before[position]
    return run[::-1]


def _anchors(a: Sequence[str], b: Sequence[str]) -> Iterator[Run]:
    """Yield runs of several consecutive items that occur once in each sequence, in order."""
    a_rows, b_rows = _rows(a), _rows(b)
    a_counts, b_counts = Counter(a_rows), Counter(b_rows)
    place = {row: j for j, row in enumerate(b_rows) if b_counts[row] == 1}
    found = rising(
        [(i, place[row]) for i, row in enumerate(a_rows) if a_counts[row] == 1 and row in place]
    )
    begin = 0
    for at, (i, j) in enumerate(found, 1):
        if at == len(found) or found[at] != (i + 1, j + 1):
            yield (*found[begin], at - begin)
            begin = at


def _rows(items: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(items[step:] for step in range(_ANCHOR_WORDS)), strict=False))


def extend(runs: list[Run], size: int) -> None:
    if runs and size:
        begin, start, length = runs[-1]
        runs[-1] = (begin, start, length + size)


def append(runs: list[Run], run: Run) -> None:
    if not run[2]:
        return
    if runs and runs[-1][0] + runs[-1][2] == run[0] and runs[-1][1] + runs[-1][2] == run[1]:
        extend(runs, run[2])
    else:
        runs.append(run)


_MAX_CELLS_FOR_SIMILARITY = 1_000_000
_CANDIDATES = 4
_FEW_WORDS = 6
_SHARERS_OF_A_RARE_WORD = 8
_SIMILAR = 0.4
_SIMILAR_ALONE = 0.3
_SIMILAR_ELSEWHERE = 0.6
_MUCH_THE_SAME = 0.6
_ALIKE_IN_LETTERS = 0.75
_WORTH_LEAVING_OUT = 8
_ISLAND_LETTERS = 4
_STRIDE = 64  # letters
_WORDS_AROUND_AN_ISLAND = 3


class WordCuts:
    """The words and punctuation marks of a piece of `canon`, and the offset of each in `canon`."""

    __slots__ = ("canon", "starts", "tokens")

    def __init__(self, canon: str, begin: int, end: int) -> None:
        found = TOKEN.findall(canon, begin, end)
        self.canon = canon
        self.tokens: list[str] = [piece[1:] if piece[0] == " " else piece for piece in found]
        ends = list(accumulate(map(len, found), initial=begin))[1:]
        self.starts: list[int] = list(map(sub, ends, map(len, self.tokens)))

    def end_of(self, token: int) -> int:
        return self.starts[token] + len(self.tokens[token])


@dataclass(slots=True)
class TextBlock:
    """A title or paragraph; `start` is the offset of its `text` in the joined text.

    `canon` is its canonical form. The other properties are computed on first use.
    """

    role: str
    text: str
    canon: str
    start: int
    _paragraph: CutParagraph | None = None
    _words: WordCuts | None = None
    _places: Sequence[int] | None = None

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def paragraph(self) -> CutParagraph:
        """Return the part that all texts with this paragraph share."""
        if self._paragraph is None:
            self._paragraph = paragraph_of(self.canon)
        return self._paragraph

    @property
    def words(self) -> WordCuts:
        if self._words is None:
            self._words = WordCuts(self.canon, 0, len(self.canon))
        return self._words

    @property
    def tokens(self) -> list[str]:
        return self.words.tokens

    def words_between(self, head: int, tail: int) -> WordCuts:
        """Return the words without the first `head` and the last `tail` letters."""
        if head == tail == 0:
            return self.words
        return WordCuts(self.canon, head, len(self.canon) - tail)

    def place(self, offset: int) -> int:
        """Return the offset in `text` of the letter at `offset` in `canon`."""
        if len(self.text) == len(self.canon):
            return offset
        if offset in {0, len(self.canon)}:
            return len(self.text) if offset else 0
        if self._places is None:
            self._places = _places(self.text, self.canon)
        return self._places[offset]

    def tokens_within(self, begin: int, end: int) -> range:
        """Return the tokens that begin between two offsets of `text`."""
        starts = self.words.starts
        first = bisect_left(starts, begin, key=self.place)
        return range(first, bisect_left(starts, end, lo=first, key=self.place))


@dataclass(frozen=True, slots=True)
class Pairs:
    """The matched blocks in the order of both texts, and the moved blocks of b with their partners
    in a.

    `candidates` are the pairs of other blocks that were compared.
    """

    in_order: tuple[Pair, ...]
    moved: dict[int, int]
    candidates: frozenset[Pair]


def blocks(
    parts: Iterable[tuple[str, str]], canonical: Mapping[str, str], gap: int
) -> list[TextBlock]:
    """Return a block for each part (role, text) that is not empty in canonical form.

    `gap` is the number of code points between two blocks in the joined text.
    """
    found: list[TextBlock] = []
    start = 0
    for role, text in parts:
        if canon := canonical[text]:
            found.append(TextBlock(role, text, canon, start))
            start += len(text) + gap
    return found


def pairs(a: Sequence[TextBlock], b: Sequence[TextBlock]) -> Pairs:
    """Match equal blocks first, then similar ones."""
    order = [
        (i + step, j + step)
        for i, j, size in common([block.canon for block in a], [block.canon for block in b])
        for step in range(size)
    ]
    a_free = _without(range(len(a)), {i for i, _ in order})
    b_free = _without(range(len(b)), {j for _, j in order})
    moved = _equal_elsewhere(a, b, a_free, b_free)
    a_free, b_free = _without(a_free, moved.values()), _without(b_free, moved)
    edited = _match_in_place(a, b, order, a_free, b_free)
    a_free, b_free = (
        _without(a_free, (i for i, _ in edited)),
        _without(b_free, (j for _, j in edited)),
    )
    order = sorted([*order, *edited])
    candidates = _candidates(a, b, a_free, b_free) if a_free and b_free else set()
    similar = _similar(a, b, candidates)
    in_order = _in_order(similar, order)
    for (i, j), score in similar.items():
        if (i, j) not in in_order and score >= _SIMILAR_ELSEWHERE:
            moved[j] = i
    return Pairs(tuple(sorted([*order, *in_order])), moved, frozenset(candidates))


def equal_runs(a: TextBlock, b: TextBlock) -> list[Run]:
    """Return the letters of both `canon` that are unchanged, as runs in order.

    A blank is unchanged if it is at the same edge of both changes.
    """
    head, tail = _equal_ends(a.canon, b.canon)
    middle_a, middle_b = a.words_between(head, tail), b.words_between(head, tail)
    runs: list[Run] = [(0, 0, head)] if head else []
    end_a = end_b = head
    last = (len(a.canon) - tail, len(b.canon) - tail, tail)
    for begin_a, begin_b, size in [*_equal_pieces(middle_a, middle_b), last]:
        lead, trail = _edges(a.canon[end_a:begin_a], b.canon[end_b:begin_b])
        extend(runs, lead)
        append(runs, (begin_a - trail, begin_b - trail, size + trail))
        end_a, end_b = begin_a + size, begin_b + size
    return runs


def is_edit(a: TextBlock, b: TextBlock) -> bool:
    """Check whether the only removed paragraph and the only added one are versions of each
    other.
    """
    if _is_similar(a, b, _SIMILAR_ALONE):
        return True
    short = len(a.canon) * len(b.canon) <= MAX_CELLS
    return short and Indel.normalized_similarity(a.canon, b.canon) >= _ALIKE_IN_LETTERS


# ---------------------------------------------------------------------- letters and offsets


def _places(text: str, canon: str) -> Sequence[int]:
    if is_normalized("NFC", text) and (places := _map_by_folding(text.translate(_FOLDED), canon)):
        return places
    return _map_by_letter(text, canon)


def _map_by_folding(folded: str, canon: str) -> list[int] | None:
    """Map `canon` to offsets in `folded`; None if composition inserted letters."""
    places: list[int] = []
    at, stride = 0, _STRIDE
    while (done := len(places)) < len(canon):
        at = folded.find(canon[done], at)
        if at < 0:
            return None
        same = Prefix.similarity(folded[at : at + stride], canon[done : done + stride])
        places.extend(range(at, at + same))
        at += same
        stride = 2 * stride if same == stride else _STRIDE
    return places


def _map_by_letter(text: str, canon: str) -> Sequence[int]:
    """Map each letter of `canon` to `text` if composition changed the number of letters."""
    places: list[int] = []
    end = 0
    for begin, start, size in [*common(text, canon), (len(text), len(canon), 0)]:
        places.extend(min(end + step, begin) for step in range(start - len(places)))
        places.extend(range(begin, begin + size))
        end = begin + size
    return places


_FOLDED = {
    **dict.fromkeys(map(ord, DOUBLE_QUOTES), '"'),
    **dict.fromkeys(map(ord, SINGLE_QUOTES), "'"),
    **dict.fromkeys(map(ord, WHITE_SPACE), " "),
}


# -------------------------------------------------------------------------------- paragraphs


def _without(indexes: Iterable[int], used: Iterable[int]) -> list[int]:
    used = frozenset(used)
    return [index for index in indexes if index not in used]


def _equal_elsewhere(
    a: Sequence[TextBlock], b: Sequence[TextBlock], a_free: Sequence[int], b_free: Iterable[int]
) -> dict[int, int]:
    places: dict[str, list[int]] = {}
    for i in reversed(a_free):
        places.setdefault(a[i].canon, []).append(i)
    return {j: found.pop() for j in b_free if (found := places.get(b[j].canon))}


def _match_in_place(
    a: Sequence[TextBlock],
    b: Sequence[TextBlock],
    order: Sequence[Pair],
    a_free: Sequence[int],
    b_free: Sequence[int],
) -> list[Pair]:
    """Match similar blocks at the same position between two equal blocks.

    Most edits are of this kind, so this saves the search for similar blocks.
    """
    gaps: dict[int, tuple[list[int], list[int]]] = {}
    for i in a_free:
        gaps.setdefault(bisect_left(order, i, key=_first), ([], []))[0].append(i)
    for j in b_free:
        gaps.setdefault(bisect_left(order, j, key=_second), ([], []))[1].append(j)
    found: list[Pair] = []
    for from_a, from_b in gaps.values():
        if len(from_a) == len(from_b) == 1:
            found += [(i, j) for i, j in zip(from_a, from_b, strict=True) if is_edit(a[i], b[j])]
        elif len(from_a) == len(from_b):
            found += [
                (i, j)
                for i, j in zip(from_a, from_b, strict=True)
                if _is_similar(a[i], b[j], _MUCH_THE_SAME)
            ]
    return found


def _is_similar(a: TextBlock, b: TextBlock, minimum: float) -> bool:
    """Check whether two paragraphs are similar; their ends alone are compared if that is
    sufficient.
    """
    shared = sum(_equal_ends(a.canon, b.canon))
    if 2 * shared >= minimum * (len(a.canon) + len(b.canon)):
        return True
    return _similarity(a, b, minimum) >= minimum


def _similar(
    a: Sequence[TextBlock], b: Sequence[TextBlock], candidates: Iterable[Pair]
) -> dict[Pair, float]:
    """Return pairs with their similarity, most similar first, each block once."""
    scored = sorted(
        (-score, i, j)
        for i, j in candidates
        if (score := _similarity(a[i], b[j], _SIMILAR)) >= _SIMILAR
    )
    found: dict[Pair, float] = {}
    a_taken: set[int] = set()
    b_taken: set[int] = set()
    for negative, i, j in scored:
        if i not in a_taken and j not in b_taken:
            a_taken.add(i)
            b_taken.add(j)
            found[i, j] = -negative
    return found


def _candidates(
    a: Sequence[TextBlock], b: Sequence[TextBlock], a_free: Sequence[int], b_free: Sequence[int]
) -> set[Pair]:
    """Return pairs to compare: blocks at the same position, or with rare words in common.

    There are only a few per block, so two long texts without a common paragraph are cheap to
    compare.
    """
    found = set(zip(a_free, b_free, strict=False))
    found.update(zip(reversed(a_free), reversed(b_free), strict=False))
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for i in a_free:
        for word in set(a[i].tokens):
            holders[word].append(i)
    rare = {word: ids for word, ids in holders.items() if len(ids) <= _SHARERS_OF_A_RARE_WORD}
    for j in b_free:
        words = set(b[j].tokens)
        votes: defaultdict[int, int] = defaultdict(int)
        for word in rare.keys() & words:
            for i in rare[word]:
                votes[i] += 1
        minimum = 1 if len(words) <= _FEW_WORDS else 2
        enough = [i for i, number in votes.items() if number >= minimum]
        if len(enough) > _CANDIDATES:
            enough = nsmallest(_CANDIDATES, enough, key=lambda i: (-votes[i], i))
        found.update((i, j) for i in enough)
    return found


def _similarity(a: TextBlock, b: TextBlock, minimum: float) -> float:
    """Return the share of both paragraphs, from 0 to 1, that is equal in the same order.

    The order is ignored for two very long paragraphs.
    """
    if len(a.tokens) * len(b.tokens) <= _MAX_CELLS_FOR_SIMILARITY:
        return Indel.normalized_similarity(a.tokens, b.tokens, score_cutoff=minimum)
    shared = (Counter(a.tokens) & Counter(b.tokens)).total()
    return 2 * shared / (len(a.tokens) + len(b.tokens))


def _in_order(similar: Iterable[Pair], order: Sequence[Pair]) -> set[Pair]:
    """Return a largest part of `similar` that crosses neither a pair of `order` nor each other."""
    within = (
        pair
        for pair in similar
        if bisect_left(order, pair[0], key=_first) == bisect_left(order, pair[1], key=_second)
    )
    return set(rising(sorted(within)))


def _first(pair: Pair) -> int:
    return pair[0]


def _second(pair: Pair) -> int:
    return pair[1]


# ------------------------------------------------------------------------------------ words


def _equal_ends(a: str, b: str) -> tuple[int, int]:
    """Return the number of letters, in whole words, that two texts share at their start and end."""
    most = min(len(a), len(b))
    head = max(0, a.rfind(" ", 0, Prefix.similarity(a, b)))
    tail = min(most - head, Postfix.similarity(a, b))
    blank = a.find(" ", len(a) - tail)
    tail = len(a) - blank - 1 if blank >= 0 else 0
    return (head, tail) if head + tail > most // _WORTH_LEAVING_OUT else (0, 0)


def _equal_pieces(a: WordCuts, b: WordCuts) -> Iterator[Run]:
    """Yield the letters of unchanged words, in runs with the same blanks between them."""
    for i, j, size in _without_islands(a, b, common(a.tokens, b.tokens)):
        begin_a, begin_b = a.starts[i], b.starts[j]
        end_a, end_b = a.end_of(i + size - 1), b.end_of(j + size - 1)
        if a.canon[begin_a:end_a] == b.canon[begin_b:end_b]:
            yield begin_a, begin_b, end_a - begin_a
        else:
            for step in range(size):
                yield a.starts[i + step], b.starts[j + step], len(a.tokens[i + step])


def _without_islands(a: WordCuts, b: WordCuts, runs: Sequence[Run]) -> Iterator[Run]:
    """Remove single short unchanged words between two changed ones: readers see one change."""
    end_a = end_b = 0
    following = [*runs[1:], (len(a.tokens), len(b.tokens), 0)]
    for (i, j, size), (next_i, next_j, _) in zip(runs, following, strict=False):
        if size == 1 and _is_short_word(a.tokens[i]):
            gone = _words(a.tokens[end_a:i]), _words(a.tokens[i + 1 : next_i])
            new = _words(b.tokens[end_b:j]), _words(b.tokens[j + 1 : next_j])
            on_both_sides = all(gone) or all(new)
            if on_both_sides and sum(gone) + sum(new) >= _WORDS_AROUND_AN_ISLAND:
                continue
        yield i, j, size
        end_a, end_b = i + size, j + size


def _is_short_word(token: str) -> bool:
    return token.isalpha() and len(token) <= _ISLAND_LETTERS


def _words(tokens: Iterable[str]) -> int:
    return sum(1 for token in tokens if token[0].isalnum())


def _edges(a_gap: str, b_gap: str) -> tuple[int, int]:
    """Return the number of letters that two gaps share at their start and at their end."""
    if a_gap == b_gap:
        return len(a_gap), 0
    lead = int(a_gap[:1] == b_gap[:1] == " ")
    trail = int(a_gap[lead:][-1:] == b_gap[lead:][-1:] == " ")
    return lead, trail
