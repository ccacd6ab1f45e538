"""What a text tells of a last name, at all of its places."""

import pytest

from worker.text.annotate.speaker import name_signs
from worker.text.annotate.speaker.name_signs import NameSigns

CASES = {
    "the name of nobody in the text": ("Ann Lee left.", "Kern", {"nowhere"}),
    "a part of a longer name": ("Ann Lee Kern left.", "Lee", {"nowhere"}),
    "a suffix behind it": ("Ann Lee Jr. left. Lee won.", "Lee", {"named in full", "shortened"}),
    "the suffix itself": ("Ann Lee Jr. left.", "Jr", {"nowhere"}),
    "a suffix with nothing before it": ("Then Jr left.", "Jr", {"named once"}),
    "a mark ends a name": ("With Ann Lee, Kern left.", "Lee", {"named in full", "named once"}),
    "the mark of a title does not": ("He met Mr. Lee.", "Lee", {"titled", "male"}),
    "a single letter with a stop": ("Then Ann B. Lee left.", "Lee", {"named in full"}),
    "a possessive": ("Ann Lee's house. Lee’s car.", "Lee", {"named", "shortened"}),
    "a word in small letters elsewhere": (
        "Ann Hope left with hope again.",
        "Hope",
        {"common word"},
    ),
    "the one who is named most": ("Ann Lee, Bo Kern. Lee left.", "Lee", {"main person"}),
    "the first of two": ("Ann Lee, Lee, Bo Kern, Kern.", "Lee", {"main person"}),
    "places are no persons": ("Oslo, Oslo, Oslo. Lee said so. Ann Lee.", "Lee", {"main person"}),
}
OTHERS = {
    "the second of two": ("Ann Lee, Lee, Bo Kern, Kern.", "Kern", "main person"),
    "named once": ("Ann Lee left.", "Lee", "main person"),
    "a place": ("Oslo, Oslo, Oslo. Lee said so. Ann Lee.", "Oslo", "main person"),
}


@pytest.mark.parametrize(("text", "name", "signs"), CASES.values(), ids=CASES)
def test_a_text_tells_the_signs_of_a_name(text: str, name: str, signs: set[str]) -> None:
    assert signs <= set(NameSigns(text, "en").signs(name))


@pytest.mark.parametrize(("text", "name", "sign"), OTHERS.values(), ids=OTHERS)
def test_a_sign_of_another_name_does_not_count(text: str, name: str, sign: str) -> None:
    assert sign not in NameSigns(text, "en").signs(name)


def test_many_words_and_long_ones_leave_the_table_of_known_words_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(name_signs, "_MAX_KNOWN", 50)
    table = name_signs._LAST_NAMES
    for number in range(200):
        text = f"Ann Lee{'x' * number} saw Ort{number}. Lee{'x' * number} left."
        assert "shortened" in NameSigns(text, "en").signs(f"Lee{'x' * number}")
        assert len(table) <= 50
        assert max(map(len, table)) <= name_signs._MAX_KNOWN_LENGTH
