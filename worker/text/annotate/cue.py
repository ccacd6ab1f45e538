"""The cue of a quotation, and words used by the rules of both languages."""

import re
from typing import NamedTuple


class Cue(NamedTuple):
    """The word that introduces a quotation, as spelled in the text, and the speaker that it names.

    `word` is None if only a name and a colon introduce the quotation; `speaker` is None if no
    speaker is named; `pronoun` is true if the speaker is a pronoun. `naming` is true for verbs that
    quote single words (nannte, called).
    """

    word: str | None
    speaker: str | None
    pronoun: bool = False
    naming: bool = False


EMPTY_CUE = Cue(None, None)
MAX_SPEAKER_LENGTH = 90  # characters
PRONOUNS = frozenset(
    "er sie es ich wir man dieser diese he she they it i we you who wer".split()  # noqa: SIM905
)
WORD = re.compile(r"\w+")
