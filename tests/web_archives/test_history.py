"""`lesart ingest --history` as a process, against web archives on the simulated web."""

import gzip
import json
import threading
from datetime import UTC, datetime

import pytest

from storage.schedule import queue
from tests.flow.driver import findings, seed
from tests.flow.processes import Service, lesart, rows, until
from tests.services import free_port
from tests.web.desk import HIGHER, PEGEL
from tests.web.site import Reply, page, redirect, simulated_web
from tests.web_archives.history_archive import Captured, HistoryArchive, stored
from worker.flow.history import listing

URL = "https://zeitung.example/lohe/pegel"
OLD = page("Pegel der Lohe steigt", PEGEL)
NEW = page("Pegel der Lohe steigt", HIGHER)


@pytest.fixture
def web(tmp_path):
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as found:
        yield found


@pytest.fixture
def settings(web, tmp_path):
    yield {"home": str(tmp_path / "home"), "ca_file": str(web.ca_file), "pace": "0.01s"}
    database = tmp_path / "home" / "lesart.sqlite3"
    broken = findings(f"sqlite:///{database}") if database.exists() else []
    assert broken == [], broken


def archived(web, settings, *archives: str) -> dict[str, str]:
    """Return the settings with these web archives."""
    return {**settings, "allow_hosts": web.allow_hosts(), "web_archives": ", ".join(archives)}


def at(hour: int) -> str:
    return f"20240618{hour:02}0000"


HISTORY = (
    Captured(at(8), URL, OLD),
    Captured(at(9), URL, OLD),
    Captured(at(10), URL, NEW),
    Captured(at(11), URL, b"weg", status=404),
    Captured(at(12), URL, OLD),
    Captured(at(13), URL, b"GIF89a", type="image/gif"),
)


def test_a_dry_run_lists_the_captures_of_a_period_and_stores_nothing(web, settings, tmp_path):
    archive = HistoryArchive(web, "eins.example", HISTORY, page_rows=2)
    given = archived(web, settings, archive.cdx_setting)
    words = ("--from", "2024-06-18T09:00", "--to", "2024-06-18T12:00", "--at-most", "3")
    listed = rows(tmp_path, "ingest", "--history", URL, *words, "--dry-run", **given)
    assert [(row["observed_at"][11:13], row["http_status"]) for row in listed] == [
        ("10", 200), ("11", 404), ("12", 200),
    ]  # fmt: skip
    assert {row["stored"] for row in listed} == {False}
    assert {row["web_archive"] for row in listed} == {"eins"}
    assert archive.fetched() == []
    assert rows(tmp_path, "list", **given) == []


@pytest.mark.parametrize("kind", ["cdx", pytest.param("timemap", marks=pytest.mark.slow)])
def test_a_history_is_imported_with_the_name_of_its_archive(kind, web, settings, tmp_path):
    archive = HistoryArchive(web, "eins.example", HISTORY, as_rows=True)
    setting = archive.cdx_setting if kind == "cdx" else archive.timemap_setting
    given = archived(web, settings, setting)
    done = lesart(tmp_path, "ingest", "--history", URL, **given)
    assert done.returncode == 0, done.stderr
    history = rows(tmp_path, "history", URL, **given)
    assert [row["first_seen"][11:13] for row in history] == ["08", "10", "12"]
    assert [row["last_seen"][11:13] for row in history] == ["09", "10", "12"]
    observed = rows(tmp_path, "observations", URL, **given)
    assert {(row["foreign"], row["note"][:16]) for row in observed} == {(True, "captured by eins")}
    assert [row["outcome"] for row in observed if row["observed_at"][11:13] == "11"] == ["gone"]
    (article,) = rows(tmp_path, "list", "--source", "eins", **given)
    assert article["origin"] == URL
    fetched = archive.fetched()
    assert (at(9) in fetched) is (kind == "timemap")  # a TimeMap states no digests
    again = lesart(tmp_path, "ingest", "--history", URL, "--format", "json", **given)
    assert again.returncode == 0, again.stderr
    (summary,) = json.loads(again.stdout)
    assert summary["unchanged"] == summary["seen"] == len(observed)
    assert [each for each in archive.fetched()[len(fetched) :] if each != at(13)] == []


