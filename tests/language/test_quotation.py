"""Quotation marks of one shape say by their neighbours whether they open."""

import time

import pytest

from storage.diff.alignment import WordCuts
from storage.language.names import names_of, signs_of
from storage.language.quotations import mark_quoted_tokens


@pytest.mark.parametrize(
    ("canon", "inside"),
    [
        pytest.param('Er rief "nein" und ging', '" nein "', id="pair"),
        pytest.param('"Ja", sagte er. "Nein."', '" Ja " " Nein . "', id="two pairs"),
        pytest.param('so endet es", sagte er', 'so endet es "', id="closed only"),
        pytest.param('sagte er: "So geht es weiter', '" So geht es weiter', id="opened only"),
        pytest.param("Sie nannte es 'neu' hier", "' neu '", id="single"),
        pytest.param("Hans' Haus und Max' Hof", "' '", id="apostrophes open nothing"),
        pytest.param("\"Er sagte 'nein' dazu\"", "\" Er sagte ' nein ' dazu \"", id="nested"),
        pytest.param('ein 27" Bildschirm', "", id="inches"),
        pytest.param("nichts davon", "", id="none"),
        pytest.param('("So")', '" So "', id="brackets"),
    ],
)
def test_a_quotation_is_recognised(canon: str, inside: str) -> None:
    words = WordCuts(canon, 0, len(canon))
    marks = mark_quoted_tokens(canon, words.starts)
    found = [token for token, mark in zip(words.tokens, marks, strict=True) if mark]
    assert found == inside.split()


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        pytest.param("Heute traf Frau Kramer den Bürgermeister .", {"Kramer"}, id="title"),
        pytest.param("Heute traf er Kim Jong Un dort .", {"Kim", "Jong", "Un"}, id="row of names"),
        pytest.param(
            "Die Deutsche Bank und die AfD .", {"Deutsche", "Bank", "AfD"}, id="organisations"
        ),
        pytest.param("Es war Ende Juni , rund zwei Millionen Euro .", set(), id="measures"),
        pytest.param("Das sagte Kramer dazu .", {"Kramer"}, id="verb of speech"),
        pytest.param("Der Baum und das Haus .", set(), id="nouns"),
        pytest.param("Morgens kam der Gute und der gute Rat .", set(), id="lower-case elsewhere"),
        pytest.param("GROSSER BRAND AM HAFEN", set(), id="shouted"),
        pytest.param("The mayor of Springfield said that on Monday", {"Springfield"}, id="English"),
        pytest.param("Viele Menschen kamen mit dem Rad .", set(), id="start of a sentence"),
    ],
)
def test_names_are_recognised_by_their_neighbours(sentence: str, names: set[str]) -> None:
    assert names_of([signs_of(sentence.split())]) == names


def test_marks_that_close_what_nothing_opened_are_reported_in_time() -> None:
    """Eight times as many take about eight times the time at most."""

    def seconds(marks: int) -> float:
        canon = ('Wort" ' * marks).strip()
        starts = range(len(canon))
        began = time.process_time()
        assert all(mark_quoted_tokens(canon, starts)[:-1])
        return time.process_time() - began

    fewer = min(seconds(8_000) for _ in range(3))
    assert min(seconds(64_000) for _ in range(3)) < 18 * fewer
