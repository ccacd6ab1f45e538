"""Match of headline and body, with few false alarms on real articles."""

import json
from itertools import pairwise

import pytest

from tests.text.cases import BRAND
from worker.text.annotate.headline import is_headline_unrelated

BODY = BRAND.split("\n\n", 1)[1]


@pytest.mark.parametrize(
    "title",
    [
        "Großbrand im Tanklager von Marschfelde",
        "Feuer in Marschfelde: Polizei ermittelt nach Brand im Lager",
        "Brände in Tanklagern: Schäden in Millionenhöhe",
        "Nach dem Alarm dauerte es 14 Minuten",
        "Glück im Unglück",
        "Alles anders",
    ],
)
def test_a_headline_that_matches_the_body_is_not_flagged(title: str) -> None:
    assert not is_headline_unrelated(title, BODY)


@pytest.mark.parametrize(
    "title",
    [
        "Bundestag beschließt höhere Renten",
        "Angriff: Soldaten in russischem Hafen",
        "Council counts its public clocks",
    ],
)
def test_a_headline_of_another_story_is_flagged(title: str) -> None:
    assert is_headline_unrelated(title, BODY)


def test_a_short_body_is_never_flagged() -> None:
    assert not is_headline_unrelated(
        "Bundestag beschließt höhere Renten", "Es brennt in Marschfelde."
    )


@pytest.mark.real
def test_false_alarms_on_real_articles_are_few(real_data):
    lines = (real_data / "data" / "wikinews_de" / "articles.jsonl").read_text().splitlines()
    articles = [json.loads(line) for line in lines]
    alarms = sum(is_headline_unrelated(a["title"], a["text"]) for a in articles)
    shifted = pairwise(articles)
    found = sum(is_headline_unrelated(a["title"], b["text"]) for a, b in shifted)
    assert alarms < 0.05 * len(articles)
    assert found > 0.8 * len(articles)
