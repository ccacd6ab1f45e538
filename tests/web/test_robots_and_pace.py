"""What sites ask of programs: robots.txt, a pace, to be left alone for a while."""

import threading
from urllib.parse import urlsplit

import pytest

from storage.schedule.hosts import take_slots
from storage.values.verdict import Counts
from storage.write.archive import Archive
from tests.flow.driver import hour
from tests.web.desk import PEGEL, A
from tests.web.site import Reply, page, redirect
from worker.flow.order import order, target_at
from worker.flow.run_jobs import run_next_job

ROBOTS = "https://zeitung.example/robots.txt"


def robots(text: str | bytes, status: int = 200, **more) -> Reply:
    raw = text.encode() if isinstance(text, str) else text
    return Reply(raw, status, type="text/plain", **more)


RULES = {
    "none": (robots("", 404), True),
    "gone": (robots("", 410), True),
    "forbidden": (robots("", 403), True),
    "asked too often": (robots("", 429), True),
    "a server error": (robots("", 500), False),
    "down": (robots("", 503), False),
    "hangs up": (Reply(pieces=[(0.0, b"")]), False),
    "breaks off": (Reply(pieces=[(0.0, b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nUser-agent")]), False),
    "empty": (robots(""), True),
    "all forbidden": (robots("User-agent: *\nDisallow: /"), False),
    "a byte order mark": (robots("\ufeffUser-agent: *\nDisallow: /"), False),
    "the longest match": (robots("User-agent: *\nDisallow: /lokales\nAllow: /lokales/pegel"), True),
    "a wildcard": (robots("User-agent: *\nDisallow: /*/pegel$"), False),
    "our name": (robots("User-agent: *\nDisallow: /\n\nUser-agent: lesart\nAllow: /"), True),
    "our name forbidden": (robots("User-agent: Lesart\nDisallow: /\n\nUser-agent: *\nAllow: /"), False),
    "no newline at the end": (robots("User-agent: *\nDisallow: /lokales"), False),
    "600 KB": (robots("User-agent: *\nDisallow: /lokales\n" + "# nichts\n" * 66_000), False),
    "a page instead": (Reply(page("Die Zeitung", PEGEL)), True),
    "five redirects": (redirect("/robots1.txt"), False),
}  # fmt: skip


@pytest.mark.few_cases
@pytest.mark.parametrize("kind", RULES)
def test_robots_txt_decides_by_the_standard(desk, kind):
    reply, allowed = RULES[kind]
    desk.web.put(A, page("Pegel", PEGEL))
    desk.web.put(ROBOTS, reply)
    for n in range(1, 5):
        desk.web.put(f"https://zeitung.example/robots{n}.txt", redirect(f"/robots{n + 1}.txt"))
    desk.web.put("https://zeitung.example/robots5.txt", robots("User-agent: *\nDisallow: /"))
    counts = desk.fetch(A)
    assert (len(desk.web.asked("/lokales/pegel")) > 0) is allowed
    assert counts == (Counts(new_articles=1) if allowed else counts)
    if not allowed:
        assert counts.refused + counts.failed == 1
        assert desk.outcomes(A)[-1] in {"disallowed_by_robots", "unreachable"}


def test_a_refused_robots_txt_means_no_where_that_is_wanted(database_url, tmp_path):
    from tests.web.desk import desk_at

    with desk_at(database_url, tmp_path, robots_strict="true") as desk:
        desk.web.put(A, page("Pegel", PEGEL))
        desk.web.put(ROBOTS, robots("", 403))
        assert desk.fetch(A) == Counts(refused=1)
        assert desk.codes() == ["disallowed_by_robots"]


def test_robots_txt_is_kept_for_a_day_and_asked_for_again_after_it(desk):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.web.put(ROBOTS, robots("User-agent: *\nAllow: /"))
    for moment in (1, 2, 24.5, 26):
        desk.fetch(A, at=moment)
    assert len(desk.web.asked("/robots.txt")) == 2
    desk.web.put(ROBOTS, robots("User-agent: *\nDisallow: /lokales"))
    desk.fetch(A, at=60)
    assert desk.article(A)["state"] == "blocked"
    rights = desk.rows("SELECT rights FROM transfer WHERE rights IS NOT NULL ORDER BY id")
    assert next(r["rights"]["robots"]["reason"] for r in rights if r["rights"].get("robots"))
    (last,) = desk.rows("SELECT note FROM observations WHERE outcome = 'disallowed_by_robots'")
    assert "Disallow: /lokales" in last["note"]


def test_robots_txt_itself_is_kept(desk):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.web.put(ROBOTS, robots("User-agent: *\nDisallow: /intern\n"))
    desk.fetch(A)
    (row,) = desk.rows("SELECT outcome, raw_digest FROM observations WHERE origin = :o", o=ROBOTS)
    assert row["outcome"] == "content"
    assert row["raw_digest"]


@pytest.mark.slow
def test_a_site_that_asks_for_a_delay_gets_it(desk):
    for n in range(3):
        desk.web.put(f"{A}-{n}", page(f"Pegel {n}", [f"{n}. {PEGEL[0]}", *PEGEL[1:]]))
    desk.web.put(ROBOTS, robots("User-agent: *\nCrawl-delay: 0.4"))
    desk.fetch(*(f"{A}-{n}" for n in range(3)))
    moments = [each.moment for each in desk.web.requests]
    assert moments[-1] - moments[0] > 3 * 0.4 / 2  # whoever is slow takes longer, never less


def test_a_command_does_not_wait_for_a_site_that_asks_for_hours_between_requests(desk):
    for n in range(3):
        desk.web.put(f"{A}-{n}", page(f"Pegel {n}", [f"{n}. {PEGEL[0]}", *PEGEL[1:]]))
    desk.web.put(ROBOTS, robots("User-agent: *\nCrawl-delay: 7200"))
    counts = desk.fetch(*(f"{A}-{n}" for n in range(3)))
    assert counts.failed == 3
    query = "SELECT DISTINCT outcome, note FROM observations WHERE outcome <> 'content'"
    told = desk.rows(query)
    assert [row["outcome"] for row in told] == ["rate_limited"]
    assert "asks for 7200 s between requests; the next one is possible at" in told[0]["note"]


@pytest.mark.slow
def test_the_pace_holds_for_all_workers_together(desk):
    for n in range(12):
        desk.web.put(f"{A}-{n}", page(f"Pegel {n}", [f"{n}. {PEGEL[0]}", *PEGEL[1:]]))
    object.__setattr__(desk.settings, "pace", 0.2)
    jobs = [
        order(desk.archive, [target_at(desk.archive, desk.settings, f"{A}-{n}")], "command")
        for n in range(12)
    ]

    def work() -> None:
        with Archive.open(desk.url, clock=lambda: desk.now) as archive:
            for job in jobs:
                run_next_job(archive, desk.settings, desk.reader, families=job)
                run_next_job(archive, desk.settings, desk.reader, families=job)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    for job in jobs:
        desk.done(job)
    moments = sorted(each.moment for each in desk.web.requests)
    assert len(moments) >= 13
    assert moments[-1] - moments[0] > (len(moments) - 1) * 0.2 / 2


def test_moments_are_given_out_once(desk):
    first = desk.archive.transact_unnumbered(take_slots, {"https://a:443": (3, 1.0)}, 5.0)[
        "https://a:443"
    ]
    second = desk.archive.transact_unnumbered(take_slots, {"https://a:443": (1, 1.0)}, 5.0)[
        "https://a:443"
    ]
    late = desk.archive.transact_unnumbered(take_slots, {"https://a:443": (1, 1.0)}, 1.0)[
        "https://a:443"
    ]
    assert (first.count, first.wait) == (3, 0.0)
    assert 2.5 < second.wait <= 3.0
    assert (late.count, late.wait > 3.0) == (0, True)


def test_retry_after_is_kept_and_the_rest_of_the_site_left_alone(desk):
    watched = [f"{A}-{n}" for n in range(3)]
    for each in watched:
        desk.web.put(each, page(f"Pegel {each[-1]}", [f"{each[-1]}. {PEGEL[0]}", *PEGEL[1:]]))
        desk.watch_page(each)
    assert desk.due(at=1).new_articles == 3
    before = len(desk.web.asked())
    for each in watched:
        desk.web.put(each, Reply(b"", 429, (("Retry-After", "7200"),)))
    assert desk.due(at=2) == Counts(failed=1)
    assert len(desk.web.asked()) == before + 1
    assert desk.due(at=3) == Counts()
    assert len(desk.web.asked()) == before + 1
    for each in watched:
        desk.web.put(each, page(f"Pegel {each[-1]}", [f"{each[-1]}. {PEGEL[0]}", *PEGEL[1:]]))
    assert desk.due(at=4.5).unchanged == 3
    assert desk.outcomes().count("rate_limited") == 1


def test_a_server_that_fails_is_left_alone_for_longer_each_time(desk):
    desk.web.put(A, Reply(pieces=[(0.0, b"")]))
    desk.web.put(ROBOTS, robots("", 404))
    desk.watch_page(A)
    waits = []
    for _ in range(4):
        desk.due()
        host = desk.one(
            "SELECT failures, retry_until FROM host WHERE key = 'https://zeitung.example:443'"
        )
        waits.append(host["failures"])
        desk.now = hour(24 * (len(waits) + 1) * 3)
    assert waits == [1, 2, 3, 4]
    desk.web.put(A, page("Pegel", PEGEL))
    desk.due()
    host = desk.one(
        "SELECT failures, retry_until FROM host WHERE key = 'https://zeitung.example:443'"
    )
    assert (host["failures"], host["retry_until"]) == (0, None)


def test_a_slow_server_does_not_keep_others_waiting(desk):
    others_arrived = threading.Event()
    has_waited = []

    def wait_for_others(_request):
        has_waited.append(others_arrived.wait(60))
        return Reply(page("Bote", PEGEL))

    desk.web.put("https://bote.example/a", wait_for_others)
    for n in range(3):
        desk.web.put(f"{A}-{n}", page(f"Pegel {n}", [f"{n}. {PEGEL[0]}", *PEGEL[1:]]))

    def count_others(request):
        if request.path == f"{urlsplit(A).path}-2":
            others_arrived.set()

    desk.web.on_request = count_others
    desk.fetch("https://bote.example/a", *(f"{A}-{n}" for n in range(3)))
    assert has_waited == [True]