@pytest.mark.slow
def test_each_failure_of_an_archive_has_a_code_and_stops_no_other(web, settings, tmp_path):
    one = (Captured(at(8), URL, OLD),)
    good = HistoryArchive(web, "gut.example", one)
    liar = HistoryArchive(web, "luege.example", (Captured(at(9), URL, NEW, listed_body=OLD),))
    cut = HistoryArchive(web, "halb.example", one)
    web.put("http://halb.example/cdx", Reply(b'{"timestamp": "20240618080000", "ur'))
    short = HistoryArchive(web, "kurz.example", one)
    web.put("http://kurz.example/cdx", Reply(b"", headers=(("Content-Length", "99"),), closes=True))
    moved = HistoryArchive(web, "umzug.example", one)
    web.put("http://umzug.example/cdx", redirect("https://neu.example/cdx"))
    other = HistoryArchive(web, "anders.example", one)
    web.put(other.address(one[0]), Captured(at(7), URL, OLD).reply)
    gone = HistoryArchive(web, "weg.example", one)
    web.put(gone.address(one[0]), redirect("http://weg.example/c/2024"))
    busy = HistoryArchive(web, "voll.example", one)
    web.put("http://voll.example/cdx", Reply(b"", 429, (("Retry-After", "7200"),)))
    barred = HistoryArchive(web, "zu.example", one)
    web.put(
        "http://zu.example/robots.txt", Reply(b"User-agent: *\nDisallow: /c/\n", type="text/plain")
    )
    empty = HistoryArchive(web, "leer.example")
    listed = (good, liar, cut, short, moved, other, gone, busy, barred, empty)
    port = free_port()
    down = f"aus=cdx http://127.0.0.1:{port}/cdx http://127.0.0.1:{port}/{{timestamp}}id_/{{url}}"
    given = archived(web, settings, *(each.cdx_setting for each in listed), down)
    given["allow_hosts"] += f",127.0.0.1:{port}"
    done = lesart(tmp_path, "ingest", "--history", URL, **given)
    assert done.returncode == 1, done.stderr
    refused = rows(tmp_path, "refusals", **given)
    codes = {row["source"]: row["code"] for row in refused}
    assert codes == {
        "halb": "capture_list_invalid", "kurz": "capture_list_invalid",
        "umzug": "history_failed", "voll": "history_failed", "aus": "history_failed",
        "anders": "capture_unavailable", "weg": "capture_unavailable",
        "zu": "history_failed",
    }  # fmt: skip
    assert all(row["hint"] and row["message"].endswith(".") for row in refused)
    observed = rows(tmp_path, "observations", URL, **given)
    assert [row["note"] for row in observed] == ["captured by gut", "captured by luege"]
    flags = [rows(tmp_path, "show", f"{URL}@{number}", **given)[0]["flags"] for number in (1, 2)]
    assert ["digest_mismatch" in each for each in flags] == [False, True]
    words = ("redact", URL, "--addresses", "--reason", "gdpr_erasure")
    redacted = lesart(tmp_path, *words, **given)
    assert redacted.returncode == 0, redacted.stderr
    left = rows(tmp_path, "refusals", **given)
    assert not [row for row in left if "pegel" in f"{row['locator']} {row['message']}"]
    assert "pegel" not in json.dumps(rows(tmp_path, "sql", "SELECT * FROM jobs", **given))


