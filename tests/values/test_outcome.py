"""One table states the meaning of each outcome; its promises in the contract hold."""

from typing import get_args

import pytest

from storage.values import refusals
from storage.values.outcome import (
    INTERSTITIALS,
    NO_ANSWER,
    OUTCOMES,
    STATES,
    Name,
    exchange_outcome,
    page_outcome,
)
from storage.values.verdict import Counts


def test_every_name_has_one_meaning():
    assert set(get_args(Name)) == set(OUTCOMES)
    assert all(name == outcome.name for name, outcome in OUTCOMES.items())


def test_every_outcome_is_counted_under_a_count_of_the_summary():
    counted = {each.counted_as for each in OUTCOMES.values()} - {None}
    assert counted <= set(Counts.__slots__)


def test_whatever_bars_or_fails_is_no_answer():
    for outcome in OUTCOMES.values():
        assert outcome.answered == (outcome.event not in {"barred", "failed", "doubtful"})
        assert (outcome.event == "failed") == (outcome.counted_as == "failed")


@pytest.mark.parametrize(
    ("state", "outcomes"),
    [
        ("gone", {"gone"}),
        ("unreachable", {"unreachable", "rate_limited"}),
        ("blocked", {"blocked", "not_article", "disallowed_by_robots"}),
        (None, {"refused", "unconfirmed"}),
    ],
)
def test_the_state_of_an_article_follows_its_latest_outcome(state, outcomes):
    assert {each.name for each in OUTCOMES.values() if each.state == state} == outcomes
    assert "refused" not in STATES


def test_the_codes_of_outcomes_are_refusal_codes():
    assert {*INTERSTITIALS, *NO_ANSWER} <= set(refusals.REFUSALS)
    assert {page_outcome(code) for code in refusals.REFUSALS} == {
        "blocked",
        "not_article",
        "refused",
    }
    assert {exchange_outcome(code) for code in refusals.REFUSALS} == {"unreachable", "refused"}
