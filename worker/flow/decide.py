"""PURE: decide what a draft means for the archive."""

from storage.values.draft import Draft
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from storage.values.verdict import (
    Copy,
    NewArticle,
    NewVersion,
    OriginKnowledge,
    Refuse,
    UnchangedVerdict,
    Verdict,
)


def decide(outcome: Draft | RefusalReason, knowledge: OriginKnowledge) -> Verdict:
    """Return the verdict on `outcome`.

    For a known origin it is a version or an unchanged snapshot, by its history
    (`storage.history.runs`). For an unknown origin it is a copy if its wording is already stored,
    otherwise a new article. A page of which the reader extracted far less than before gives no
    verdict on the text.
    """
    match outcome:
        case RefusalReason():
            return Refuse(outcome)
        case Draft():
            if knowledge.words is not None and _is_cut_short(outcome, knowledge.words):
                return Refuse(refuse("not_article", reason=message_text("far_less")))
            if knowledge.article_exists:
                return (
                    NewVersion() if knowledge.is_version else UnchangedVerdict(knowledge.is_noise)
                )
            return NewArticle() if knowledge.elsewhere is None else Copy(knowledge.elsewhere)


SHORT = frozenset({"extraction_short", "extraction_loss"})
LEAST_SHARE = 1 / 3


def _is_cut_short(draft: Draft, words: int) -> bool:
    """Check whether a page shows more text than was read, and the text was much longer before."""
    found = draft.fields.get("word_count")
    if found is None or not SHORT & set(draft.flags):
        return False
    return bool((found.value or 0) < words * LEAST_SHARE)
