"""Texts that grow, made out of a pattern, and how the time grows with them.

A pattern that searches a text twice as long in four times the time, or in a thousand times, is
found by pumping: what it repeats, again and again, behind what leads there and before what fails.
"""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from re import _constants as C  # noqa: N812 -- the names of the parser, short
from re import _parser
from typing import Any, NamedTuple

REPEATS = (C.MAX_REPEAT, C.MIN_REPEAT, C.POSSESSIVE_REPEAT)
MOST_SIGNS, MOST_REPEATS, MOST_PAIRS = 30, 60, 8
FEW = 9
"""Repeats up to so often do not pump."""
SIGN_OF = {
    C.CATEGORY_DIGIT: "1", C.CATEGORY_SPACE: " ", C.CATEGORY_WORD: "a",
    C.CATEGORY_NOT_DIGIT: "a", C.CATEGORY_NOT_SPACE: "a", C.CATEGORY_NOT_WORD: ".",
}  # fmt: skip
ANY_SIGNS = 'a ,A1.\n-<"é\u2603'
COMMON = (
    " ", "\n", "a", "A", "1", ".", "-", "<", ">", '"', "(", "[", "*", "_", "&", "\t ", " \n", "a ",
    "A ", "a-", "A-", "1.", "1 ", "a.", "a, ", "<!--x-->", "<a ", "&a;", "Ab ", "A. ", "„", "“",
    "\u00a0", "é", "\\", "/", "a/", "a@", 'a="', "'", ":", ";", "=", "#", "%a", "\x1b[", "und ",
    "a\n", "\n\n", "\r\n", "€", "1,", "1:", "ä", "http://a", "@",
)  # fmt: skip
"""What any text may be made of."""


