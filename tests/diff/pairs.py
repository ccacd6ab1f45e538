"""Pairs of captures: at least one for each class of a change and each branch of its detector."""

import json
from typing import Any

from storage.diff.change import METADATA, CaptureContent, CapturePair, TextChange
from storage.diff.word_diff import Text
from storage.values.draft import as_dict

A = "Der Pegel der Lohe stieg in der Nacht um 36 Zentimeter."
B = "„Das war knapp“, sagte Ada Kern vom Deichamt am Morgen."
C = "Die Feuerwehr pumpte vierzig Keller in Niederlohe leer."
E = "Mayor Ada Kern told the council on Friday that the dike in Barton had held."


def content(title: str | None, *paragraphs: str, **values: Any) -> CaptureContent:
    """Return a capture; paragraphs that begin with `Korrektur:` are notices."""
    roles = ("notice" if each.startswith("Korrektur:") else "text" for each in paragraphs)
    return CaptureContent(Text(title, tuple(zip(roles, paragraphs, strict=True))), **values)


def edited(paragraph: str, *replaced: str) -> tuple[CaptureContent, CaptureContent]:
    """Return a text with a paragraph, and the same with one passage replaced by another."""
    new = paragraph
    for old, other in zip(replaced[::2], replaced[1::2], strict=True):
        assert old in new
        new = new.replace(old, other)
    return content("Damm hält", paragraph, C), content("Damm hält", new, C)


PAIRS: dict[str, tuple[CaptureContent, CaptureContent]] = {
    "title": (content("Damm hält", A, B), content("Damm hält nicht", A, B)),
    "number in a title": (content("Damm hält 3 Tage", A), content("Damm hält 4 Tage", A)),
    "first title": (content(None, A), content("Damm hält", A)),
    "digits": edited(A, "36", "63"),
    "number word": edited(A, "36", "zwanzig"),
    "unit after an amount": edited(A, "Zentimeter", "Meter"),
    "unit without an amount": edited("Der Pegel misst in Zentimeter.", "Zentimeter", "Meter"),
    "unit sign": edited("Es kostet 36 € im Jahr.", "€", "$"),
    "sign of a number": edited("Es waren -3 Grad am Ufer.", "-3", "+3"),
    "sign of no number": edited("Es gilt a - b am Ufer.", "-", "+"),
    "numbers in another order": edited("Von 36 stieg er auf 63 an.", "36", "x", "63", "36", "x", "63"),
    "numbers that moved": edited(
        "Erst 36 Eimer, sagte er. Dann kam Hilfe.", "Erst 36 Eimer, sagte er. Dann kam Hilfe.",
        "Dann kam Hilfe. Erst 36 Eimer, sagte er.",
    ),
    "unit that moved": edited("Grad misst man in 5 Orten.", "Grad misst", "Misst", "5", "5 Grad"),
    "sign that moved": edited("+ 5 gilt hier immer nur 6", "+ 5", "5", "6", "+ 6"),
    "added number": edited(A, "um 36", "um fast 36", "Nacht", "Nacht zum 12."),
    "weekday": edited("Am Montag kam Hilfe.", "Montag", "Dienstag"),
    "day": edited("Bis zum 18. Juni kam Hilfe.", "18", "19"),
    "month": edited("Im Juni kam Hilfe.", "Juni", "Juli"),
    "year of a date": edited("Bis zum 18. Juni 2024 kam Hilfe.", "2024", "2025"),
    "year alone": edited("Seit 2024 kam Hilfe.", "2024", "2025"),
    "English day": edited("Help came on June 3.", "3", "5"),
    "English weekday": edited("Help came to Barton on Monday.", "Monday", "Tuesday"),
    "person named like a month": edited("Later Theresa May spoke in Barton.", "May", "June"),
    "added date": edited("Da kam Hilfe.", "kam", "kam am Montag"),
    "weekdays in another order": edited(
        "Von Montag reichte es bis Freitag.", "Montag", "x", "Freitag", "Montag", "x", "Freitag"
    ),
    "name": edited(B, "Ada", "Eva"),
    "genitive of a name": edited("Es sprach Angela Merkel. Merkels Rede", "Merkels", "Merkel"),
    "word in the place of a name": edited(B, "Kern", "Deich"),
    "names in another order": edited(E, "Ada", "x", "Barton", "Ada", "x", "Barton"),
    "English name": edited(E, "Barton", "Milton"),
    "quotation": edited(B, "knapp", "sehr knapp"),
    "quotation mark": edited(B, "„", "", "“", ""),
    "words": edited(B, "am Morgen", "nachts"),
    "words and a number": edited(A, "stieg in der Nacht um 36", "fiel am Tag um 37"),
    "punctuation": edited(A, ".", "!"),
    "joined words": edited(B, "vom Deichamt", "vomDeichamt"),
    "moved": (content("Damm hält", A, B), content("Damm hält", B, A)),
    "moved and edited": (content("Damm hält", A, B, C), content("Damm hält", B, C, A[:-1] + "!")),
    "split and edited": (content(None, f"{A} {B}", C), content(None, A, B.replace("knapp", "sehr"), C)),
    "joined and edited": (content(None, A, B, C), content(None, A.replace("36", "63") + " " + B, C)),
    "added": (content("Damm hält", A, B), content("Damm hält", A, B, C)),
    "removed": (content("Damm hält", A, B, C), content("Damm hält", A, C)),
    "replaced": (content("Damm hält", A, B), content("Damm hält", C)),
    "new notice": (content(None, A), content(None, A, "Korrektur: Früher stand 63 Zentimeter.")),
    "edited notice": (
        content(None, A, "Korrektur: Früher stand hier 63 Zentimeter."),
        content(None, A, "Korrektur: Früher stand hier 62 Zentimeter."),
    ),
    "removed notice": (content(None, A, "Korrektur: Früher stand 63."), content(None, A)),
    "metadata": (
        content("Damm hält", A, metadata={"authors": ["Ada Kern"]}),
        content("Damm hält", C, metadata={"authors": ["Eva Kern"]}),
    ),
    "metadata without a change of the text": (
        content("Damm hält", A, "Stand: 12.03 Uhr", metadata={"tags": ["a"], "pubstatus": "usable"}),
        content("Damm hält", A, "Stand: 13.30 Uhr", metadata={"tags": ["b"], "pubstatus": "usable"}),
    ),
    "metadata that is a change alone": (
        content("Damm hält", A, "Stand: 12.03 Uhr", metadata={"pubstatus": "usable"}),
        content("Damm hält", A, "Stand: 13.30 Uhr", metadata={"tags": ["b"], "pubstatus": "canceled"}),
    ),
    "all metadata": (
        content("Damm hält", A, metadata=dict.fromkeys(METADATA, "one")),
        content("Damm hält", C, metadata=dict.fromkeys(METADATA, "other")),
    ),
    "redacted": (content("Damm hält", A), content(None, is_redacted=True)),
    "boilerplate": (
        content("Damm hält", A, "Lesen Sie auch: Wetter"),
        content("Damm hält", A, "Lesen Sie auch: Sport"),
    ),
    "clock": (content("Damm hält", A, "Stand: 12.03 Uhr"), content("Damm hält", A, "Stand: 13.30 Uhr")),
}  # fmt: skip


def changes() -> dict[str, TextChange]:
    return {name: CapturePair(*pair).change({}) for name, pair in PAIRS.items()}


if __name__ == "__main__":
    print(json.dumps(as_dict(changes()), sort_keys=True))  # noqa: T201
