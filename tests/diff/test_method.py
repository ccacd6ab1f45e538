"""What told a change is numbered: other rules have another number."""

import json
from hashlib import sha256

from storage.diff.change import METHOD, CaptureContent, CapturePair
from storage.diff.word_diff import Text
from storage.values.draft import as_dict

A = "Der Pegel der Lohe stieg in der Nacht um 36 Zentimeter."
B = "„Das war knapp“, sagte Ada Kern vom Deichamt am Morgen."
C = "Die Feuerwehr pumpte vierzig Keller in Niederlohe leer."
PAIRS = (
    ("Damm hält", (A, B), "Damm hält nicht", (A, B)),
    ("Damm hält", (A, B), "Damm hält", (A.replace("36", "63"), B)),
    ("Damm hält", (A, B), "Damm hält", (A, B.replace("Ada", "Eva"))),
    ("Damm hält", (A, B), "Damm hält", (A, B.replace("knapp", "sehr knapp"))),
    ("Damm hält", (A, B), "Damm hält", (A.replace(".", "!"), B)),
    ("Damm hält", (A, B), "Damm hält", (B, A)),
    ("Damm hält", (A, B), "Damm hält", (A, B, C)),
    ("Damm hält", (A, B, C), "Damm hält", (A, C)),
    ("Damm hält", (A, B), "Damm hält", (C,)),
    (None, (A,), "Damm hält", (A, "Korrektur: In einer früheren Fassung stand 63 Zentimeter.")),
    ("Damm hält", (A, "Lesen Sie auch: Wetter"), "Damm hält", (A, "Lesen Sie auch: Sport")),
    ("Damm hält", (A, "Stand: 12.03 Uhr"), "Damm hält", (A, "Stand: 13.30 Uhr")),
)
TOLD = {1: "64feb8570931f443"}
"""The digest of what each numbered set of rules tells of `PAIRS`."""


def content(title: str | None, paragraphs: tuple[str, ...]) -> CaptureContent:
    return CaptureContent(Text(title, tuple(("text", each) for each in paragraphs)))


def test_rules_that_tell_a_change_otherwise_have_another_number():
    told = [as_dict(CapturePair(content(*p[:2]), content(*p[2:])).change({})) for p in PAIRS]
    assert {tuple(each["classes"]) for each in told} >= {("headline",), ("number",), ("moved",)}
    digest = sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    assert TOLD.get(METHOD) == digest, (
        "the rules tell these pairs otherwise: raise METHOD and write its digest beside the others"
    )
