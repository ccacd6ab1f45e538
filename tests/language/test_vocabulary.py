"""Texts as numbers: the same tokens as word by word, and what PostgreSQL can hold of them."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.language import vocabulary as v
from storage.language.tokens import MAX_BYTES, MAX_TOKENS, index_tokens
from storage.language.vocabulary import Vocabulary, tokens_of, vocabulary, word_hash

TEXTS = st.lists(
    st.one_of(st.text(), st.text("Üs̈ \u0301\u00ad\u00b4\u3000\u1e9e.,3_é\n\x1c", max_size=30)),
    max_size=4,
)


@given(TEXTS, st.sampled_from(["de", "en", "fr", None]))
def test_a_text_that_is_cut_at_its_blanks_first_has_the_same_tokens(
    texts: list[str], language: str | None
) -> None:
    assert tokens_of(texts, language).words() == index_tokens(texts, language)


@given(TEXTS)
def test_a_tsvector_has_each_token_at_its_places(texts: list[str]) -> None:
    tokens = tokens_of(texts, "de")
    places: dict[str, list[int]] = {}
    for position, word in enumerate(tokens.words(), 1):
        places.setdefault(word, []).append(position)
    assert positions_of(tokens.tsvector()) == places


def test_a_tsvector_has_only_positions_that_postgresql_knows() -> None:
    pieces = ["a"] * 300 + [f"t{n}" for n in range(17_000)] + ["a"]
    vector = positions_of(tokens_of(pieces, None).tsvector())
    assert vector["a"] == list(range(1, 256))
    assert vector["t0"] == [301]
    assert vector["t16082"] == [16_383]
    assert vector["t16083"] == []


def positions_of(packed: bytes) -> dict[str, list[int]]:
    (lexemes,) = struct.unpack_from(">i", packed)
    at = 4
    found = {}
    for _ in range(lexemes):
        end = packed.index(b"\0", at)
        (count,) = struct.unpack_from(">H", packed, end + 1)
        found[packed[at:end].decode()] = list(struct.unpack_from(f">{count}H", packed, end + 3))
        at = end + 3 + 2 * count
    assert at == len(packed)
    return found


def test_an_empty_text_is_an_empty_tsvector() -> None:
    assert tokens_of(["…"], "de").tsvector() == bytes(4)
    assert tokens_of([], "de").tsvector() == bytes(4)


def test_a_long_text_is_cut_at_the_count_of_tokens() -> None:
    tokens = tokens_of(["a"] * (MAX_TOKENS + 1), None)
    kept, is_cut = tokens.truncate()
    assert (len(kept), is_cut) == (MAX_TOKENS, True)
    assert kept.truncate()[1] is False


def test_a_long_text_is_cut_at_its_bytes() -> None:
    kept, is_cut = tokens_of(["b" * 99] * 6_000, None).truncate()
    assert (len(kept), is_cut) == (MAX_BYTES // 100, True)


def test_pieces_have_the_hash_of_their_word_whatever_its_case() -> None:
    hashes = vocabulary("de").cut(["Öl", "brennt", "ÖL", "Öl,"]).hashes
    assert hashes.tolist() == [word_hash("öl"), word_hash("brennt"), word_hash("öl"), hashes[3]]
    assert len(np.unique(hashes)) == 3


def test_the_hash_of_a_known_word_never_changes() -> None:
    assert word_hash("Öllager") == 3746605835702468936


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(v, "CAPACITY", 8)
    monkeypatch.setattr(v, "_THREAD", v.local())


def test_a_full_vocabulary_is_replaced_and_earlier_tokens_stay_readable(small) -> None:
    words = [f"wort{number}" for number in range(20)]
    before = tokens_of(words, None)
    assert vocabulary(None) is not before.vocabulary
    assert before.words() == tuple(words)
    assert tokens_of(["wort3 wort1"], None).words() == ("wort3", "wort1")


def test_a_piece_without_end_fills_a_vocabulary_by_its_length(monkeypatch) -> None:
    monkeypatch.setattr(v, "CHARACTERS", 1_000)
    found = Vocabulary(None)
    found.cut(["a" * 2_000])
    assert found.is_full
