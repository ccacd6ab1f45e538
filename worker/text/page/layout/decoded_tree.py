"""Decode the bytes of a page and parse them into a tree."""

from dataclasses import dataclass

from lxml.html import HtmlElement

from storage.values.draft import CleaningStep
from storage.values.refusals import RefusalReason
from worker.text.invisible import STEP_NAME as INVISIBLE_STEP
from worker.text.invisible import decode_references, stamp, strip_invisible
from worker.text.page.layout.charset import decode_page
from worker.text.page.layout.hidden_email import reveal_addresses
from worker.text.page.layout.tree import parse_page, replace_surrogates, strip_forbidden


@dataclass(frozen=True, slots=True)
class DecodedTree:
    """The tree of a page and its decoded text, with the flags and steps of decoding."""

    tree: HtmlElement
    text: str
    flags: tuple[str, ...]
    steps: tuple[CleaningStep, ...]


def decode_tree(raw: bytes, charset: str | None) -> DecodedTree | RefusalReason:
    """Decode and parse a page.

    Refusals: those of `decode_page` and `parse_page`.
    """
    decoded = decode_page(raw, charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    text, surrogates = replace_surrogates(decoded.text)
    text, invisible = strip_invisible(decode_references(text))
    text, controls = strip_forbidden(text)
    tree = parse_page(text)
    if isinstance(tree, RefusalReason):
        return tree
    addresses = reveal_addresses(tree)
    flags, steps = decoded.flags, decoded.steps
    if surrogates:
        flags = (*flags, "surrogate_replaced")
        steps = (*steps, CleaningStep("replace_surrogates", {"replaced": surrogates}))
    if controls:
        steps = (*steps, CleaningStep("control_characters", {"removed": controls}))
    if invisible:
        content = stamp(invisible)
        steps = (*steps, CleaningStep(INVISIBLE_STEP, {"stamp": content} if content else {}))
        flags = (*flags, "invisible_chars") if content else flags
    if addresses:
        steps = (*steps, CleaningStep("show_addresses", {"shown": addresses}))
    return DecodedTree(tree, text, flags, steps)
