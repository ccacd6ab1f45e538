"""Clean a text in named steps; each step is a function from text to text.

The steps are listed in their order of execution. Cleaning is idempotent, and replaying the recorded
steps gives the same text. Differences that the digest of a wording ignores (width of blanks, soft
hyphens, composition) are not cleaned.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from storage.values.draft import CleaningStep
from worker.text.invisible import STEP_NAME, stamp, strip_invisible

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SAFE_BYTES = bytes(
    byte for byte in range(256) if byte in b"\t\n" or not (byte < 32 or byte in b"\x7f\xc2")
)
"""The UTF-8 bytes that belong to no control character."""
# ESC [ … letter; ESC ] … BEL; ESC ( B: colours, titles and character sets of terminals.
TERMINAL_SEQUENCE = re.compile(
    "\x1b\\[[0-?]{0,40}[ -/]{0,4}[@-~]|\x1b\\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\\\)|\x1b[()][0-9AB]"
)
# The first byte of a UTF-8 sequence followed by C1 controls is mojibake, which is retained.
MOJIBAKE_PART = "([\u00c2-\u00f4][\x80-\x9f]{1,3})"
STRAY_CONTROL = re.compile(MOJIBAKE_PART + "|[\x00-\x08\x0e-\x1f\x7f-\x9f]")
LINE_ENDING = re.compile(MOJIBAKE_PART + "|\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def normalize_line_endings(text: str) -> str:
    r"""Replace every line ending by a line feed.

    Old Macs ended lines with CR, mainframes with NEL (U+0085), Windows with CR LF; word processors
    export U+2028 and U+2029, page breaks are form feeds. NEL after the first byte of a UTF-8
    sequence is half of a mojibake ("Å" read as Latin-1) and not a line ending.

    >>> normalize_line_endings("Öl\r\nbrennt\rhier\u2028jetzt\x85und\fda")
    'Öl\nbrennt\nhier\njetzt\nund\nda'
    """
    return LINE_ENDING.sub(lambda match: match[1] or "\n", text)


def strip_terminal_sequences(text: str) -> str:
    r"""Remove terminal control sequences: colours, cursor movement, window titles.

    >>> strip_terminal_sequences("\x1b[31mAlarm\x1b[0m in Köln")
    'Alarm in Köln'
    """
    return TERMINAL_SEQUENCE.sub("", text) if "\x1b" in text else text


def strip_control_characters(text: str) -> str:
    r"""Remove the C0 and C1 control characters except tab and line feed.

    >>> strip_control_characters("Öl\x08lager\x9d, 3\t%")
    'Öllager, 3\t%'
    """
    return STRAY_CONTROL.sub(r"\1", text)


def strip_trailing_blanks(text: str) -> str:
    r"""Remove blanks and tabs at line ends, so that a blank line is empty.

    >>> strip_trailing_blanks("Öl  \n \t\nbrennt ")
    'Öl\n\nbrennt'
    """
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        return "\n".join([line.rstrip(" \t") for line in text.split("\n")])
    return text


def strip_invisible_characters(text: str) -> str:
    r"""Remove invisible characters that shape no visible ones.

    >>> strip_invisible_characters("Öl\u200blager, Auf\u200clage")
    'Öllager, Auf\u200clage'
    """
    return strip_invisible(text)[0]


STEPS: dict[str, Callable[[str], str]] = {
    "line_endings": normalize_line_endings,
    "terminal_sequences": strip_terminal_sequences,
    "control_characters": strip_control_characters,
    STEP_NAME: strip_invisible_characters,
    "trailing_blanks": strip_trailing_blanks,
}
STRINGS_STEP = "strings"
"""The name of the step of formats whose strings are cleaned one by one after parsing."""
_FOR_CONTROLS = ("line_endings", "terminal_sequences", "control_characters")


def clean_text(text: str) -> tuple[str, tuple[CleaningStep, ...]]:
    r"""Return the cleaned text and the steps that changed it, in order.

    >>> text, steps = clean_text("Öl \r\nbrennt")
    >>> text, [step.name for step in steps]
    ('Öl\nbrennt', ['line_endings', 'trailing_blanks'])
    """
    steps: list[CleaningStep] = []
    if _may_contain_control(text) and CONTROL.search(text):
        for name in _FOR_CONTROLS:
            text = _apply(name, text, steps)
    text, removed_runs = strip_invisible(text)
    if removed_runs:
        hidden_data = stamp(removed_runs)
        steps.append(
            CleaningStep(STEP_NAME, {"stamp": hidden_data})
            if hidden_data
            else CleaningStep(STEP_NAME)
        )
    text = _apply("trailing_blanks", text, steps)
    return text, tuple(steps)


def _may_contain_control(text: str) -> bool:
    """Check quickly whether a text may contain a match of `CONTROL`."""
    is_safe = not text.encode("utf-8", "surrogatepass").translate(None, _SAFE_BYTES)
    return not is_safe or "\u2028" in text or "\u2029" in text


def one_line(text: str) -> str:
    r"""Return `text` on one line, for titles and names.

    >>> one_line(" Öl \n brennt ")
    'Öl brennt'
    """
    return " ".join(text.split())


def _apply(name: str, text: str, steps: list[CleaningStep]) -> str:
    changed = STEPS[name](text)
    if changed != text:
        steps.append(_step(name))
    return changed


@lru_cache(maxsize=8)
def _step(name: str) -> CleaningStep:
    return CleaningStep(name)