SAME = ("http://www.zeitung.example:80/lohe/pegel", f"{URL}/", f"{URL}?utm_source=feed")
OTHERS = (
    "http://127.0.0.1/admin", "https://anders.example/lohe/pegel", "https://zeitung.example/lohe",
    "https://zeitung.example/lohe/pegel?seite=2", "https://zeitung.example@anders.example/lohe/pegel",
    "https://anders.example/?url=https://zeitung.example/lohe/pegel", "file:///etc/hostname",
    "http://zeitung.example:99999/lohe/pegel", "https://x.zeitung.example/lohe/pegel",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cdx", "timemap"])
def test_a_list_is_believed_about_the_requested_address_only(kind, web, settings, tmp_path):
    urls = (*SAME, *OTHERS)
    captures = [Captured(at(8 + number), url, OLD) for number, url in enumerate(urls)]
    archive = HistoryArchive(web, "eins.example", captures, is_liar=True)
    web.put(f"http://{archive.host}/map/{URL}", archive._timemap)
    setting = archive.cdx_setting if kind == "cdx" else archive.timemap_setting
    given = archived(web, settings, setting)
    words = ("ingest", "--history", URL)
    dry = lesart(tmp_path, *words, "--dry-run", "--format", "json", **given)
    assert {row["url"] for row in json.loads(dry.stdout)} == set(SAME)
    assert "lists captures of another address than the requested one" in dry.stderr
    done = lesart(tmp_path, *words, **given)
    assert done.returncode == 1, done.stderr
    assert len(set(archive.fetched())) == len(SAME)
    (refused,) = rows(tmp_path, "refusals", **given)
    assert (refused["code"], refused["source"]) == ("capture_address_differs", "eins")
    assert f": {len(OTHERS)}, the first of {OTHERS[0]}." in refused["message"]
    origins = {row["origin"] for row in rows(tmp_path, "list", **given)}
    assert origins
    assert all("zeitung.example/lohe/pegel" in origin for origin in origins)


def test_no_captures_are_refused_with_the_names_of_the_archives(web, settings, tmp_path):
    empty = HistoryArchive(web, "leer.example")
    given = archived(web, settings, empty.cdx_setting)
    done = lesart(tmp_path, "ingest", "--history", URL, **given)
    assert done.returncode == 1, done.stderr
    (refused,) = rows(tmp_path, "refusals", **given)
    assert (refused["code"], refused["locator"]) == ("no_captures", URL)
    assert "leer" in refused["message"]


@pytest.mark.slow
def test_a_pause_that_the_archive_requests_is_respected(web, settings, tmp_path):
    archive = HistoryArchive(web, "eins.example", HISTORY[:3])
    moments: list[float] = []

    def limited(request):
        moments.append(request.moment)
        if len(moments) == 1:
            return Reply(b"", 429, (("Retry-After", "2"),))
        return HISTORY[0].reply

    web.put(archive.address(HISTORY[0]), limited)
    given = archived(web, settings, archive.cdx_setting)
    done = lesart(tmp_path, "ingest", "--history", URL, "--format", "json", **given)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["seen"] == 3
    assert moments[1] - moments[0] >= 1.0  # times in the archive have whole seconds


@pytest.mark.parametrize("kind", ["cdx", "timemap"])
def test_a_list_of_too_many_captures_or_attributes_is_refused(
    kind, web, settings, tmp_path, monkeypatch
):
    archive = HistoryArchive(web, "eins.example", HISTORY)
    monkeypatch.setattr(listing, "MOST_CAPTURES", len(HISTORY) - 1)
    given = archived(
        web, settings, archive.cdx_setting if kind == "cdx" else archive.timemap_setting
    )
    assert lesart(tmp_path, "ingest", "--history", URL, **given).returncode == 1
    (many,) = rows(tmp_path, "refusals", **given)
    assert f"more than {len(HISTORY) - 1} captures" in many["message"]
    attributes = gzip.compress(f"<{URL}>{';a=b' * 4_000_000}".encode())
    assert len(attributes) < 20_000
    web.put(
        f"http://eins.example/{'cdx' if kind == 'cdx' else f'map/{URL}'}",
        Reply(attributes, headers=(("Content-Encoding", "gzip"),)),
    )
    assert lesart(tmp_path, "ingest", "--history", URL, **given).returncode == 1
    other = [row for row in rows(tmp_path, "refusals", **given) if row["job"] != many["job"]]
    assert {row["code"] for row in (many, *other)} == {"capture_list_invalid"}
    assert archive.fetched() == []


def test_an_import_that_fails_at_its_list_requests_it_three_times(
    web, settings, tmp_path, monkeypatch
):
    archive = HistoryArchive(web, "eins.example", HISTORY)

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(listing, "parse_cdx", fail)
    monkeypatch.setattr(queue, "BACKOFF_SECONDS", (0.0,))
    given = archived(web, settings, archive.cdx_setting)
    assert lesart(tmp_path, "ingest", "--history", URL, **given).returncode == 1
    assert len(archive.lists) == 3
    (job,) = rows(tmp_path, "jobs", **given)
    assert (job["state"], job["attempts"], job["reason"][:11]) == ("quarantined", 3, "MemoryError")


@pytest.mark.slow
def test_a_killed_import_continues_without_fetching_stored_captures_again(web, settings, tmp_path):
    captures = [
        Captured(f"202406{day:02}080000", URL, page(f"Tag {day}", PEGEL)) for day in range(1, 9)
    ]
    archive = HistoryArchive(web, "eins.example", captures)
    is_killed = threading.Event()

    def held(_request):
        is_killed.wait(300)
        return captures[5].reply

    web.put(archive.address(captures[5]), held)
    given = archived(web, settings, archive.cdx_setting)
    command = Service(tmp_path, "ingest", "--history", URL, **given)
    command.log = tmp_path / "ingest.log"
    command.start()
    try:
        until(lambda: stored(tmp_path) == 5, what="the captures before the kill")
        command.kill()
    finally:
        is_killed.set()
        command.end()
    until(lambda: len(archive.fetched()) == 6, what="the request that was interrupted")
    before = archive.fetched()
    assert before == [each.timestamp for each in captures[:6]]
    done = lesart(tmp_path, "ingest", "--history", URL, "--format", "json", **given)
    assert done.returncode == 0, done.stderr
    (summary,) = json.loads(done.stdout)
    assert (summary["seen"], summary["resumed"]) == (8, True)
    assert archive.fetched()[len(before) :] == [each.timestamp for each in captures[5:]]
    assert len(rows(tmp_path, "observations", URL, **given)) == 8


def is_checked(folder, given: dict[str, str]) -> bool:
    """Check whether the archive itself fetched the address."""
    return not all(row["foreign"] for row in rows(folder, "observations", URL, **given))


@pytest.mark.slow
def test_a_source_with_its_history_does_not_block_other_jobs(web, settings, tmp_path):
    captures = [
        Captured(f"2023{month:02}{day:02}080000", URL, page(f"Tag {month}.{day}", PEGEL))
        for month in range(1, 13)
        for day in range(1, 29)
    ]
    archive = HistoryArchive(web, "eins.example", captures)
    web.put(URL, page("Pegel der Lohe steigt", HIGHER))
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    given = archived(web, settings, archive.cdx_setting) | {
        "pace": "1s", "seeds": str(seeds), "every": "1s",
        "document_seconds": "0.9s", "batch_seconds": "1s",
    }  # fmt: skip
    up = Service(tmp_path, "up", "--no-web", **given)
    up.start()
    try:
        done = lesart(tmp_path, "source", "add", URL, "--history", **given)
        assert done.returncode == 0, done.stderr
        until(lambda: stored(tmp_path) > 0, what="the first stored captures")
        (seeds / "a.txt").write_text(seed("Deich hält", *PEGEL))
        until(lambda: len(rows(tmp_path, "list", **given)) == 2, what="the article of the folder")
        until(lambda: is_checked(tmp_path, given), what="the check of the address itself")
        assert len(archive.fetched()) < len(captures)
    finally:
        up.end()


@pytest.mark.slow
def test_an_encoded_capture_is_stored_as_transferred(web, settings, tmp_path):
    capture = Captured(at(8), URL, gzip.compress(OLD, mtime=0))
    archive = HistoryArchive(web, "eins.example", (capture,))
    web.put(archive.address(capture), capture.reply.with_header("Content-Encoding", "gzip"))
    given = archived(web, settings, archive.cdx_setting)
    done = lesart(tmp_path, "ingest", "--history", URL, **given)
    assert done.returncode == 0, done.stderr
    (shown,) = rows(tmp_path, "show", URL, **given)
    assert shown["text"].startswith(PEGEL[0])
    assert "digest_mismatch" not in shown["flags"]
    raw = tmp_path / "raw.html"
    assert lesart(tmp_path, "raw", URL, "-o", str(raw), **given).returncode == 0
    assert raw.read_bytes() == OLD


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--history", "artikel/"), "address"),
        (("--history", URL, "--web-archive", "keins"), "keins"),
        (("--history", URL, "--source", "presse"), "--source"),
        (("--history", URL, "--every", "oft"), "oft"),
        ((URL, "--dry-run"), "--history"),
    ],
)
def test_wrong_options_are_named(words, reason, settings, tmp_path):
    done = lesart(tmp_path, "ingest", *words, **settings)
    assert done.returncode == 2
    assert reason in done.stderr
