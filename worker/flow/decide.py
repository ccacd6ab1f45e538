"""PURE: decide what a draft means for the archive."""

from storage.values.draft import Draft
from storage.values.refusals import Refused, refuse
from storage.values.verdict import Copy, Known, NewArticle, NewVersion, Refuse, Unchanged, Verdict


def decide(outcome: Draft | Refused, known: Known) -> Verdict:
    """Return the verdict on `outcome`, given what is known.

    A known origin makes a version or an unchanged snapshot, as the history says
    (`storage.history.runs`), whatever stands elsewhere. An unknown one makes a copy where its
    wording stands elsewhere, and a new article where it does not. A page of which the reader got
    far less than before says nothing of the text.
    """
    match outcome:
        case Refused():
            return Refuse(outcome)
        case Draft():
            if known.words is not None and _is_cut_short(outcome, known.words):
                return Refuse(refuse("not_article", reason="far less text than before was found"))
            if known.article_exists:
                return NewVersion() if known.is_version else Unchanged()
            return NewArticle() if known.elsewhere is None else Copy(known.elsewhere)


SHORT = frozenset({"extraction_short", "extraction_loss"})
LEAST_SHARE = 1 / 3


def _is_cut_short(draft: Draft, words: int) -> bool:
    """Return whether a page shows more text than was read, which was much more before."""
    found = draft.fields.get("word_count")
    if found is None or not SHORT & set(draft.flags):
        return False
    return bool((found.value or 0) < words * LEAST_SHARE)
