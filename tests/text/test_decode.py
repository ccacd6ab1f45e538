"""Decoding of bytes: detected, guessed and refused encodings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.draft import CleaningStep
from storage.values.refusals import RefusalReason
from worker.text.decode import DecodedText, decode, replace_surrogates

SENTENCE = (
    "Die Bürgermeisterin von Süderhöft grüßt „herzlich“ – und zählt 3,6 Millionen Möwen.\n\n"
    "Übermäßig viele Gänse störten den Straßenverkehr in der Nähe der Kläranlage.\n"
)
PLAIN = SENTENCE.replace("„", '"').replace("“", '"').replace("–", "-")


def read_well(raw: bytes, charset: str | None = None) -> DecodedText:
    found = decode(raw, charset)
    assert isinstance(found, DecodedText), found
    return found


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le"]
)
def test_unicode_in_any_width_is_read(encoding: str) -> None:
    raw = SENTENCE.encode(encoding)
    assert read_well(raw).text == SENTENCE


def test_a_byte_order_mark_declares_and_leaves_nothing_to_guess() -> None:
    assert read_well(b"\xff\xfe" + SENTENCE.encode("utf-16-le")).flags == ()
    assert read_well(SENTENCE.encode("utf-8-sig")).steps[0].detail == {
        "encoding": "utf-8",
        "bom": True,
    }


def test_utf_16_without_a_mark_is_a_flagged_guess_though_it_is_valid_utf_8() -> None:
    found = read_well("Only plain letters here.".encode("utf-16-le"))
    assert (found.text, found.encoding) == ("Only plain letters here.", "utf-16-le")
    assert found.flags == ("encoding_guessed",)


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("cp1252", "cp1252"), ("latin-1", "cp1252"), ("mac-roman", "mac-roman"), ("cp850", "cp850")],
)
def test_legacy_encodings_are_detected_by_their_umlauts(encoding: str, named: str) -> None:
    found = read_well(PLAIN.encode(encoding))
    assert (found.text, found.encoding, found.flags) == (PLAIN, named, ("encoding_guessed",))


def test_one_umlaut_in_a_long_english_text_is_a_guess_and_not_a_damage() -> None:
    raw = ("A long report about nothing at all. " * 200 + "Herr Müller agrees.").encode("cp1252")
    found = read_well(raw)
    assert found.text.endswith("Herr Müller agrees.")
    assert found.flags == ("encoding_guessed",)


def test_a_declared_charset_is_believed_where_utf_8_fails() -> None:
    raw = "Zażółć gęślą jaźń".encode("iso-8859-2")
    found = read_well(raw, "ISO-8859-2")
    assert (found.text, found.flags) == ("Zażółć gęślą jaźń", ())
    assert found.steps[0].detail["declared"] == "ISO-8859-2"


def test_utf_8_wins_over_a_declaration_that_lies() -> None:
    assert read_well(SENTENCE.encode(), "iso-8859-1").text == SENTENCE


@pytest.mark.parametrize("charset", ["utf-7", "rot13", "base64", "nope", "", "\0", "hex"])
def test_a_declaration_that_is_no_encoding_of_text_is_ignored(charset: str) -> None:
    assert read_well(PLAIN.encode("cp1252"), charset).encoding == "cp1252"


@pytest.mark.parametrize(
    ("damage", "offsets"),
    [(b"\xff", [90]), (b"\xc0\xaf", [90]), (b"\xe2\x82", [90])],
    ids=["a byte of no encoding", "an overlong slash", "two thirds of a character"],
)
def test_a_damaged_position_is_replaced_and_its_offset_recorded(
    damage: bytes, offsets: list[int]
) -> None:
    raw = SENTENCE.encode()
    found = read_well(raw[:90] + damage + raw[90:])
    assert found.flags == ("encoding_repaired",)
    assert found.steps[0].detail["offsets"] == offsets
    assert found.text.replace("\ufffd", "") == SENTENCE


def test_a_last_character_cut_in_half_is_a_damage() -> None:
    raw = "Die Laternen im Mühlenweg leuchten schon, sagt Frau Schäfer. Schö".encode()[:-1]
    found = read_well(raw)
    assert found.text.endswith("Sch\ufffd")
    assert found.flags == ("encoding_repaired",)


def test_heavily_damaged_bytes_are_refused() -> None:
    raw = b"".join(b"\xc3\xb6l " + (b"\xff" if i % 9 == 0 else b"") for i in range(200))
    found = decode(raw)
    assert isinstance(found, RefusalReason)
    assert found.code == "binary"


@pytest.mark.parametrize(
    "raw",
    [
        bytes(range(256)) * 4,
        b"\x01\x02\xfe\x03" * 50,
        b"\xef\xbb\xbf" + bytes(range(32)) * 9,
        b"Text\0\0\0\0mit Nullen",
    ],
    ids=["every byte", "control bytes", "control bytes behind a mark", "many NULs"],
)
def test_bytes_of_no_encoding_are_refused(raw: bytes) -> None:
    found = decode(raw)
    assert isinstance(found, RefusalReason)
    assert found.code == "binary"


@pytest.mark.parametrize(
    ("raw", "flags"),
    [
        ("Öl\0 brennt heute im Hafen".encode(), ()),
        ("\ufeffÖl\0 brennt heute im Hafen".encode(), ()),
        ("Öl\0 brennt heute im Hafen".encode("utf-16-le"), ("encoding_guessed",)),
        ("Öl\0 brennt heute im Hafen".encode("cp1252"), ("encoding_guessed",)),
    ],
    ids=["UTF-8", "with a mark", "UTF-16", "a guess"],
)
def test_a_stray_nul_is_dropped_in_a_step(raw: bytes, flags: tuple[str, ...]) -> None:
    found = read_well(raw)
    assert (found.text, found.flags) == ("Öl brennt heute im Hafen", flags)
    assert found.steps[1] == CleaningStep("nul_characters", {"removed": 1})


def test_a_half_pair_in_bytes_becomes_a_replacement() -> None:
    found = read_well("Fledermäuse ".encode() + b"\xed\xa0\xbd" + b" ziehen ein")
    assert found.text == "Fledermäuse \ufffd ziehen ein"
    assert found.flags == ("surrogate_replaced",)


def test_a_pair_that_was_encoded_in_halves_is_joined() -> None:
    assert replace_surrogates("a\ud83d\ude00b\udc00") == ("a😀b\ufffd", True)
    assert read_well(b"\xed\xa0\xbd\xed\xb8\x80").text == "😀"


def test_mojibake_is_flagged_and_left() -> None:
    found = read_well("MÃ¼ll und â€žKÃ¤seâ€œ".encode())
    assert (found.text, found.flags) == ("MÃ¼ll und â€žKÃ¤seâ€œ", ("mojibake_suspected",))


@pytest.mark.parametrize("text", ["São Paulo", "GARÇÃO", "Âncora", "Ã wird Ã genannt", "Â 5"])
def test_portuguese_is_no_mojibake(text: str) -> None:
    assert read_well(text.encode()).flags == ()


@given(st.binary(max_size=400), st.sampled_from([None, "utf-16", "cp1252", "big5", "x"]))
def test_no_bytes_make_decoding_fail(raw: bytes, charset: str | None) -> None:
    found = decode(raw, charset)
    if isinstance(found, DecodedText):
        found.text.encode("utf-8")  # no lone surrogate is left


@given(st.text(max_size=200).filter(lambda text: "\0" not in text and text[:1] != "\ufeff"))
def test_utf_8_comes_back_as_it_was(text: str) -> None:
    assert read_well(text.encode()).text == text
