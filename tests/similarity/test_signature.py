"""Signatures: the same numbers on every machine and in every release."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from storage.language.vocabulary import vocabulary
from storage.similarity.signature import signature as signature_of_hashes
from storage.similarity.signature import signature_of

WORDS = [f"wort{number}" for number in range(400)]


def signature(words: list[str]) -> bytes:
    return signature_of_hashes(vocabulary("de").cut(words).hashes)


def similarity(one: str, other: str) -> float:
    first, second = signature_of(one), signature_of(other)
    pairs = zip(range(0, 512, 4), strict=False)
    return sum(first[i : i + 4] == second[i : i + 4] for (i,) in pairs) / 128


def test_the_signature_of_a_known_text_never_changes() -> None:
    found = signature(
        ["Das", "Öllager", "brennt", "seit", "Montag.", "Verletzt", "wurde", "niemand."]
    )
    assert found[:8].hex() == "05bf6ec3e69eadcf"
    assert (
        hashlib.sha256(found).hexdigest()
        == "18cb27b64132a56f390bcecfff759af780a9846bb4081167dcf46eeec324e7e8"
    )


def test_a_signature_has_128_numbers_of_32_bits() -> None:
    assert len(signature(["ein", "Text"])) == 512
    assert len(signature([])) == 512


@given(st.text(max_size=60))
def test_a_text_has_the_signature_of_its_words(text: str) -> None:
    assert signature_of(text) == signature(text.split())


def test_case_makes_no_other_signature() -> None:
    assert signature(["Das", "Öl", "brennt"]) == signature(["DAS", "öl", "BRENNT"])


def test_a_near_copy_is_near_and_another_text_is_far() -> None:
    text = " ".join(WORDS)
    assert similarity(text, " ".join([*WORDS[:200], "anders", *WORDS[201:]])) > 0.9
    assert similarity(text, " ".join(reversed(WORDS))) < 0.1


def test_another_order_of_words_is_another_signature() -> None:
    assert signature(["a", "b", "c"]) != signature(["b", "a", "c"])
    assert signature(["a"]) != signature(["a", "a"])


@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_words_have_a_signature(words: list[str]) -> None:
    assert len(signature(words)) == 512
