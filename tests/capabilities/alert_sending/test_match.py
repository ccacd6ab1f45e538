"""Steps are reported in their order, each once, also after crashes and late documents."""

import pytest
from sqlalchemy import event, update

from storage.capabilities.alert_sending import manage
from storage.capabilities.alert_sending import store as matching
from storage.database.engine import READS, read_connection
from storage.database.tables import ALERT, VERSION
from storage.history.alerts.lists import alert, counts, overdue_seconds
from storage.history.alerts.rule import AlertRule
from storage.language.passage import Passage
from storage.values.errors import AlertError, NoSuchError
from storage.values.redaction import RedactionReason
from storage.write.reclassify import reclassify
from storage.write.redaction import restrict as restricting
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles, redact_passage
from tests.capabilities.alert_sending.conftest import HOOK, Watched, pegel
from tests.read.press import draft, hour
from worker.cli.redactions import prepare_reading

ADDRESS = "https://bote.example/pegel"


def test_each_step_is_reported_once_in_order_with_its_reason(press):
    press.scan(0, pegel=pegel(3))
    press.alert(classes=("number",))
    press.scan(1, pegel=pegel(36), ferry=draft("Ferry", "It stays.", language="en"))
    press.scan(2)
    press.scan(3, pegel=pegel(37))
    assert press.match() == 2
    assert press.match() == 0
    assert press.told() == [(2, "waiting"), (3, "waiting")]
    assert {each.why for each in press.log()} == {("class number",)}


@pytest.mark.slow
def test_a_change_that_is_stored_at_any_moment_of_matching_is_reported_once(press):
    """Before each question of the matching, another process stores a change."""
    press.scan(0, pegel=pegel(3))
    press.alert(classes=("number",))
    engine, asked, at, is_stored = press.archive.engine, 0, 0, True

    def store(connection, *_given):
        nonlocal asked, at, is_stored
        if connection.get_execution_options().get(READS):
            asked += 1
            if asked == moment and not is_stored:
                is_stored, at = True, at + 1
                press.scan(at, pegel=pegel(10 + at))

    event.listen(engine, "before_cursor_execute", store)
    moment = 0
    while is_stored:
        moment, at = moment + 1, at + 1
        press.scan(at, pegel=pegel(10 + at))
        asked, is_stored = 0, False
        press.match()
    event.remove(engine, "before_cursor_execute", store)
    assert moment > 5
    press.match()
    assert press.told() == [(number, "waiting") for number in range(2, at + 2)]


def test_a_change_before_the_alert_is_not_sent_and_an_unread_one_is(press):
    press.scan(0, pegel=pegel(3))
    job = press.capture_only(1, pegel=pegel(36))
    press.alert()
    press.scan(2)
    assert press.match() == 0
    press.read(job)
    press.match()
    assert press.told() == [(2, "waiting")]


def test_filters_ask_for_source_language_article_query_and_new_articles(press):
    press.scan(0, pegel=pegel(3), kanal=pegel(1, title="Der Kanal"))
    with read_connection(press.archive.engine) as connection:
        (article, *_others) = (
            row.public_id for row in connection.exec_driver_sql(
                "SELECT a.public_id FROM article a JOIN origin o ON o.id = a.origin_id "
                "WHERE o.origin = 'seed:seeds/kanal'"
            )
        )  # fmt: skip
    for name, rule in {
        "article": {"article": article}, "source": {"source": "elsewhere"},
        "language": {"language": "en", "classes": ("first",)},
        "query": {"query": "Fähren", "languages": ("de",)},
    }.items():  # fmt: skip
        press.alert(name, **rule)
    press.scan(1, pegel=pegel(4), kanal=pegel(2, title="Der Kanal"),
               ferry=draft("Ferry", "It stays.", language="en"), faehre=draft("Die Fähre", "Sie fährt."))  # fmt: skip
    press.match()
    assert {each.alert: each.why for each in press.log()} == {
        "article": (f"article {article}",),
        "language": ("class first", "language en"),
        "query": ("the text contains 'Fähren'",),
    }


