"""The pages of new versions are copied by other archives, whose answers are recorded."""

import json
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest
from sqlalchemy import text

from storage.database.unit import writing
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from tests.capabilities.outside_copies.copied import PAGE, Copied
from tests.capabilities.outside_copies.copy_archive import KEY, copying
from tests.flow.driver import findings
from tests.flow.processes import Service, lesart, rows, until
from tests.pauses import without_pauses
from tests.services import free_port
from tests.web.desk import HIGHER, PEGEL
from tests.web.site import Reply, page, simulated_web
from worker.capabilities.outside_copies import work as outside


@pytest.fixture
def web(tmp_path):
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as found:
        found.sites["zeitung.example"] = {}
        found.put(PAGE, page("Pegel der Lohe steigt", PEGEL))
        yield found


@pytest.fixture
def service():
    with copying(lambda: datetime.now(UTC)) as found:
        yield found


@pytest.fixture
def installed(web, service, database_url, tmp_path):
    """Give the settings of services that may ask the archive, and reach the site by a proxy."""
    (tmp_path / "seeds").mkdir()
    yield {
        "home": str(tmp_path / "home"), "seeds": str(tmp_path / "seeds"), "every": "60s",
        "database_url": database_url, "allow_hosts": service.allow_hosts, "pace": "0.05s",
        "web_archives": f"{service.setting('spn2')}, {service.setting('cdx')}",
        "web_archive_keys": f"eins={KEY}", "web_address": f"127.0.0.1:{free_port()}",
    }  # fmt: skip
    broken = findings(database_url)
    assert broken == [], broken


def watch(folder, web, settings, *words: str) -> None:
    proxy = f"http://127.0.0.1:{web.plain_port}"
    words = ("source", "add", PAGE, "--proxy", proxy, "--recheck", "1s", *words)
    done = lesart(folder, *words, **settings)
    assert done.returncode == 0, done.stderr


def copies(folder, settings) -> list[dict]:
    return rows(folder, "sql", "SELECT * FROM outside_copies ORDER BY recorded_at", **settings)


@pytest.mark.slow
@pytest.mark.postgresql("large")  # the tests below run on both
def test_up_submits_each_version_once_and_shows_the_answer_everywhere(
    web, service, installed, tmp_path
):
    service.ways += ["429", "slow"]
    assert lesart(tmp_path, "proof", "keygen", **installed).returncode == 0
    watch(tmp_path, web, installed, "--copy-to", "eins")
    up = Service(tmp_path, "up", **installed)
    up.start()
    try:
        until(lambda: copies(tmp_path, installed), what="the first copy")
        web.put(PAGE, page("Pegel der Lohe steigt", HIGHER))
        until(lambda: len(copies(tmp_path, installed)) == 2, what="the second")
        (article,) = rows(tmp_path, "list", **installed)
        with urlopen(
            f"http://{installed['web_address']}/a/{article['article']}", timeout=60
        ) as answer:
            shown = answer.read().decode()
    finally:
        up.end()
    assert service.addresses() == [PAGE] * 3  # the first one was refused by 429
    assert {headers["Authorization"] for _url, headers in service.submissions} == {f"LOW {KEY}"}
    assert service.memento(1) in shown
    assert "was not checked" in shown
    first, second = copies(tmp_path, installed)
    assert [(each["version"], each["address"]) for each in (first, second)] == [
        (1, service.memento(0)), (2, service.memento(1)),
    ]  # fmt: skip
    (version,) = rows(tmp_path, "show", f"{PAGE}@1", **installed)
    (copy,) = version["outside_copies"]
    assert (copy["archive"], copy["address"]) == ("eins", service.memento(0))
    checks = rows(tmp_path, "observations", PAGE, **installed)
    found = [each["outside_copies"] for each in checks if each["outside_copies"]]
    assert [each["address"] for (each,) in found] == [service.memento(0), service.memento(1)]
    proof = tmp_path / "nachweis.zip"
    assert lesart(tmp_path, "proof", PAGE, "-o", str(proof), **installed).returncode == 0
    with zipfile.ZipFile(proof) as packed:
        packed.extractall(tmp_path / "nachweis")
        assert "selbst kopiert" in packed.read("report.html").decode() or "copied the page" in (
            packed.read("report.html").decode()
        )
    checked = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "nachweis" / "verify.py")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
    assert f"copied the page itself at {second['captured_at'][:16]}" in checked.stdout
    assert "does not prove: That the copies at other archives show" in checked.stdout
    spoken = [lesart(tmp_path, *words, **installed) for words in (
        ("config",), ("source", "list"), ("doctor",), ("sql", "SELECT * FROM refusals"),
    )]  # fmt: skip
    told = up.told() + "".join(each.stdout + each.stderr for each in spoken)
    assert "geheim" not in told


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["submission", "poll"])
def test_who_is_killed_in_the_middle_submits_nothing_twice(
    web, service, installed, tmp_path, moment
):
    up = Service(tmp_path, "up", **installed)
    kills = []

    def kill() -> None:
        if not kills:
            kills.append(moment)
            up.kill()

    setattr(service, f"on_{moment}", kill)
    watch(tmp_path, web, installed, "--copy-to", "eins")
    up.start()
    try:
        until(lambda: kills and not up.is_alive, what="the kill")
        up.start()
        until(lambda: copies(tmp_path, installed), what="the copy")
    finally:
        up.end()
    assert service.addresses() == [PAGE]
    assert [each["address"] for each in copies(tmp_path, installed)] == [service.memento(0)]


