"""Judging by folds: documents are parted by name alone, and means are weighed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judge.pages import f1, made_for_machines, one_right, persons_of
from bench.judge.table import FOLDS, Judged, fold_of, table_of

pytestmark = pytest.mark.starts_first


@given(st.text(max_size=40))
def test_a_fold_is_one_of_four_and_does_not_hang_on_case_or_www(name):
    assert 0 <= fold_of(name) < FOLDS
    assert fold_of("www.bote.example") == fold_of("BOTE.example")


def test_the_table_gives_each_reader_its_weighed_mean():
    judged = [
        Judged("news", "body", "lesart", 2, 1.0, 3),
        Judged("news", "body", "lesart", 3, 0.0, 1),
        Judged("news", "body", "reference", 2, 0.5),
    ]
    random.Random(4).shuffle(judged)
    _, line = table_of(judged, ("lesart", "reference"))
    assert line.split()[:4] == ["news", "body", "0.750", "0.500"]


def test_a_body_is_right_by_its_runs_of_words():
    text = "Die Lohe steigt seit Montag und der Deich hält"
    assert f1(text, text) == 1.0
    assert f1("", text) == 0.0
    assert 0.4 < f1(" ".join(text.split()[:6]), text) < 1


def test_one_author_is_right_whatever_letters_the_gold_adds():
    assert one_right(("Bo Lind",), "Ada Kern, MD, and Bo Lind")
    assert not one_right(("Recent Posts",), "Ada Kern")
    assert not one_right((), "Ada Kern")


def test_a_gold_made_for_machines_is_distinguished_from_the_visible_headline():
    page = """<html><head><title>Deiche: 5 Fragen | Bote</title>
        <meta property="og:title" content="Was Deiche halten"></head><body>%s</body></html>"""
    seen = "<h1>Halten die Deiche noch?</h1>"
    assert made_for_machines("Was Deiche halten", page % seen)
    assert made_for_machines("Deiche: 5 Fragen", page % seen)
    assert not made_for_machines("Halten die Deiche noch?", page % seen)
    assert not made_for_machines("Was Deiche halten", page % "<h1>Politik</h1>")
    assert not made_for_machines("Was Deiche halten", page % f"{seen}<h1>Bote</h1>")
    assert not made_for_machines("Was Deiche halten", page % "<h1>Lohe: Was Deiche halten</h1>")
    assert not made_for_machines("Woher das Wasser kommt", page % seen)


def test_the_gold_of_news_is_measured_without_agencies_the_outlet_and_towns():
    row = {
        "publisher": "KuestenBote",
        "url": "https://www.kuestenbote.example/deich",
        "head": '<meta property="og:site_name" content="Der Bote">',
        "body": {"summary": ["Lohe (kb) - Am Deich"], "sections": []},
    }
    others = ["dpa", "AFP, LOHE", "Kuestenbote Online", "Der Bote", "KB-Redaktion"]
    assert persons_of({**row, "authors": ["Ada Kern", "Bo Lind", *others, "Berlin"]}) == [
        "Ada Kern",
        "Bo Lind",
    ]
    assert persons_of({**row, "authors": ["Lohe"]}) == []
    assert persons_of({**row, "authors": ["Kai Berg", "K. Bauer"]}) == ["Kai Berg", "K. Bauer"]
