"""Signatures: the same numbers on every machine and in every release."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from worker.text.fingerprint import ALGORITHM, signature

WORDS = [f"wort{number}" for number in range(400)]


def similarity(one: str, other: str) -> float:
    first, second = signature([one]).values, signature([other]).values
    pairs = zip(range(0, 512, 4), strict=False)
    return sum(first[i : i + 4] == second[i : i + 4] for (i,) in pairs) / 128


def test_the_signature_of_a_known_text_never_changes() -> None:
    found = signature(["Das Öllager brennt seit Montag.", "Verletzt wurde niemand."])
    assert (found.algorithm, found.seed) == ("rensa-rminhash-v2-p128-w3", 42)
    assert found.values[:8].hex() == "013cc9c3b94b2fc0"
    assert (
        hashlib.sha256(found.values).hexdigest()
        == "f856f6f8dbe0f59b392549dd9ca20b340e6b62196012aa0980e6471c956a7e15"
    )


def test_a_signature_has_128_numbers_of_32_bits() -> None:
    assert len(signature(["ein Text"]).values) == 512
    assert len(signature([]).values) == 512
    assert ALGORITHM.endswith("-p128-w3")


def test_paragraph_ends_and_case_make_no_other_signature() -> None:
    assert signature(["Das Öl", "brennt seit Montag"]) == signature(["DAS Öl  brennt\nseit montag"])


def test_a_near_copy_is_near_and_another_text_is_far() -> None:
    text = " ".join(WORDS)
    assert similarity(text, " ".join([*WORDS[:200], "anders", *WORDS[201:]])) > 0.9
    assert similarity(text, " ".join(reversed(WORDS))) < 0.1


@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_text_has_a_signature(paragraphs: list[str]) -> None:
    assert len(signature(paragraphs).values) == 512