class Shape(NamedTuple):
    """A text that grows: its beginning, its repeated part, and its end."""

    before: str
    pump: str
    end: str

    def text(self, length: int) -> str:
        repeated = self.pump * (length // len(self.pump) + 1)
        return self.before + repeated[:length] + self.end


# ------------------------------------------------------------------------------ what to pump


def shapes(pattern: re.Pattern[Any]) -> list[Shape]:
    """Return the shapes to try a pattern with: common ones, and those it is made of."""
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    made = [*_of_signs(tree), *_of_repeats(tree), *_of_beginnings(tree)]
    common = [Shape("", pump, "") for pump in COMMON]
    return [shape for shape in dict.fromkeys([*common, *made]) if shape.pump]


def _of_signs(tree: Any) -> Iterator[Shape]:
    signs = list(dict.fromkeys(_signs(tree)))
    for sign in signs[:MOST_SIGNS]:
        yield Shape("", sign, "\0")
    for one in signs[:MOST_PAIRS]:
        for other in signs[:MOST_PAIRS]:
            yield Shape("", one + other, "!")


def _of_repeats(tree: Any) -> Iterator[Shape]:
    repeats = list(_repeats(tree, ""))[:MOST_REPEATS]
    for before, inner in repeats:
        for variant in range(3):
            once = _sample(inner, variant)
            yield from (Shape(before, once, end) for end in "\0!")
            yield Shape("", before + once, "")
            yield Shape(before + once, " ", "\0")
            yield Shape("", f"{once} ", "!")
    inners = list(dict.fromkeys(_sample(inner, 0) for _, inner in repeats))[:10]
    for one in inners:
        for other in inners:
            yield Shape("", one + other, "\0")


def _of_beginnings(tree: Any) -> Iterator[Shape]:
    """Yield the parts that a search begins repeatedly and never ends."""
    for end in range(1, len(tree) + 1):
        beginning = _sample(tree[:end], 0)
        yield from (Shape("", beginning, fails) for fails in ("\0", ""))
        yield Shape("", f"{beginning} ", "")
    yield from (Shape("", _sample(tree, variant), "") for variant in range(4))


def _repeats(tree: Any, before: str) -> Iterator[tuple[str, Any]]:
    """Yield the parts that a pattern repeats without end, with a text that leads there."""
    for index, (kind, value) in enumerate(tree):
        here = before + _sample(tree[:index], 0)
        if kind in REPEATS and value[1] > FEW:
            yield here, value[2]
        for inner in _inside(kind, value):
            yield from _repeats(inner, here)


def _inside(kind: Any, value: Any) -> list[Any]:
    if kind in REPEATS:
        return [value[2]]
    if kind is C.BRANCH:
        return value[1]
    if kind is C.SUBPATTERN:
        return [value[3]]
    if kind is C.ATOMIC_GROUP:
        return [value]
    if kind in (C.ASSERT, C.ASSERT_NOT):
        return [value[1]]
    return [part for part in value[1:] if part] if kind is C.GROUPREF_EXISTS else []


def _signs(tree: Any) -> Iterator[str]:
    for kind, value in tree:
        if kind is C.LITERAL:
            yield chr(value)
        elif kind is C.IN:
            yield from _members(value)[:4]
        for inner in _inside(kind, value):
            yield from _signs(inner)


def _members(items: Any) -> list[str]:
    """Return signs that a class holds."""
    found: list[str] = []
    for kind, value in items:
        if kind is C.LITERAL:
            found.append(chr(value))
        elif kind is C.RANGE:
            found += map(chr, value)
        elif kind is C.CATEGORY:
            found.append(SIGN_OF[value])
    if any(kind is C.NEGATE for kind, _ in items):
        return [sign for sign in ANY_SIGNS if sign not in found]
    return found


def _sample(tree: Any, variant: int) -> str:
    """Return a text that a pattern mostly matches; another variant chooses other ways."""
    return "".join(_one(kind, value, variant) for kind, value in tree)


def _one(kind: Any, value: Any, variant: int) -> str:
    if kind is C.LITERAL:
        return chr(value)
    if kind in (C.NOT_LITERAL, C.ANY):
        return "b" if value == ord("a") else "a"
    if kind is C.IN:
        members = _members(value)
        return members[variant % len(members)]
    if kind is C.BRANCH:
        return _sample(value[1][variant % len(value[1])], variant)
    if kind in REPEATS:
        return _sample(value[2], variant) * max(value[0], 1 - variant % 2)
    return (
        _sample(value[3], variant) if kind is C.SUBPATTERN else _inner_sample(kind, variant, value)
    )


def _inner_sample(kind: Any, variant: int, value: Any) -> str:
    return _sample(value, variant) if kind is C.ATOMIC_GROUP else ""


# -------------------------------------------------------------------------- how time grows


class EndlessError(Exception):
    """A pattern did not come to an end in a second of processor time."""


MOST_GROWTH = 8
"""What four times the text may cost: four times as much, and as much again for noise.

Where the time grows by the square of the length it is sixteen.
"""
LADDER = ((256, 1_024, 1), (2_048, 8_192, 2), *[(8_192, 32_768, 3)] * 6)
"""Two lengths and how often each is tried: who fails at each of them grows too fast.

A window of some hundred signs looks like a square as long as the text is no longer than that. The
longest pair is tried time and again, because other processes disturb the caches of this one.
"""
LEAST_SECONDS = 3e-6
"""Below that the clock tells nothing."""


def growth(pattern: re.Pattern[Any], method: str, shape: Shape) -> str | None:
    """Tell how the time grows where it grows faster than the text; None where it does not."""
    told = None
    for short, long, times in LADDER:
        try:
            before = _seconds(pattern, method, shape, short, times)
            behind = _seconds(pattern, method, shape, long, times)
        except EndlessError as error:
            return str(error)
        grew = behind / max(before, LEAST_SECONDS)
        if grew <= MOST_GROWTH:
            return None
        told = f"{long} letters cost {grew:.0f} times as much as {short}"
    return told


def _seconds(pattern: re.Pattern[Any], method: str, shape: Shape, length: int, times: int) -> float:
    text: Any = shape.text(length)
    if isinstance(pattern.pattern, bytes):
        text = text.encode("utf-8", "surrogatepass")
    return min(_once(pattern, method, text) for _ in range(times))


def _once(pattern: re.Pattern[Any], method: str, text: Any) -> float:
    with _processor_second(f"{method} never ends at {len(text)} letters"):
        begun = time.thread_time()
        if method == "finditer":
            for _ in pattern.finditer(text):
                pass
        else:
            getattr(pattern, method)(text)
        return time.thread_time() - begun


@contextmanager
def _processor_second(reason: str) -> Iterator[None]:
    """Raise EndlessError after a second of processor time; matching looks for signals."""

    def end(*_: object) -> None:
        raise EndlessError(reason)

    previous = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