@pytest.fixture
def copied(desk):
    with copying(lambda: desk.now) as service:
        yield lambda *kinds, **values: Copied(desk, service, *kinds, **values)


WAYS = {
    "bad": "it answered 400", "blocked": "error:blocked-url", "huge": "cannot be used",
    "image": "cannot be used", "nonsense": "not a JSON object", "other": "another address",
    "old": "not the time of this text",
}  # fmt: skip


@pytest.mark.few_cases
@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_or_a_lie_is_listed_with_its_reason_and_never_a_claim(copied, way):
    room = copied()
    room.service.ways.append(way)
    room.see()
    room.work()
    ((code, message),) = room.refusals()
    assert (code, room.addresses()) == ("copy_refused", [])
    assert WAYS[way] in message
    assert room.service.addresses() == [PAGE]
    assert room.desk.number("SELECT count(*) FROM versions") == 1


@pytest.mark.parametrize("way", ["429", "500", "denied", "busy"])
def test_a_page_is_submitted_again_after_an_archive_that_had_no_time(copied, way):
    room = copied()
    room.service.ways += [way, way]
    room.see()
    room.work()
    assert room.addresses() == [room.service.memento(0)]
    assert (room.service.addresses(), room.refusals()) == ([PAGE] * 3, [])


def test_the_pause_that_an_archive_asks_for_delays_all_its_requests(copied, monkeypatch):
    room = copied()
    room.service.ways.append("429")
    room.see()
    with without_pauses(3600.0) as asked:
        outside.work(room.desk.archive, room.settings)
        assert asked == [7.0]
        room.see("http://zeitung.example/zwei")
        outside.work(room.desk.archive, room.settings)
    assert room.service.addresses() == [PAGE, "http://zeitung.example/zwei"]


@pytest.mark.parametrize("way", ["hang", "lost"])
def test_a_page_without_an_answer_is_searched_for_and_never_sent_again(copied, way, monkeypatch):
    monkeypatch.setattr(outside, "SECONDS", 0.5)
    room = copied()
    room.service.ways.append(way)
    room.see()
    room.work()
    assert [code for code, _message in room.refusals()] == ["copy_uncertain"]
    assert (room.service.addresses(), room.addresses()) == ([PAGE], [])


