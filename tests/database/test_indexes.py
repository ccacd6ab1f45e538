"""Each index is needed by a statement of the product, which reads more without it.

The statements of work on an archive with rows in all tables are recorded. Each is planned with
all indexes and without one. SQLite plans alike at any size, because no archive has statistics.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Boolean, Float, Integer, LargeBinary, Table, UniqueConstraint, insert
from sqlalchemy.exc import IntegrityError

from storage.capabilities.alert_sending import manage, outbox
from storage.capabilities.alert_sending.store import match
from storage.capabilities.browser_pages import store as browser_pages
from storage.capabilities.pictures import store as pictures
from storage.cli.exits import run
from storage.database.columns import JSON_TYPE, UtcTime
from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.outgoing import QUEUES, claim
from storage.database.tables.metadata import METADATA
from storage.history.alerts.rule import AlertRule
from storage.schedule import watches
from storage.values.net.addresses import ListedAddress
from tests.capabilities.alert_sending.conftest import HOOK
from tests.database.statement_plans import explain, find_whole_reads, statements_by_function
from tests.flow.driver import START, Newsroom
from tests.flow.whole_record import fill_record, log_record
from tests.warcs import answer, page, response, revisit
from tests.write.acts import ACTS, DAM, SITE, TITLE, Scene
from worker.cli.commands import app

NEEDED = {
    "alert_delivery_open": "storage.capabilities.alert_sending.outbox.waits",
    "page_resource_by_capture": "storage.write.redaction.plan.captures_beside",
    "page_resource_by_observation": "storage.capabilities.browser_pages.web_records.resources_of_checks",
    "page_resource_by_time": "storage.capabilities.browser_pages.store.count_resource_bytes",
    "article_picture_by_capture": "storage.write.redaction.plan.captures_beside",
    "article_picture_by_observation": "storage.capabilities.pictures.web_records.resources_of_checks",
    "boilerplate_due_by_article": "storage.history.lineages._remove",
    "change_event_by_article": "storage.verify.history.articles",
    "copy_request_open": "storage.database.outgoing.claim",
    "derivation_by_wording": "storage.write.redaction.plan._from_wordings",
    "doubt_by_b_derivation": "storage.capabilities.unconfirmed.readings.find_unconfirmed",
    "doubt_settled_by_observation": "storage.history.unconfirmed.doubts.load_doubts",
    "foreign_record_by_main": "storage.export.warc.records",
    "foreign_record_by_observation": "storage.export.warc.articles",
    "foreign_record_by_payload": "storage.record.imports._rows",
    "front_by_origin": "storage.capabilities.front_pages.page_list.store_list",
    "ix_article_origin_article_id": "storage.history.lineages.name_articles",
    "ix_article_public_id": "storage.capabilities.reviews.store.find_change",
    "ix_cluster_member_cluster_id": "storage.relations.clusters.gather",
    "ix_rebuild_due_source_id": "storage.history.versions.rebuild_returned",
    "ix_snapshot_address_id": "storage.verify.state.snapshots",
    "job_by_parent": "storage.schedule.progress.unread_captures",
    "job_open": "storage.schedule.queue.next_due",
    "lineage_by_origin": "storage.history.lineages._connect_groups",
    "lineage_by_target": "storage.history.renewals.renew_addresses",
    "log_cosignature_by_checkpoint": "storage.proof.checkpoints.latest_lines",
    "log_stamp_by_checkpoint": "storage.proof.external.requests.store_stamp",
    "noise_step_by_a_wording": "storage.history.noise.boilerplate._learn_articles",
    "noise_step_by_b_wording": "storage.history.noise.boilerplate._learn_articles",
    "observation_by_locator": "storage.history.absences.find_unrecorded_absences",
    "outside_copy_by_observation": "storage.write.redaction.plan._from_observations",
    "person_parted_by_observation": "storage.history.acts_in_files.facts_of_checks",
    "picture_request_by_locator": "storage.capabilities.pictures.store._last_lists",
    "picture_request_open": "storage.database.outgoing.claim",
    "presence_by_locator": "storage.read.lists.changes",
    "presence_by_observation": "storage.history.snapshots._bounds",
    "presence_missing": "storage.record.presences.missing_files",
    "quotation_by_person": "storage.capabilities.quotations.quotes.find_quotations",
    "quotation_by_spoken": "storage.capabilities.quotations.quotes.find_quotations",
    "quotation_by_surname": "storage.capabilities.quotations.quotes.find_quotations",
    "quotation_hidden": "storage.capabilities.quotations.store.load_emptied",
    "redaction_by_act": "storage.record.contents.leftovers._places_of_acts",
    "redaction_by_row": "storage.history.snapshots._load_redactions",
    "refusal_by_observation": "storage.history.absences._codes",
    "relation_by_a": "storage.relations.relate.keep_relations",
    "relation_by_b": "storage.relations.clusters._pairs_of",
    "restriction_by_origin": "storage.write.redaction.restrict._standing",
    "review_by_observation": "storage.capabilities.reviews.store.withdraw_reviews",
    "scan_by_seq": "storage.proof.log._window",
    "scan_by_source": "storage.read.lists.changes",
    "snapshot_by_article": "storage.history.lineages._set_source",
    "snapshot_by_locator": "storage.history.absences._last_snapshots",
    "snapshot_by_origin": "storage.history.lineages.settle_copies",
    "snapshot_gone": "storage.capabilities.alert_sending.store._absences",
    "teaser_by_front": "storage.write.redaction.plan._add_teasers",
    "teaser_by_origin": "storage.record.contents.restricted.__init__",
    "version_by_change": "storage.read.lists.changes",
    "version_by_seq": "storage.capabilities.alert_sending.store._read_steps",
    "version_by_wording": "storage.capabilities.quotations.wording_rows.number_again",
    "watch_by_guid": "storage.schedule.watches._addresses_by_guid",
    "watch_by_list": "storage.schedule.watches.forget_lists",
    "watch_due": "storage.schedule.watches.due_watches",
    "watch_next": "storage.schedule.watches.due_watches",
}
"""The function whose statement needs an index."""
OTHERWISE = {
    "presence_by_locator": "all files of a source",
    "snapshot_gone": "all later checks",
    "watch_by_guid": "all addresses of a source",
    "watch_due": "all addresses of a source",
}
"""What a statement reads without an index, where it is less than the whole table."""
ACTS_DONE = (
    "work on files", "withdraw a label", "import late", "leave out a name", "part a name",
    "restrict it and lift it", "join and part addresses", "redact passages",
    "redact an address that is linked", "redact an article",
)  # fmt: skip
LISTS = (
    "quotes --speaker Kern", "changes --since 2024-06-01", "unconfirmed", "stats",
    "stats --edits --hourly", "export --format warc -o {folder}/all.warc",
)  # fmt: skip


LISTED = 300
"""Addresses of a feed: for a few, PostgreSQL takes any index."""


def use_all_indexes(room: Newsroom) -> None:
    """Fill an archive, and do what people, sources and services do."""
    engine, clock = room.archive.engine, room.archive.clock
    fill_record(room)
    log_record(room)
    pictures.plan(engine, clock)
    scene = Scene(room)
    scene.fill()
    with room.archive.unit() as unit:
        seen = scene.number("SELECT max(observation_id) FROM snapshot WHERE origin_id = {}", DAM)
        row = {
            "id": unit.number(), "observation_id": seen, "position": 1, "event": "first",
            "address": f"{DAM}/boot.jpg", "recorded_at": unit.now,
            "capture_id": room.number("SELECT max(id) FROM capture"),
        }  # fmt: skip
        unit.add(METADATA.tables["article_picture"], row)
        unit.add(METADATA.tables["page_resource"], {
            "id": unit.number(), "observation_id": seen, "address": f"{DAM}/stil.css", "status": 200,
            "size": 2, "recorded_at": unit.now, "capture_id": row["capture_id"],
        })  # fmt: skip
    room.archive.read(browser_pages.count_resource_bytes, room.archive.clock())
    room.archive.transact(manage.add, "hafen", AlertRule(query="Pegel"), (HOOK,))
    for name in ACTS_DONE:
        for _ in ACTS[name](scene):
            match(engine, clock)
    outbox.waits(engine)
    for queue in QUEUES:
        claim(engine, queue)
    story = answer(page(TITLE, "Der Deich hält."))
    captures = response(f"{SITE}/w", "2024-06-19T06:00:00Z", story)
    captures += revisit(f"{SITE}/w", "2024-06-19T09:00:00Z", of=story)
    file = room.write("a.warc", captures, room.root / "captures")
    room.worked(room.ordered(room.places(str(file))))
    watch_feeds(room)
    room.findings()
    for each in LISTS:
        words = each.format(folder=room.root).split()
        assert run(app, [*words, "--archive", room.url]) == 0, each


def watch_feeds(room: Newsroom) -> None:
    """Watch a feed of many addresses and one of few, and list the due ones."""
    many, few = (
        room.archive.ensure_source(name, "feed", f"{SITE}/{name}", standing=True).id
        for name in ("many", "few")
    )
    urls = [f"{SITE}/{number}" for number in range(LISTED)]
    listed = [ListedAddress(url, url, "page", guid=url) for url in urls]
    with room.archive.unit() as unit:
        for source, addresses in ((many, listed[:1]), (many, listed), (few, listed[:1])):
            for _again in range(2):
                watches.ensure_watches(unit, source, addresses, listed_by=None, is_standing=True)
        for source in (None, few):
            watches.due_watches(unit.connection, unit.now, 10, source_id=source)


def index_names() -> set[str]:
    return {str(each.name) for table in METADATA.tables.values() for each in table.indexes}


@pytest.mark.unit
def test_each_index_has_a_row_and_each_row_an_index():
    assert NEEDED.keys() == index_names()


@pytest.mark.slow
def test_each_index_is_needed_by_the_statement_of_its_row(database_url, tmp_path, monkeypatch):
    room = Newsroom(database_url, tmp_path)
    with statements_by_function(monkeypatch) as statements:
        use_all_indexes(room)
    is_sqlite = room.archive.engine.dialect.name == "sqlite"
    unused, scanned = set(NEEDED), set[str]()
    with room.archive.engine.connect() as connection:
        if not is_sqlite:
            connection.exec_driver_sql("ANALYZE watch")
        for name, function in NEEDED.items():
            for each in statements:
                plan = explain(connection, each) if function in each.functions else []
                if any(re.search(rf"\b{name}\b", line) for line in plan):
                    unused.discard(name)
                    other = explain(connection, each, without=name)
                    if find_whole_reads(other) - find_whole_reads(plan):
                        scanned.add(name)
    room.close()
    assert unused == set()
    if is_sqlite:  # PostgreSQL may read a whole index of other columns
        assert NEEDED.keys() - scanned == OTHERWISE.keys()


def list_unique_columns() -> list[tuple[Table, tuple[str, ...]]]:
    """Return the columns that only one row of a table may have alike, keys left out."""
    return [
        (table, tuple(each.columns.keys()))
        for table in METADATA.tables.values()
        for each in table.constraints
        if isinstance(each, UniqueConstraint)
    ]


def make_row(table: Table, number: int) -> dict[str, Any]:
    """Return a row with a value of that number in each column."""
    return {each.name: make_value(each.type, number) for each in table.columns}


def make_value(kind: Any, number: int) -> Any:
    if isinstance(kind, UtcTime):
        return START + timedelta(hours=number)
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer | Float):
        return number
    if isinstance(kind, LargeBinary):
        return bytes([number]) * 32
    return [number] if isinstance(kind, type(JSON_TYPE)) else str(number)


@pytest.mark.postgresql("fast")
def test_each_unique_constraint_refuses_a_second_row(database_url):
    engine = writing_engine(parsed(database_url))
    assert len(list_unique_columns()) > 20
    for table, names in list_unique_columns():
        with engine.connect() as connection:
            connection.execute(insert(table).values(make_row(table, 1)))
            connection.execute(insert(table).values(make_row(table, 2)))
            alike = make_row(table, 3) | {name: make_row(table, 1)[name] for name in names}
            with pytest.raises(IntegrityError, match=names[0]):
                connection.execute(insert(table).values(alike))
    engine.dispose()
