"""What is to be sent to others is one table: in `top`, `jobs`, the metrics and on the page."""

import json
import re

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from storage.capabilities.outside_copies.store import COPIES
from storage.cli.exits import run
from storage.database.outgoing import ALERTS, QUEUES, STAMPS, queue_of
from storage.read.figures.records import OutgoingFigures
from storage.schedule.queue import add_job
from storage.write.archive import Archive
from tests.schedule.test_clocks_ahead import fill
from tests.serve.conftest import served
from worker.cli.commands import app

SOON = 2_000_000_000.0
ROWS = {
    ALERTS: [("waiting", None), ("failed", "no"), ("failed", "no"), ("sent", None), ("dead", "no"), ("damped", "no")],
    COPIES: [("submitting", None), ("unknown", "no"), ("copied", None), ("refused", "no"), ("dropped", "no")],
    queue_of("pictures"): [("waiting", None), ("failed", "no"), ("done", None), ("dropped", "no")],
    STAMPS: [("stamped", None), ("failed", "no")],
}  # fmt: skip
"""The states and notes of stored rows, by queue."""
EXPECTED = [
    {"kind": "alerts", "waiting": 1, "failing": 2, "sent": 1, "given_up": 1, "dropped": 1},
    {"kind": "copies", "waiting": 1, "failing": 1, "sent": 1, "given_up": 1, "dropped": 1},
    {"kind": "pictures", "waiting": 1, "failing": 1, "sent": 1, "given_up": 1, "dropped": 0},
    {"kind": "stamps", "waiting": 0, "failing": 1, "sent": 1, "given_up": 0, "dropped": 0},
]


def fill_queues(url: str) -> None:
    with Archive.open(url) as archive, archive.engine.begin() as connection:
        for queue, rows in ROWS.items():
            for number, (state, note) in enumerate(rows):
                needed = {
                    each.name: fill(each) for each in queue.table.columns if not each.nullable
                }
                unique = {
                    each.name: number for each in queue.table.columns
                    if each.name in {"id", "observation_id", "article_id"}
                } | ({"authority": f"a{number}"} if queue is STAMPS else {})  # fmt: skip
                values = {"state": state, "note": note, "next_at": SOON + number}
                connection.execute(insert(queue.table).values(needed | unique | values))


def test_one_table_is_shown_by_top_jobs_metrics_and_page(database_url, capsys):
    fill_queues(database_url)
    assert run(app, ["top", "--archive", database_url]) == 0
    found = json.loads(capsys.readouterr().out)["outgoing"]
    times = [each.pop("next_at") for each in found]
    assert found == EXPECTED
    assert [each[:10] for each in times] == ["2033-05-18"] * 4
    assert run(app, ["jobs", "--archive", database_url]) == 0
    messages = capsys.readouterr().err.splitlines()
    assert [each.partition("`")[0] for each in messages] == [
        "lesart: alerts: 1 waiting, 2 failing, 1 given up: ",
        "lesart: copies: 1 waiting, 1 failing, 1 given up: ",
        "lesart: pictures: 1 waiting, 1 failing, 1 given up: ",
        "lesart: stamps: 1 failing: ",
    ]
    with served(database_url) as client:
        families = text_string_to_metric_families(client.get("/metrics").text)
        samples = {each.name: each.samples for each in families}
        page = client.get("/jobs?lang=de").text
    counts = {(s.labels["kind"], s.labels["state"]): s.value for s in samples["lesart_outgoing"]}
    assert counts == {
        (row["kind"], part): row[part] for row in EXPECTED for part in OutgoingFigures.PARTS
    }
    assert {s.labels["kind"] for s in samples["lesart_outgoing_next_seconds"]} == {
        each.kind for each in QUEUES
    }
    (shown,) = re.findall(r"Versand an andere</h2>.*?</table>", page, re.DOTALL)
    cells = [re.findall(r'<td class="n">(\d+)</td>', row) for row in shown.split("<tr>")[2:]]
    assert cells == [[str(row[part]) for part in OutgoingFigures.PARTS] for row in EXPECTED]


def test_an_archive_that_sends_nothing_has_no_rows(database_url, capsys):
    Archive.open(database_url).close()
    assert run(app, ["top", "--archive", database_url]) == 0
    assert json.loads(capsys.readouterr().out)["outgoing"] == []
    assert run(app, ["jobs", "--archive", database_url]) == 0
    assert "waiting" not in capsys.readouterr().err


def test_one_job_is_listed_without_what_is_to_be_sent(database_url, capsys):
    fill_queues(database_url)
    with Archive.open(database_url) as archive, archive.unit() as unit:
        job = add_job(unit, "ingest", "command")
    assert run(app, ["jobs", str(job), "--archive", database_url]) == 0
    assert capsys.readouterr().err == ""
