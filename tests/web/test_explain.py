"""`lesart explain`: whether an address would be asked for now, and why or why not."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from storage.database.tables import HOST
from tests.collect.test_coverage import WALL
from tests.web.desk import PEGEL, A
from tests.web.site import Reply, page
from worker.cli.checks.explain import explain

ROBOTS = "https://zeitung.example/robots.txt"


@pytest.fixture
def ask(desk):
    """Give a function that explains an address, at the time that it is."""
    desk.now = datetime.now(UTC)

    def asked(address=A, robots=None) -> dict[str, str]:
        answers = explain(desk.settings, address, robots)
        assert answers[-1].check == "fetch"
        return {each.check: each.state for each in answers} | {
            f"{each.check} reason": each.reason for each in answers
        }

    return asked


def test_an_address_that_nothing_speaks_against_would_be_fetched(desk, ask):
    desk.web.put(A, page("Pegel", PEGEL))
    told = ask()
    assert [told[c] for c in ("address", "server", "robots", "pace", "schedule", "fetch")] == [
        "yes"
    ] * 6
    assert "named in allow_hosts" in told["server reason"]
    assert [each.path for each in desk.web.requests] == ["/robots.txt"]


def test_explaining_writes_nothing(desk, ask):
    ask()
    assert desk.number("SELECT count(*) FROM host") == 0
    assert desk.number("SELECT count(*) FROM observation") == 0


def test_the_rule_of_robots_txt_is_reported(desk, ask, tmp_path):
    desk.web.put(
        ROBOTS, Reply(b"User-agent: *\nDisallow: /lokales\nCrawl-delay: 7", type="text/plain")
    )
    told = ask()
    assert (told["robots"], told["fetch"]) == ("no", "no")
    assert "Disallow: /lokales" in told["robots reason"]
    assert "7 s" in told["robots reason"]
    other = tmp_path / "robots.txt"
    other.write_text("User-agent: Lesart\nAllow: /\n")
    assert ask(robots=other)["fetch"] == "yes"


@pytest.mark.parametrize(
    ("address", "check"),
    [("ftp://zeitung.example/", "address"), ("https://ada:geheim@zeitung.example/", "address"),
     ("https://127.0.0.1/", "server"), ("http://[::1]/", "server")],
)  # fmt: skip
def test_a_right_that_needs_no_request_is_reported_without_one(desk, ask, address, check):
    told = ask(address)
    assert (told[check], told["fetch"]) == ("no", "no")
    assert desk.web.requests == []
    assert "geheim" not in str(told)


def test_a_server_that_is_left_alone_is_for_later(desk, ask):
    desk.web.put(A, Reply(b"", 429, (("Retry-After", "3600"),)))
    desk.fetch(A)
    told = ask()
    assert (told["pace"], told["fetch"]) == ("later", "later")
    assert "429" in told["pace reason"]


def test_who_watches_it_and_when_is_reported(desk, ask):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.watch_page(A, name="pegel")
    desk.due()
    told = ask()
    assert "watched by pegel" in told["schedule reason"]
    assert "next check" in told["schedule reason"]


def test_without_an_archive_the_rest_is_reported(desk, tmp_path):
    import dataclasses

    desk.web.put(A, page("Pegel", PEGEL))
    elsewhere = dataclasses.replace(desk.settings, database_url=str(tmp_path / "none.sqlite3"))
    answers = {each.check: each for each in explain(elsewhere, A)}
    assert (answers["schedule"].reason, answers["fetch"].state) == ("there is no archive", "yes")


@pytest.mark.parametrize(
    ("address", "check"),
    [("https://nirgends.invalid/a", "server"), ("https://127.0.0.2.example/a", "server")],
)
def test_an_unanswered_query_leaves_the_right_unknown(ask, address, check):
    told = ask(address)
    assert (told[check], told["fetch"]) == ("unknown", "unknown")
    assert told["fetch reason"] == f"not known: {told[f'{check} reason']}"


def test_a_robots_txt_that_does_not_answer_leaves_it_unknown(desk, ask):
    desk.web.put(ROBOTS, Reply(pieces=[(0.0, b"")]))
    told = ask()
    assert (told["server"], told["robots"], told["fetch"]) == ("yes", "unknown", "unknown")


def test_a_no_counts_for_more_than_an_unknown_answer(desk, ask):
    desk.web.put(A, Reply(b"", 429, (("Retry-After", "3600"),)))
    desk.fetch(A)
    desk.archive.engine.dispose()
    with desk.archive.unit() as unit:
        unit.connection.execute(text("UPDATE host SET robots_fetched_at = NULL"))
    desk.web.put(ROBOTS, Reply(pieces=[(0.0, b"")]))
    told = ask()
    assert (told["robots"], told["fetch"]) == ("unknown", "later")


@pytest.mark.parametrize(("state", "code"), [("yes", 0), ("no", 1), ("later", 1), ("unknown", 4)])
def test_the_exit_code_states_the_result(monkeypatch, tmp_path, state, code):
    from storage.cli.exits import run
    from worker.cli.checks import explain as module
    from worker.cli.commands import app

    monkeypatch.setattr(
        module, "explain", lambda *_: [module.CheckAnswer("fetch", state, "so it is")]
    )
    monkeypatch.setenv("LESART_HOME", str(tmp_path))
    assert run(app, ["explain", A, "--archive", str(tmp_path / "none.sqlite3")]) == code


def test_the_outcome_of_the_last_check_is_reported(desk, ask):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.watch_page(A, name="pegel")
    desk.due()
    assert "last: content at" in ask()["schedule reason"]
    desk.web.put(A, page("Zustimmung", [WALL]))
    desk.look(desk.archive.source("pegel"))
    assert "last: blocked at" in ask()["schedule reason"]


@pytest.mark.slow
@pytest.mark.parametrize("hours", [1, 24, 480, 9600])
def test_a_time_of_a_server_stored_by_a_fast_clock_is_not_used(desk, ask, hours):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.web.put(ROBOTS, Reply(b"User-agent: *\nDisallow: /", type="text/plain"))
    desk.now = datetime.now(UTC) + timedelta(hours=hours)
    desk.fetch(A)
    with desk.archive.engine.begin() as connection:
        late = {"late": desk.now + timedelta(days=7)}
        connection.execute(HOST.update().values(retry_until=late["late"], next_at=late["late"]))
    desk.web.put(ROBOTS, Reply(b"User-agent: *\nAllow: /", type="text/plain"))
    told = ask()
    assert (told["robots"], told["pace"], told["fetch"]) == ("yes", "yes", "yes")
