"""The steps for which an alert fires, as properties of pure functions."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.history.alerts.rule import (
    AlertRule,
    AlertStep,
    StepTexts,
    contains_passage,
    damped,
    fires,
    is_news,
    may_match,
    next_digest,
)
from storage.values.change_class import ChangeClass

CLASSES = st.lists(st.sampled_from([*ChangeClass]), max_size=3).map(tuple)
NAMES = st.none() | st.sampled_from(["a", "b"])
WORDS = st.lists(st.sampled_from(["Damm", "Pegel", "Hafen", "Lohe"]), max_size=4).map(tuple)


def a_step(**values) -> AlertStep:
    usual = {"seq": 9, "article_id": 1, "article": "a", "number": 2, "wording_id": 5, "before_id": 4,
             "occurrence": 1, "read_at": 8, "source": "a", "language": "de", "classes": ("number",),
             "silent": True}  # fmt: skip
    return AlertStep(**{**usual, **values})


STEPS = st.builds(
    a_step, number=st.integers(1, 4), source=NAMES, language=NAMES, article=st.sampled_from(["a", "b"]),
    classes=CLASSES, silent=st.none() | st.booleans(),
)  # fmt: skip
RULES = st.builds(
    AlertRule, query=st.none() | st.sampled_from(["Damm", "Damm -Hafen", "-Hafen"]), classes=CLASSES,
    silent=st.none() | st.booleans(), source=NAMES, language=NAMES, article=NAMES,
    passage=st.none() | st.just("Damm Pegel"), languages=st.just(("de",)),
)  # fmt: skip
TEXTS = st.builds(StepTexts, WORDS, WORDS)


@given(RULES)
def test_a_rule_is_read_back_as_it_was_kept(rule):
    assert AlertRule.read(rule.kept) == rule


@given(RULES, STEPS, TEXTS)
def test_an_alert_fires_only_for_its_rule_and_states_the_reason(rule, step, texts):
    why = fires(rule, step, texts)
    if why is None:
        return
    assert why
    assert may_match(rule, step)
    assert not rule.classes or {*rule.classes} & {*step.classes}
    for wanted, found in ((rule.silent, step.silent), (rule.source, step.source),
                          (rule.language, step.language), (rule.article, step.article)):  # fmt: skip
        assert wanted is None or wanted == found
    if rule.passage is not None:
        assert contains_passage(rule.passage, texts.before) != contains_passage(
            rule.passage, texts.after
        )
    if rule.query is not None:
        assert {"Damm"} & {*texts.before, *texts.after}


@given(RULES, STEPS, TEXTS)
def test_to_ask_for_less_is_to_hear_no_less(rule, step, texts):
    whole = AlertRule(query=rule.query, passage=rule.passage, languages=rule.languages)
    if fires(rule, step, texts) is not None and (step.number > 1 or whole.wants_first):
        assert fires(whole, step, texts) is not None


def test_new_articles_count_for_a_query_alone_and_where_they_are_named():
    first = a_step(number=1, before_id=None, classes=("first",), silent=None)
    texts = StepTexts((), ("", "Der Damm hält."))
    assert fires(AlertRule(query="damm", languages=("de",)), first, texts)
    assert fires(AlertRule(classes=("first", "number")), first, texts)
    for rule in (AlertRule(), AlertRule(source="a"), AlertRule(query="damm", classes=("number",)),
                 AlertRule(query="damm", silent=True)):  # fmt: skip
        assert fires(rule, first, texts) is None


def test_a_query_fires_for_words_that_went_too():
    rule = AlertRule(query="damm", languages=("de",))
    went = StepTexts(("", "Der Damm hält."), ("", "Er hält."))
    assert fires(rule, a_step(), went) == ("the text no longer contains 'damm'",)


@pytest.mark.parametrize(
    "after", ["Er sagte: »Es hält nicht.« Mehr nicht.", "Er schwieg."], ids=["changed", "gone"]
)
def test_a_passage_fires_where_it_changes_or_goes_and_not_where_the_rest_does(after):
    rule = AlertRule(passage="„Es hält.“")
    before = ("T", "Er sagte: »Es hält.« Mehr nicht.")
    assert fires(rule, a_step(), StepTexts(before, ("T", after)))
    assert fires(rule, a_step(), StepTexts(before, ("Neu", 'Sie sagte: "Es  hält."'))) is None


def test_a_wording_that_an_alert_reported_is_no_news_and_another_one_is():
    assert "reported the same text" in damped(a_step(wording_id=4), {4, 5})
    assert damped(a_step(wording_id=6), {4, 5}) is None


@given(st.none() | st.integers(0, 99), st.integers(0, 99))
def test_only_texts_read_before_an_alert_began_are_old(read_at, since):
    assert is_news(a_step(read_at=read_at), since) == (read_at is None or read_at > since)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # given above
    st.times(timezones=st.none()).map(lambda t: f"{t:%H:%M}"),
    st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns")]),
)
def test_a_digest_comes_within_a_day_at_its_hour_on_the_wall(now, at, zone):
    found = next_digest(now, at, zone)
    assert f"{found:%H:%M}" == at
    hours = (found.astimezone(UTC) - now) / timedelta(hours=1)
    assert 0 < hours <= 25.01  # a day in which clocks change is longer, or shorter


@pytest.mark.parametrize("first", [0, 1], ids=["the first time", "the second time"])
def test_a_digest_in_the_hour_that_comes_twice_is_never_in_the_past(first):
    now = datetime(2026, 10, 25, 0, 10, tzinfo=UTC) + timedelta(hours=first)
    found = next_digest(now, "02:30", ZoneInfo("Europe/Berlin")).astimezone(UTC)
    tomorrow = datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert found == (tomorrow if first else datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
