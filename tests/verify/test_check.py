import pytest
import sqlalchemy

from storage.database.engine import database_url as parsed
from storage.database.engine import reading_engine, writing_engine
from storage.database.schema import missing_columns, missing_guards
from storage.diff.change import METHOD
from storage.proof import log
from storage.verify import log as check_log
from storage.verify.finding import Scope
from storage.verify.verify import CHECKS, Verification
from storage.write.archive import Archive
from storage.write.index import forget_words
from tests.read.press import Press, draft, hour, usual_press_at

pytestmark = pytest.mark.each_case


def broken(url: str) -> list[tuple[str, str]]:
    engine = reading_engine(parsed(url))
    try:
        return [(each.object, each.kind) for each in Verification(engine).findings()]
    finally:
        engine.dispose()


def test_a_whole_archive_has_nothing_broken(press_url):
    engine = reading_engine(parsed(press_url))
    verification = Verification(engine)
    assert list(verification.findings()) == []
    assert verification.checked["captures"] == 6
    assert verification.checked["wordings"] == 4
    assert verification.checked["verdicts"] == 7
    assert verification.checked["articles"] == 3
    assert verification.redacted == 0
    engine.dispose()


def test_progress_hears_of_every_check(press_url):
    heard: dict[str, int] = {}
    engine = reading_engine(parsed(press_url))
    verification = Verification(engine)
    list(verification.findings(heard.__setitem__))
    engine.dispose()
    assert list(heard) == [name for name, _check in CHECKS]
    assert heard == verification.checked


def test_verifying_changes_nothing_and_can_be_done_while_others_write(press_url):
    press = usual_press_at(press_url)
    engine = reading_engine(parsed(press_url))
    findings = Verification(engine).findings()
    assert next(findings, None) is None
    press.scan(7, neu=draft("Neu", "Ein Satz."))
    assert broken(press_url) == []
    engine.dispose()
    press.close()


def test_a_redaction_with_its_reason_is_counted_and_not_broken(press_url):
    engine = writing_engine(parsed(press_url))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE counter SET value = 900010"))
        for number, table in enumerate(("capture", "wording", "derivation"), 900_000):
            row = connection.execute(sqlalchemy.text(f"SELECT min(id) FROM {table}")).scalar_one()
            if table == "wording":
                forget_words(connection, [row])
            connection.execute(
                sqlalchemy.text(
                    "INSERT INTO redaction (id, table_name, row_id, reason, at) "
                    "VALUES (:id, :name, :row, 'asked to', '2024-06-19T00:00:00.000000+00:00')"
                ),
                {"id": number, "name": table, "row": row},
            )
            columns = {"capture": "data = NULL", "wording": "title = NULL, text = NULL",
                       "derivation": "detail = NULL, publisher = NULL"}[table]  # fmt: skip
            connection.execute(
                sqlalchemy.text(f"UPDATE {table} SET {columns} WHERE id = :row"), {"row": row}
            )
    engine.dispose()
    engine = reading_engine(parsed(press_url))
    verification = Verification(engine)
    assert [f.to_dict() for f in verification.findings()] == []
    assert verification.redacted == 3
    engine.dispose()


def test_a_step_that_older_rules_reported_is_counted_and_not_called_wrong(press_url):
    engine = writing_engine(parsed(press_url))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE version SET method = 0"))
        told = "UPDATE version SET words_added = words_added + 7 WHERE number > 1"
        steps = connection.execute(sqlalchemy.text(told)).rowcount
    verification = Verification(engine)
    assert [f.to_dict() for f in verification.findings()] == []
    assert verification.older_steps == steps > 0
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(f"UPDATE version SET method = {METHOD} WHERE number = 2")
        )
    assert {f.kind for f in Verification(engine).findings()} == {"step_wrong"}
    engine.dispose()


def test_a_redacted_version_is_shown_without_its_text(press_url):
    from storage.read.archive import open_archive
    from storage.values.errors import RedactedError

    test_a_redaction_with_its_reason_is_counted_and_not_broken(press_url)
    with open_archive(press_url) as archive:
        found = archive.version("seed:seeds/pegel@1")
        assert (found.title, found.text, found.paragraphs, found.authors) == (None, None, (), ())
        assert found.wording.startswith("w1:3e3dd6414d")
        with pytest.raises(RedactedError, match="redacted"):
            archive.raw("seed:seeds/pegel@1")
        assert len(list(archive.articles())) == 3
        assert {hit.version for hit in archive.search("36")} == {1, 2}


