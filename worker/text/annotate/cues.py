"""Find who is said to speak beside a quotation, and by which word, in German and English.

The text is handed over with the quotations blanked out, one sentence at a time: what stands
behind a quotation (`after`) and before it (`before`).
"""

from worker.text.annotate.cue import NOBODY, Cue
from worker.text.annotate.cues_english import after_english, before_english
from worker.text.annotate.cues_german import after_german, before_german, cue_around, opener_cue

__all__ = ["NOBODY", "Cue", "cue_after", "cue_around", "cue_before", "opener_cue"]

_REACH = 200  # characters of a sentence that are searched


def cue_after(after: str, language: str) -> Cue | None:
    """Return the cue in the rest of a sentence behind a quotation.

    >>> cue_after(", sagte die Sprecherin der Wehr am Montag.", "de")
    Cue(word='sagte', speaker='Sprecherin der Wehr', pronoun=False, naming=False)
    >>> cue_after(" Ann Lee, the mayor, told reporters.", "en").speaker
    'Ann Lee'
    """
    return after_german(after[:_REACH]) if language == "de" else after_english(after[:_REACH])


def cue_before(before: str, language: str) -> Cue | None:
    """Return the cue in a sentence before a quotation.

    >>> cue_before("Am Montag nannte Bürgermeister Bo Lind das ", "de")
    Cue(word='nannte', speaker='Bürgermeister Bo Lind', pronoun=False, naming=True)
    >>> cue_before("But the mayor said the plan was ", "en").speaker
    'mayor'
    """
    before = before[-_REACH:]
    return before_german(before) if language == "de" else before_english(before)
