"""Cleaning in named steps, each a function from text to text that says why it exists.

The steps stand in the order in which they run. Cleaning twice changes nothing more, and the
steps that did something replay to the same text. What the digest of a wording forgives anyway
(blanks of any width, soft hyphens, composition) stays as the source had it.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from storage.values.draft import CleaningStep
from worker.text.stamps import STEP, stamp, without_unseen

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SAFE_BYTES = bytes(
    each for each in range(256) if each in b"\t\n" or not (each < 32 or each in b"\x7f\xc2")
)
"""The bytes of UTF-8 without which there is no control: of most texts nothing else is left."""
# ESC [ … letter; ESC ] … BEL; ESC ( B: what terminals read as colour, title and character set.
TERMINAL_SEQUENCE = re.compile(
    "\x1b\\[[0-?]{0,40}[ -/]{0,4}[@-~]|\x1b\\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\\\)|\x1b[()][0-9AB]"
)
# A letter that begins a UTF-8 sequence with C1 behind it is a mojibake, which stays whole.
MOJIBAKE_PART = "([\u00c2-\u00f4][\x80-\x9f]{1,3})"
STRAY_CONTROL = re.compile(MOJIBAKE_PART + "|[\x00-\x08\x0e-\x1f\x7f-\x9f]")
LINE_END = re.compile(MOJIBAKE_PART + "|\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def line_endings(text: str) -> str:
    r"""Write every line end as a line feed.

    Old Macs ended lines by CR, mainframes by NEL (U+0085), Windows by CR LF; word processors
    export U+2028 and U+2029, page breaks are form feeds. NEL behind a letter that begins a
    UTF-8 sequence is half of a mojibake ("Å" read as Latin-1) and no line end.

    >>> line_endings("Öl\r\nbrennt\rhier\u2028jetzt\x85und\fda")
    'Öl\nbrennt\nhier\njetzt\nund\nda'
    """
    return LINE_END.sub(lambda found: found[1] or "\n", text)


def terminal_sequences(text: str) -> str:
    r"""Take out what only a terminal obeys: colours, cursor movement, window titles.

    >>> terminal_sequences("\x1b[31mAlarm\x1b[0m in Köln")
    'Alarm in Köln'
    """
    return TERMINAL_SEQUENCE.sub("", text) if "\x1b" in text else text


def control_characters(text: str) -> str:
    r"""Take out the C0 and C1 controls other than tab and line feed: they carry no text.

    >>> control_characters("Öl\x08lager\x9d, 3\t%")
    'Öllager, 3\t%'
    """
    return STRAY_CONTROL.sub(r"\1", text)


def trailing_blanks(text: str) -> str:
    r"""Take away blanks and tabs before a line end, so that a blank line is empty.

    >>> trailing_blanks("Öl  \n \t\nbrennt ")
    'Öl\n\nbrennt'
    """
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        return "\n".join([line.rstrip(" \t") for line in text.split("\n")])
    return text


def unseen_characters(text: str) -> str:
    r"""Take out characters that nobody sees and that join nothing.

    >>> unseen_characters("Öl\u200blager, Auf\u200clage")
    'Öllager, Auf\u200clage'
    """
    return without_unseen(text)[0]


STEPS: dict[str, Callable[[str], str]] = {
    "line_endings": line_endings,
    "terminal_sequences": terminal_sequences,
    "control_characters": control_characters,
    STEP: unseen_characters,
    "trailing_blanks": trailing_blanks,
}
STRINGS = "strings"
"""The step of formats whose strings are cleaned one by one after parsing."""
_FOR_CONTROLS = ("line_endings", "terminal_sequences", "control_characters")


def clean(text: str) -> tuple[str, tuple[CleaningStep, ...]]:
    r"""Return the cleaned text and the steps that changed something, in order.

    >>> text, steps = clean("Öl \r\nbrennt")
    >>> text, [each.name for each in steps]
    ('Öl\nbrennt', ['line_endings', 'trailing_blanks'])
    """
    done: list[CleaningStep] = []
    if _may_hold_control(text) and CONTROL.search(text):
        for name in _FOR_CONTROLS:
            text = _apply(name, text, done)
    text, taken = without_unseen(text)
    if taken:
        carried = stamp(taken)
        done.append(CleaningStep(STEP, {"stamp": carried}) if carried else CleaningStep(STEP))
    text = _apply("trailing_blanks", text, done)
    return text, tuple(done)


def _may_hold_control(text: str) -> bool:
    """Return cheaply whether a text may hold what `CONTROL` looks for."""
    is_safe = not text.encode("utf-8", "surrogatepass").translate(None, _SAFE_BYTES)
    return not is_safe or "\u2028" in text or "\u2029" in text


def one_line(text: str) -> str:
    r"""Write `text` on one line, for titles and names.

    >>> one_line(" Öl \n brennt ")
    'Öl brennt'
    """
    return " ".join(text.split())


def _apply(name: str, text: str, done: list[CleaningStep]) -> str:
    changed = STEPS[name](text)
    if changed != text:
        done.append(_step(name))
    return changed


@lru_cache(maxsize=8)
def _step(name: str) -> CleaningStep:
    return CleaningStep(name)
