"""The passage of a text that matches a search."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.language.snippets import snippet
from storage.language.tokens import index_tokens, parse_query, token_spans

LONG = (
    "Anfang " + "füllt den Raum " * 40 + "Feuer im Öllager gelöscht " + "und weiter " * 40 + "Feuer"
)


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        pytest.param("Es brannte im Öllager.", "öllagern", "Es brannte im [Öllager].", id="stem"),
        pytest.param(
            "Ein rotes Dach, ein Dach.", '"rotes Dach"', "Ein [rotes Dach], ein Dach.", id="phrase"
        ),
        pytest.param("Rund 3,6 von 36.", "3,6", "Rund [3,6] von 36.", id="number"),
        pytest.param("Covid-19 und Covid", "covid-19", "[Covid-19] und Covid", id="compound"),
        pytest.param("a\n\n  b", "b", "a [b]", id="white space"),
        pytest.param("nichts davon", "x", "nichts davon", id="no match"),
        pytest.param(
            "Öl\u00adlager ½ Liter", "öllager liter", "[Öl\u00adlager] ½ [Liter]", id="soft hyphen"
        ),
        pytest.param("", "x", "", id="empty text"),
        pytest.param(
            "Haus ohne Hof", "-Hof Haus OR Stall", "[Haus] ohne Hof", id="exclusion is no match"
        ),
    ],
)
def test_a_snippet_shows(text: str, query: str, expected: str) -> None:
    assert snippet([text], parse_query(query, ["de"]), "de", 80, "[", "]") == expected


def test_a_snippet_is_the_same_after_any_other_texts() -> None:
    wanted = parse_query("feuer", ["de"])
    texts = [[f"Wort{n} und Feuer{n % 3} im Feuer, sagt Wort{n + 1}." * 60] for n in range(400)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: snippet(text, wanted, "de", 80, "[", "]"), texts))
    assert all("im [Feuer], sagt" in each for each in found)


def test_a_snippet_is_the_densest_passage() -> None:
    shown = snippet([LONG], parse_query("Feuer Öllager", ["de"]), "de", 80, "[", "]")
    assert "[Feuer] im [Öllager]" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) <= 90


@given(
    st.text(st.sampled_from("ab ä\u00ad½.3,\n") | st.characters(), max_size=120), st.integers(1, 60)
)
def test_a_snippet_adds_nothing_but_markers(text: str, width: int) -> None:
    plain = " ".join(text.split())
    shown = snippet([text], parse_query("a b ab 3 ä", ["de"]), "de", width, "", "")
    inner = shown.removeprefix("… ") if not plain.startswith(shown) else shown
    assert inner in plain or inner.removesuffix(" …") in plain


WORDS = [
    "Häuser",
    "haeuser",
    "HAUS",
    "Hauses",
    "Öllager",
    "oellager",
    "ÖLLAGER",
    "Straße",
    "STRASSE",
    "Maß",
    "ßa",
    "äußere",
    "Aeußerung",
    "Quelle",
    "QUELLEN",
    "Feuer",
    "neue",
    "zuerst",
    "Büro",
    "Buero",
    "Büros",
    "aüb",
    "Auto",
    "Europa",
    "die",
    "und",
    "ein",
    "Idee",
    "zwei",
    "dying",
    "lying",
    "skies",
    "sky",
    "happily",
    "hoping",
    "hopes",
    "ability",
    "abilities",
    "possibly",
    "running",
    "agreed",
    "yes",
    "eye",
    "3,6",
    "1.500",
    "12:30",
    "36",
    "3,6kg",
    "152-Millimeter-Munition",
    "Covid-19",
    "café",
    "Élan",
    "élan",
    "İstanbul",
    "istanbul",
    "Šef",
    "sˇef",
    "šef",
    "Häuser",
    "ﬁnden",
    "finden",
    "ｆｉｎｄｅｎ",
    "km²",
    "km2",
    "m½",
    "Öl\xadlager",
    "Москва",
    "москва",
    "…und",
    "und…oder",
    "ſehen",
    "sehen",
    "K",
    "Kelvin",
    "Ⅷ",
    "ǆ",
    "SS-20",
    "ss",
    "a",
    "o",
    "i",
    "y",
]


def _marked(text: str, query: str, languages: Sequence[str], language: str | None) -> str:
    return snippet([text], parse_query(query, languages), language, 10_000, "[", "]")


@example(["dying", "die"], "die", "en")
@example(["Haeuser", "Ha\u0308user", "HÄUSER"], "haus", "de")
@example(["Maße", "MASS", "SS-20"], "ss", "de")
@given(
    st.lists(
        st.sampled_from(WORDS) | st.text(st.sampled_from("aäouüeiyssßtbl\u0308ſ-3,"), min_size=1),
        min_size=1,
        max_size=8,
    ).map(lambda words: " ".join(words).split()),
    st.sampled_from(WORDS),
    st.sampled_from(["de", "en", None]),
)
def test_a_snippet_marks_every_word_that_becomes_a_token_of_the_query(
    words: list[str], asked: str, language: str | None
) -> None:
    wanted = {(token,) for name in ("de", "en", None) for token in index_tokens([asked], name)}
    if len(index_tokens([asked], language)) != 1:
        return
    expected = []
    for word in words:
        shown, at = "", 0
        for token, begin, stop in token_spans(word, language):
            if (token,) in wanted and begin >= at:
                shown += f"{word[at:begin]}[{word[begin:stop]}]"
                at = stop
        expected.append(shown + word[at:])
    assert _marked(" ".join(words), asked, ["de", "en"], language) == " ".join(expected)


@given(
    st.lists(st.sampled_from(WORDS), min_size=2, max_size=8, unique_by=str.casefold),
    st.integers(0, 6),
    st.sampled_from(["de", "en", None]),
)
def test_a_snippet_marks_a_phrase_wherever_it_is(
    words: list[str], start: int, language: str | None
) -> None:
    start = min(start, len(words) - 2)
    phrase = " ".join(words[start : start + 2])
    if len(list(token_spans(phrase, language))) < 2:
        return
    text = " ".join(words)
    shown = _marked(text, f'"{phrase}"', ["de", "en"], language)
    assert "[" in shown
    assert shown.replace("[", "").replace("]", "") == text