def test_a_return_to_a_known_state_is_damped_and_the_record_keeps_it(press):
    press.scan(0, pegel=pegel(3))
    press.alert()
    press.scan(1, pegel=pegel(36))
    press.scan(2, pegel=pegel(3))
    press.scan(3, pegel=pegel(36))
    press.scan(4, pegel=pegel(5))
    press.match()
    assert press.told() == [(2, "waiting"), (3, "damped"), (4, "damped"), (5, "waiting")]
    assert "reported the same text" in press.log()[1].note
    with read_connection(press.archive.engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM version").scalar() == 5


def test_a_quoted_passage_is_reported_when_it_goes(press):
    quoted = "Wir haben alles im Griff."
    press.scan(0, pegel=pegel(3, f"Die Leiterin sagte: „{quoted}“"), other=pegel(7, title="Anders"))
    press.alert(passage=quoted)
    press.scan(1, pegel=pegel(4, f"Die Leiterin sagte: „{quoted}“"), other=pegel(8, title="Anders"))
    press.scan(2, pegel=pegel(4, "Die Leiterin sagte: „Wir haben fast alles im Griff.“"))
    press.match()
    assert press.told() == [(3, "waiting")]
    assert press.log()[0].why == ("the passage is no longer in the text",)


def test_an_article_that_goes_is_reported_once_and_again_only_after_it_was_there(press):
    press.scan(0, pegel=pegel(3), other=pegel(1, title="Anders"))
    press.alert("weg", classes=("gone",))
    press.alert("zahl", classes=("number",))
    press.scan(1, pegel=None)
    press.scan(2)
    press.match()
    assert [(each.alert, each.version, each.state, each.why) for each in press.log()] == [
        ("weg", 1, "waiting", ("class gone",))
    ]
    press.scan(3, pegel=pegel(3))
    press.scan(4, pegel=None)
    press.scan(5, pegel=pegel(36))
    press.scan(6, pegel=None)
    assert press.match() == 2
    assert [(each.version, each.state) for each in press.log(name="weg")] == [
        (1, "waiting"), (2, "damped"),
    ]  # fmt: skip
    assert press.told(name="zahl") == [(2, "waiting")]


def test_a_quoted_passage_is_reported_when_its_article_goes_and_not_when_others_do(press):
    quoted = "Wir haben alles im Griff."
    press.scan(0, pegel=pegel(3, quoted), other=pegel(1, title="Anders"))
    press.alert(passage=quoted)
    press.alert("anderes", query="Pegel", languages=("de",))
    press.scan(1, pegel=None, other=None)
    press.match()
    (told,) = press.log()
    assert told.alert == "hafen"
    assert told.why == ("the article is gone", "the passage is no longer in the text")


def test_an_article_missing_before_the_alert_or_back_since_is_not_sent(press):
    press.scan(0, pegel=pegel(3), other=pegel(1, title="Anders"))
    press.scan(1, pegel=None)
    press.alert(classes=("gone",))
    press.scan(2, other=None)
    press.scan(3, other=pegel(1, title="Anders"))
    assert press.match() == 0
    press.scan(4, other=None)
    assert press.match() == 1


def test_changes_and_absences_are_reported_in_the_order_in_which_they_came(press, monkeypatch):
    monkeypatch.setattr(matching, "STEPS_AT_ONCE", 2)
    names = [f"t{number}" for number in range(5)]
    press.scan(0, **{name: pegel(1, title=name) for name in names})
    press.alert(classes=("gone", "number"))
    for hours, name in enumerate(names, 1):
        press.scan(hours, **{name: pegel(2, title=name)})
        press.scan(hours + 0.5, **{name: None})
    press.match()
    assert [each.why for each in press.log()] == [("class number",), ("class gone",)] * 5


def test_a_late_document_that_moves_the_numbers_is_reported_and_the_others_not_again(press):
    press.scan(0, pegel=pegel(3, address=ADDRESS))
    press.alert()
    press.scan(5, pegel=pegel(36, address=ADDRESS))
    press.match()
    late = pegel(9, address=ADDRESS, observed_at=hour(2))
    press.scan(5.5, complete=False, spaet=late)
    press.match()
    press.scan(6, complete=False, pegel=pegel(36, address=ADDRESS))
    press.match()
    told = press.log()
    assert [(each.version, each.state) for each in told][:2] == [(2, "waiting"), (2, "waiting")]
    assert all(each.state == "damped" for each in told[2:])


def test_two_passes_at_once_report_a_step_once(press, monkeypatch):
    press.scan(0, pegel=pegel(3))
    press.alert()
    press.scan(1, pegel=pegel(36))
    fired, others = matching._match_alerts, []

    def overtaken(connection, group, steps):
        found = fired(connection, group, steps)
        if not others:
            others.append("began")
            others.append(press.match())
        return found

    monkeypatch.setattr(matching, "_match_alerts", overtaken)
    assert press.match() == 0
    assert others == ["began", 1]
    assert press.told() == [(2, "waiting")]


def test_a_pass_that_is_killed_before_its_commit_is_done_again(press, monkeypatch):
    press.scan(0, pegel=pegel(3))
    press.alert()
    press.scan(1, pegel=pegel(36))
    with monkeypatch.context() as patch:
        patch.setattr(matching, "_write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            press.match()
    assert press.told() == []
    assert press.match() == 1


def test_even_a_cursor_that_is_set_back_doubles_nothing(press):
    press.scan(0, pegel=pegel(3))
    press.alert("a", HOOK, ("mail", "ada@bote.example"))
    press.scan(1, pegel=pegel(36))
    press.match()
    with press.archive.engine.begin() as connection:
        connection.execute(update(ALERT).values(cursor=0))
    assert press.match() == 0
    assert press.told() == [(2, "waiting"), (2, "waiting")]


def test_many_steps_are_reported_in_their_order_in_more_than_one_pass(press, monkeypatch):
    monkeypatch.setattr(matching, "STEPS_AT_ONCE", 3)
    names = [f"t{number}" for number in range(8)]
    press.scan(0, **{name: pegel(1, title=name) for name in names})
    press.alert()
    press.scan(1, **{name: pegel(2, title=name) for name in names})
    assert press.match() == 8
    assert [each.id for each in press.log()] == sorted(each.id for each in press.log())


def test_a_change_during_a_pause_of_an_alert_is_not_sent(press):
    press.scan(0, pegel=pegel(3))
    press.alert()
    press.archive.transact(manage.pause, "hafen")
    press.scan(1, pegel=pegel(36))
    assert press.match() == 0
    press.archive.transact(manage.resume, "hafen")
    assert press.match() == 0
    press.scan(2, pegel=pegel(37))
    press.match()
    assert press.told() == [(3, "waiting")]


def test_a_name_is_taken_once_and_a_removed_alert_leaves_nothing(press):
    (secret,) = press.alert().values()
    assert secret.startswith("whsec_")
    with pytest.raises(AlertError, match="there is an alert hafen already"):
        press.alert()
    with pytest.raises(AlertError, match="is no name"):
        press.alert("hafen und mehr")
    press.archive.transact(manage.remove, "hafen")
    with read_connection(press.archive.engine) as connection:
        assert counts(connection) == {}
        with pytest.raises(NoSuchError, match="there is no alert 'hafen'"):
            alert(connection, "hafen")
    with pytest.raises(AlertError, match="specify a target"):
        press.archive.transact(manage.add, "x", AlertRule(), ())


def redact_word(press: Watched) -> None:
    target = RedactionTarget(article_row(press))
    mistake = RedactionReason.MISTAKE
    redact_passage(
        press.archive, [target], Passage.parse("der Lohe"), mistake, "ada", prepare_reading
    )


def redact_version(press: Watched) -> None:
    query = "SELECT wording_id FROM version WHERE number = 1"
    with read_connection(press.archive.engine) as connection:
        wording = connection.exec_driver_sql(query).scalar()
    target = RedactionTarget(article_row(press), (wording,))
    redact_articles(press.archive, [target], RedactionReason.MISTAKE, "ada")


def restrict_and_lift(press: Watched) -> None:
    reason = RedactionReason.GDPR_RESTRICTION
    press.archive.transact(restricting.restrict, [article_row(press)], reason, "ada")
    press.match()
    press.archive.transact(restricting.lift, [article_row(press)], "ada")


def classify_again(press: Watched) -> None:
    with press.archive.engine.begin() as connection:
        connection.execute(update(VERSION).where(VERSION.c.number > 1).values(method="0"))
    press.archive.transact(reclassify, [article_row(press)])


def article_row(press: Watched) -> int:
    with read_connection(press.archive.engine) as connection:
        return connection.exec_driver_sql("SELECT min(id) FROM article").scalar()


def test_what_was_matched_under_a_restriction_is_no_news_once_it_is_lifted(press):
    press.scan(0, pegel=pegel(3), other=pegel(1, title="Anders"))
    press.alert("zahl", classes=("number",))
    press.alert("weg", classes=("gone",))
    reason = RedactionReason.GDPR_RESTRICTION
    press.archive.transact(restricting.restrict, [article_row(press)], reason, "ada")
    press.scan(1, pegel=pegel(36))
    press.match()
    press.scan(2, pegel=None)
    assert press.match() == 0
    press.archive.transact(restricting.lift, [article_row(press)], "ada")
    assert overdue(press) == {"zahl": 0, "weg": 0}
    assert (press.match(), press.told()) == (0, [])
    press.scan(3, pegel=pegel(37), other=None)
    assert press.match() == 2, "the next changes are told"


def overdue(press: Watched) -> dict[str, int]:
    """Return how many hours alerts are overdue."""
    with read_connection(press.archive.engine) as connection:
        found = overdue_seconds(connection, press.archive.read_shared_clock())
    return {name: round(seconds / 3600) for name, seconds in found.items()}


@pytest.mark.few_cases
@pytest.mark.parametrize(
    "rewrite", [redact_word, redact_version, restrict_and_lift, classify_again]
)
@pytest.mark.parametrize("rule", [{}, {"passage": "der Lohe"}, {"query": "Lohe"}])
def test_versions_that_were_rewritten_are_no_new_change(press, rewrite, rule):
    press.scan(0, pegel=pegel(3))
    press.alert(**rule, languages=("de",))
    press.scan(1, pegel=pegel(36, "Die Feuerwehr kam."))
    press.scan(2, pegel=pegel(37, "Die Feuerwehr kam."))
    press.match()
    told = press.told()
    newest = "SELECT max(seq) FROM version"
    with read_connection(press.archive.engine) as connection:
        before = connection.exec_driver_sql(newest).scalar()
    rewrite(press)
    assert overdue(press) == {"hafen": 0}
    with read_connection(press.archive.engine) as connection:
        assert connection.exec_driver_sql(newest).scalar() > before, "versions were rewritten"
    assert (press.match(), press.told()) == (0, told)
    press.scan(3, pegel=draft("Der Damm hält", "Der Pegel an jener Lohe fiel um 9 Zentimeter."))
    assert press.match() == 1 or "passage" in rule, "the next change is told"
