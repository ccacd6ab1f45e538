"""PURE: decide what a draft means for the archive."""

from storage.record import Draft, Refused
from storage.verdict import Copy, Known, NewArticle, NewVersion, Refuse, Unchanged, Verdict


def decide(outcome: Draft | Refused, digest: bytes | None, known: Known) -> Verdict:
    """Return the verdict on `outcome`, whose wording has `digest`, given what is known.

    A known origin makes a version or an unchanged sight, whatever stands elsewhere; an unknown
    one makes a copy where its wording stands elsewhere, and a new article where it does not.
    """
    match outcome:
        case Refused():
            return Refuse(outcome)
        case Draft():
            if known.article_exists:
                same = digest is not None and digest in (known.before, known.after)
                return Unchanged() if same else NewVersion()
            return NewArticle() if known.elsewhere is None else Copy(known.elsewhere)
