"""Invisible characters are removed from the wording and recorded as a field."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.digest import wording_digest
from storage.values.draft import TEXT_ROLES, Draft
from tests.text.cases import draft
from worker.text.invisible import INVISIBLE_RUN, STAMP, decode_references, stamp, strip_invisible

BODY = "Der Deich in Lohetal hält, sagte die Wehr am Montag. Das Wasser steigt weiter."
MANIFEST = b"C2PATXT\0" + bytes(range(40))


def selectors(data: bytes) -> str:
    """Encode bytes as variation selectors, as provenance manifests in plain text do."""
    codes = (0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16 for byte in data)
    return "\ufeff" + "".join(map(chr, codes))


def tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in text)


def read(text: str) -> Draft:
    return draft(f"2024-06 Der Deich\n\n{text}")


def digest(found: Draft) -> bytes:
    running = [each.text for each in found.paragraphs if each.role in TEXT_ROLES]
    return wording_digest(found.title, running)


@pytest.mark.parametrize(
    ("carried", "kind"),
    [
        (selectors(MANIFEST), "c2pa"),
        (selectors(bytes(range(64))), "variation_selectors"),
        (tags("made by a machine"), "tags"),
        ("\u200b\u200c\u200d\u2060" * 4, "zero_width"),
    ],
)
@pytest.mark.parametrize("at", [0, 9, len(BODY)], ids=["before", "within", "behind"])
def test_a_stamp_is_a_field_and_never_another_wording(carried: str, kind: str, at: int) -> None:
    stamped, plain = read(BODY[:at] + carried + BODY[at:]), read(BODY)
    assert digest(stamped) == digest(plain)
    assert STAMP not in plain.fields
    assert stamped.fields[STAMP].value["kind"] == kind
    assert "invisible_chars" in stamped.flags


def test_the_bytes_of_a_manifest_are_recorded() -> None:
    found = read(BODY + selectors(MANIFEST)).fields[STAMP].value
    assert bytes.fromhex(found["data"]) == MANIFEST


@pytest.mark.parametrize(
    "text",
    [
        "Auf\u200clage",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "\U0001f469\u200d\U0001f467",
        "\u2764\ufe0f",
        "1\ufe0f\u20e3",
        "\u845b\U000e0100",
        "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    ],
    ids=["German", "Persian", "Hindi", "family", "heart", "keycap", "ideograph", "flag"],
)
def test_joiners_and_variation_selectors_are_retained(text: str) -> None:
    assert strip_invisible(text) == (text, ())


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Öl\u200blager", "Öllager"),
        ("\ufeffÖl", "Öl"),
        ("Öl\ufe0f", "Öl"),
        ("Öl\u200d brennt", "Öl brennt"),
        ("Ö\u200c\u200dl", "Öl"),
    ],
)
def test_invisible_characters_without_function_are_removed(text: str, plain: str) -> None:
    assert strip_invisible(text)[0] == plain
    assert stamp(strip_invisible(text)[1]) is None


def test_runs_of_invisible_characters_are_found_next_to_non_ascii_letters() -> None:
    unseen = [each for each in map(chr, range(sys.maxunicode + 1)) if INVISIBLE_RUN.match(each)]
    assert len(unseen) > 500
    for each in unseen:
        assert strip_invisible(f"Ö{3 * each}l") == ("Öl", (3 * each,))


def test_character_references_are_decoded() -> None:
    assert decode_references("Öl&#8203;lager&ZeroWidthSpace;&#xFE01;&amp;") == (
        "Öl\u200blager\u200b\ufe01&amp;"
    )


@given(
    st.text(
        st.sampled_from("aÖ1 \u0645\u200b\u200c\u200d\ufe0f\ufe01\u2764\U000e0041"), max_size=30
    )
)
def test_removal_is_idempotent(text: str) -> None:
    plain, taken = strip_invisible(text)
    assert len(plain) + sum(map(len, taken)) == len(text)
    assert strip_invisible(plain) == (plain, ())
