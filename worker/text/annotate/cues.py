"""Find the cue and the speaker next to a quotation, in German and English.

The caller replaces quotations by blanks and passes one sentence at a time, as the text after a
quotation (`text_after`) and before it (`text_before`).
"""

from worker.text.annotate.cue import EMPTY_CUE, Cue
from worker.text.annotate.cues_english import cue_after_english, cue_before_english
from worker.text.annotate.cues_german import (
    cue_after_german,
    cue_around,
    cue_before_german,
    opener_cue,
)

__all__ = ["EMPTY_CUE", "Cue", "cue_after", "cue_around", "cue_before", "opener_cue"]

_MAX_LENGTH = 200  # maximum number of characters of a sentence that are searched


def cue_after(text_after: str, language: str) -> Cue | None:
    """Return the cue in the rest of the sentence after a quotation.

    >>> cue_after(", sagte die Sprecherin der Wehr am Montag.", "de")
    Cue(word='sagte', speaker='Sprecherin der Wehr', pronoun=False, naming=False)
    >>> cue_after(" Ann Lee, the mayor, told reporters.", "en").speaker
    'Ann Lee'
    """
    return (
        cue_after_german(text_after[:_MAX_LENGTH])
        if language == "de"
        else cue_after_english(text_after[:_MAX_LENGTH])
    )


def cue_before(text_before: str, language: str) -> Cue | None:
    """Return the cue in the sentence before a quotation.

    >>> cue_before("Am Montag nannte Bürgermeister Bo Lind das ", "de")
    Cue(word='nannte', speaker='Bürgermeister Bo Lind', pronoun=False, naming=True)
    >>> cue_before("But the mayor said the plan was ", "en").speaker
    'mayor'
    """
    text_before = text_before[-_MAX_LENGTH:]
    return cue_before_german(text_before) if language == "de" else cue_before_english(text_before)