def test_guards_that_are_down_are_reported(press_url):
    engine = writing_engine(parsed(press_url))
    with engine.begin() as connection:
        on = " ON capture" if connection.dialect.name == "postgresql" else ""
        connection.execute(sqlalchemy.text(f"DROP TRIGGER guard_capture_delete{on}"))
        assert missing_guards(connection) == ["guard_capture_delete"]
    engine.dispose()
    assert broken(press_url) == [("trigger", "guard_missing")]


def test_a_column_that_the_archive_lacks_is_reported_until_it_is_upgraded(press_url):
    engine = writing_engine(parsed(press_url))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP VIEW fields"))
        connection.execute(sqlalchemy.text("CREATE VIEW fields AS SELECT 1 AS seq"))
        connection.execute(sqlalchemy.text("ALTER TABLE host RENAME COLUMN retry_note TO note"))
        lacking = missing_columns(connection)
    assert ("fields.value" in lacking, "host.retry_note" in lacking) == (True, True)
    assert set(broken(press_url)) == {("column", "column_missing")}
    engine.dispose()


def test_captures_that_wait_to_be_read_are_not_broken(database_url):
    press = Press(database_url)
    press.capture_only(0, a=draft("A", "Ein Satz."))
    assert broken(database_url) == []
    with press.archive.unit() as unit:
        unit.connection.execute(
            sqlalchemy.text("UPDATE job SET state = 'done' WHERE kind = 'read'")
        )
    press.close()
    assert broken(database_url) == [("observation", "verdict_missing")]


def test_histories_out_of_order_are_computed_the_same(database_url):
    """Imported captures come late and split runs that scans had confirmed."""
    press = Press(database_url)
    address = "https://example.org/damm"
    a = draft("Damm", "Er hält.", address=address)
    press.scan(0, file=a)
    press.scan(2)
    press.scan(4)
    press.scan(6)
    late = draft("Damm", "Er wankt.", address=address, observed_at=hour(3))
    press.scan(7, late=late)
    earlier = draft("Damm", "Er hält.", address=address, observed_at=hour(-3))
    press.scan(8, earlier=earlier)
    press.close()
    assert broken(database_url) == []


def logged_engine(url: str) -> sqlalchemy.Engine:
    """Append all rows to the log, and return an engine that reads the archive."""
    with Archive.open(url) as archive:
        log.append(archive.engine, archive.clock)
    return reading_engine(parsed(url))


def test_a_run_goes_on_within_a_check_and_checks_new_rows_alone(press_url):
    engine = logged_engine(press_url)
    whole, places = Verification(engine), dict[str, str]()
    assert list(whole.findings(lambda name, _number: places.update({name: whole.reached}))) == []
    assert places["verdicts"] == "verdicts:-1", "not the place of the check before it"
    inside = ("captures", "wordings", "derivations", "articles", "search", "log")
    for name in inside:
        rest = Verification(engine, after=places[name])
        assert list(rest.findings()) == []
        names = [each for each, _check in CHECKS]
        later = names[names.index(name) + 1 :]
        assert rest.checked[name] == 0 < whole.checked[name], name
        assert [rest.checked[each] for each in later] == [whole.checked[each] for each in later]
    new = Verification(engine, Scope(begin=int(places["log"].partition(":")[2])))
    assert list(new.findings()) == []
    assert [new.checked[name] for name in (*inside, "index_keys")] == [0] * 7
    engine.dispose()


def test_all_entries_of_the_log_are_checked(press_url, monkeypatch):
    engine = logged_engine(press_url)
    whole = Verification(engine)
    assert list(whole.findings()) == []
    monkeypatch.setattr(check_log, "CHUNK_ENTRIES", 2)
    parts = Verification(engine)
    assert list(parts.findings()) == []
    assert parts.checked["log"] == whole.checked["log"] == whole.facts["entries"] > 2
    engine.dispose()
