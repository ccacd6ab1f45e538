"""What the rules of both languages say of a quotation: its cue, and the words they share."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """The word that makes a quotation one, as it stands in the text, and the speaker it names.

    `word` is None where a name and a colon alone introduce a quotation; `speaker` is None where
    none is named, `pronoun` says that a pronoun stands for one. `naming` marks verbs that quote
    single words (nannte, called).
    """

    word: str | None
    speaker: str | None
    pronoun: bool = False
    naming: bool = False


NOBODY = Cue(None, None)
LONGEST_SPEAKER = 90  # characters
PRONOUNS = frozenset(
    "er sie es ich wir man dieser diese he she they it i we who wer".split()  # noqa: SIM905
)
WORD = re.compile(r"\w+")