def test_a_service_of_one_request_answers_with_the_headers_of_a_memento(copied):
    room = copied("submit")
    room.service.ways += [None, "other", "old"]
    for number in range(3):
        room.see(f"{PAGE}-{number}", page(f"Pegel {number}", [*PEGEL, f"Nummer {number}."]))
        room.work()
    assert room.addresses() == [room.service.memento(0)]
    assert [code for code, _message in room.refusals()] == ["copy_refused"] * 2
    assert {headers["Authorization"] for _url, headers in room.service.submissions} == {KEY}


def test_addresses_that_are_not_public_are_not_sent(copied):
    room = copied()
    text = page("Pegel der Lohe steigt", PEGEL)
    room.see(f"{PAGE}?token=abcdef")
    room.see("http://wiki.internal/pegel")
    room.see(f"{PAGE}/rechte", Reply(text, headers=(("X-Robots-Tag", "noarchive"),)))
    room.work()
    assert [code for code, _message in room.refusals()] == ["copy_withheld"] * 3
    reasons = " ".join(message for _code, message in room.refusals())
    for reason in ("contains a secret", "not public", "noarchive"):
        assert reason in reasons
    assert "abcdef" not in reasons
    assert room.service.submissions == []


def test_a_redacted_page_is_not_sent_and_the_address_of_its_copy_is_emptied(copied):
    room = copied()
    room.see()
    room.work()
    room.see(f"{PAGE}-zwei", page("Der Hafen", [*reversed(PEGEL)]))
    outside.store.plan(room.desk.archive.engine, room.desk.archive.clock)
    targets = [RedactionTarget(row["id"]) for row in room.desk.rows("SELECT id FROM article")]
    redact_articles(room.desk.archive, targets, RedactionReason.COURT_ORDER, actor="ada")
    room.work()
    assert room.service.addresses() == [PAGE]
    assert room.addresses() == []
    assert room.desk.number("SELECT count(*) FROM outside_copy WHERE address IS NULL") == 1


def test_only_the_current_text_of_a_page_is_submitted(copied):
    room = copied()
    room.see()
    outside.store.plan(room.desk.archive.engine, room.desk.archive.clock)
    room.desk.web.put(PAGE, page("Pegel der Lohe steigt", HIGHER))
    room.desk.due(at=2)
    room.work()
    assert len(room.service.submissions) == 1
    states = room.desk.rows("SELECT state, note FROM copy_request ORDER BY id")
    assert [row["state"] for row in states] == ["dropped", "copied"]
    assert json.dumps(states[0]["note"]) == '"the page has another text now"'


def test_the_requests_of_a_long_pause_are_inserted_in_batches(copied, monkeypatch):
    room = copied()
    for number in range(5):
        room.see(f"{PAGE}-{number}", page(f"Pegel {number}", [*PEGEL, f"Nummer {number}."]))
    monkeypatch.setattr(outside.store, "BATCH", 2)
    transactions = []

    @contextmanager
    def counted(*words):
        with writing(*words) as unit:
            before = count_requests(unit.connection)
            yield unit
            unit.flush()
            transactions.append(count_requests(unit.connection) - before)

    def count_requests(connection) -> int:
        return connection.execute(text("SELECT count(*) FROM copy_request")).scalar_one()

    monkeypatch.setattr(outside.store, "writing", counted)
    archive = room.desk.archive
    assert outside.store.plan(archive.engine, archive.clock) == 5
    assert transactions == [2, 2, 1]
    assert outside.store.plan(archive.engine, archive.clock) == 0
    room.work()
    assert sorted(room.service.addresses()) == [f"{PAGE}-{number}" for number in range(5)]


def test_what_brought_no_version_to_copy_is_not_examined_again(copied, monkeypatch):
    room = copied()
    room.see()
    room.work()
    room.desk.due(at=2)
    archive = room.desk.archive
    begin = int(room.desk.one("SELECT value FROM archive WHERE key = 'copies_planned'")["value"])
    monkeypatch.setattr(outside.store, "EXAMINE_AGAIN", 0)
    assert outside.store.plan(archive.engine, archive.clock) == 0
    planned = room.desk.one("SELECT value FROM archive WHERE key = 'copies_planned'")["value"]
    assert int(planned) > begin
