"""The server runs in parallel with the work and never blocks it."""

import asyncio
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import httpx
import psutil
import pytest

from storage.read.archive import ReadOnlyArchive
from storage.settings import load_settings
from storage.web.archives import ArchivePool, ServedArchive
from storage.web.replicas import ReplicaPools
from storage.web.server import bound
from storage.write.archive import Archive
from storage.write.tokens import add_token
from tests.flow.processes import until
from worker.errors import PortTakenError
from worker.services.rate_limit import RateLimit
from worker.services.web import BackgroundWebServer, host_and_port, worker_count

pytestmark = [
    pytest.mark.postgresql("large"),
    pytest.mark.traced_children,
    pytest.mark.starts_first,
]


@pytest.fixture
def settings(archive_url):
    return replace(load_settings(archive=archive_url), web_workers=1)


def free() -> str:
    with bound("127.0.0.1", 0) as listening:
        return f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_page_in_the_background_answers_from_its_start_to_its_stop(settings):
    address = free()
    page = BackgroundWebServer(replace(settings, web_address=address))
    page.start()
    assert httpx.get(f"http://{address}/readyz", timeout=30).text == "ok\n"
    assert httpx.get(f"http://{address}/sources", timeout=30).status_code == 200
    page.stop()
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://{address}/healthz", timeout=2)


def is_serving(process):
    try:
        return any("spawn_main" in word for word in process.cmdline())
    except psutil.NoSuchProcess:  # it ended, also where nobody has waited for it yet
        return False


@contextmanager
def many(settings):
    """Give the address of a page that two processes serve, and how to find them."""
    address, before = free(), psutil.Process().children()
    page = BackgroundWebServer(replace(settings, web_address=address, web_workers=2))
    page.start()

    def serving():
        started = [each for each in psutil.Process().children() if each not in before]
        return [each for each in started if is_serving(each)]

    try:
        yield f"http://{address}", serving
    finally:
        page.stop()
        until(lambda: serving() == [], what="the end of all processes")


def ask(url):
    return httpx.get(url, timeout=240)


def told_by(url, status):
    """Return how many answers with a status the server says it gave to `/api/sources`."""
    label = f'lesart_request_seconds_count{{route="/api/sources",status="{status}"}} '
    found = [each for each in ask(f"{url}/metrics").text.splitlines() if each.startswith(label)]
    return sum(float(each.removeprefix(label)) for each in found)


def test_an_answer_waits_for_no_acknowledgement_before_its_second_half_is_sent():
    async def sends_at_once() -> int:
        asked: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken = writer.get_extra_info("socket")
            asked.set_result(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = bound("127.0.0.1", 0)
        async with await asyncio.start_server(answer, sock=listening):
            _reader, writer = await asyncio.open_connection(*listening.getsockname())
            writer.close()
            return await asyncio.wait_for(asked, 10)

    assert asyncio.run(sends_at_once()) != 0


def test_who_is_awake_takes_one_connection_and_leaves_the_next_to_other_processes():
    with bound("127.0.0.1", 0) as listening, ExitStack() as held:
        address = listening.getsockname()
        for _ in range(2):
            held.enter_context(socket.create_connection(address))
        listening.setblocking(False)
        first, _ = listening.accept()
        held.enter_context(first)
        with pytest.raises(BlockingIOError):
            listening.accept()
        second, _ = listening.accept()
        held.enter_context(second)
        assert first.getpeername() != second.getpeername()


@pytest.mark.slow
def test_several_processes_serve_and_count_their_answers_together(settings):
    with many(settings) as (url, serving):
        assert ask(f"{url}/readyz").text == "ok\n"
        assert len(serving()) == 2
        with ThreadPoolExecutor(8) as readers:
            list(readers.map(ask, [f"{url}/api/sources"] * 40))
        assert {told_by(url, "2xx") for _ in range(8)} == {40}
        for number in range(12):
            answer = httpx.delete(
                f"{url}/api/sources?name=a", headers={"Authorization": "Bearer no"}, timeout=60
            )
            assert answer.status_code == (401 if number < 10 else 429)
        known = {"If-None-Match": ask(f"{url}/api/articles").headers["ETag"]}
        again = [httpx.get(f"{url}/api/articles", headers=known, timeout=60) for _ in range(8)]
        assert {each.headers["ETag"] for each in again} == set(known.values())


@pytest.mark.slow
def test_a_process_may_take_as_long_to_start_as_it_takes(settings, monkeypatch):
    """On a busy machine each one was replaced before it could say anything, for ever."""
    monkeypatch.setattr("storage.web.server.LIVES_SECONDS", 0.1)
    with many(settings) as (url, serving):
        begun = time.monotonic()
        while len(started := serving()) < 2 and time.monotonic() - begun < 60:
            time.sleep(0.01)
        assert ask(f"{url}/readyz").text == "ok\n"
        assert serving() == started


@pytest.mark.slow
def test_a_process_that_hangs_is_replaced(settings, monkeypatch):
    """Also one that hangs before its first answer; a busy machine may start it late."""
    monkeypatch.setattr("storage.web.server.STARTS_SECONDS", 60)
    with many(settings) as (url, serving):
        assert ask(f"{url}/readyz").text == "ok\n"
        before = set(serving())
        assert len(before) == 2
        monkeypatch.setattr("storage.web.server.LIVES_SECONDS", 2)
        for each in before:
            each.suspend()
        until(lambda: not before & set(serving()), what="the replacement of both processes")
        monkeypatch.undo()
        assert ask(f"{url}/readyz").text == "ok\n"


@pytest.mark.slow
def test_a_process_that_hangs_at_the_end_is_killed(settings):
    with many(settings) as (url, serving):
        assert ask(f"{url}/readyz").text == "ok\n"
        until(lambda: len(serving()) == 2, what="both processes")
        serving()[0].suspend()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_another_archive_under_the_same_path_is_served_and_no_answer_of_the_old_one(
    small_archive, workers
):
    settings = replace(load_settings(archive=str(small_archive)), web_workers=workers)
    address = free()
    page = BackgroundWebServer(replace(settings, web_address=address))
    page.start()
    url = f"http://{address}"
    try:
        old = [ask(f"{url}/api/articles") for _ in range(4)]
        assert all(each.json()["items"] for each in old)
        for each in small_archive.parent.glob(f"{small_archive.name}*"):
            each.unlink()
        gone = ask(f"{url}/api/articles")
        assert (gone.status_code, ask(f"{url}/healthz").status_code) == (503, 200)
        assert "Restore it" in gone.json()["detail"]
        Archive.open(str(small_archive)).close()
        known = {"If-None-Match": old[0].headers["ETag"]}
        new = [httpx.get(f"{url}/api/articles", headers=known, timeout=60) for _ in range(4)]
        assert [each.json()["items"] for each in new] == [[]] * 4
        with Archive.open(str(small_archive)) as archive:
            secret = add_token(archive, "bote", "write")
        ordered = httpx.post(
            f"{url}/api/sources", timeout=60, json={"locator": "https://bote.example/damm"},
            headers={"Authorization": f"Bearer {secret}"},
        )  # fmt: skip
        assert ordered.status_code == 201, ordered.text
        assert [each["locator"] for each in ask(f"{url}/api/sources").json()["items"]] == [
            "https://bote.example/damm"
        ]
    finally:
        page.stop()


@pytest.mark.slow
def test_an_interruption_is_for_who_started_the_processes(settings):
    """Ctrl-C reaches all of them at once: none may end by itself, with a trace, while it starts."""
    with many(settings) as (url, serving):
        begun = time.monotonic()
        while len(started := serving()) < 2 and time.monotonic() - begun < 60:
            time.sleep(0.01)
        for each in started:
            each.send_signal(signal.SIGINT)
        assert httpx.get(f"{url}/readyz", timeout=120).status_code == 200
        assert serving() == started


@pytest.mark.slow
@pytest.mark.postgresql("slow")
def test_a_process_that_was_killed_is_started_again_and_its_answers_still_count(settings):
    with many(settings) as (url, serving):
        ask(f"{url}/api/sources")
        before = serving()
        for each in before:
            each.kill()
        assert ask(f"{url}/api/sources").status_code == 200, "the socket outlives who serves it"
        assert told_by(url, "2xx") == 2
        assert len(serving()) == 2
        assert not set(serving()) & set(before)


def test_processes_that_share_a_file_give_leave_together(tmp_path):
    first, second = (RateLimit(2, lambda: 0.0, tmp_path / "leave") for _ in range(2))
    assert [first.wait("a"), second.wait("a"), first.wait("a")] == [0, 0, 30]
    assert second.wait("b") == 0


def test_the_setting_or_the_processors_up_to_four_give_the_number_of_processes(
    settings, monkeypatch
):
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: range(16))
    assert worker_count(settings) == 1
    assert worker_count(replace(settings, web_workers=None)) == 4


def test_a_taken_port_is_reported_and_up_goes_on_without_the_page(settings, capsys):
    from worker.cli.service_commands import _page

    with bound("127.0.0.1", 0) as listening:
        taken = replace(settings, web_address=f"127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(PortTakenError):
            BackgroundWebServer(taken)
        assert _page(taken) is None
    assert "scheduler and worker run without it" in capsys.readouterr().err


def test_an_address_falls_apart_into_host_and_port():
    assert host_and_port("0.0.0.0:80") == ("0.0.0.0", 80)


def test_a_cached_value_is_computed_by_one_thread_while_others_wait_or_use_the_old_one(archive_url):
    library, asked, may_end = ArchivePool(ServedArchive(archive_url)), [], threading.Event()

    def ask() -> int:
        asked.append(len(asked))
        assert may_end.wait(30)
        return len(asked)

    with ThreadPoolExecutor(4) as threads:
        first = [threads.submit(library.cached_value, "n", 60, ask) for _ in range(4)]
        may_end.set()
        assert {each.result() for each in first} == {1}
        may_end.clear()
        anew = threads.submit(library.cached_value, "n", 0, ask)
        while len(asked) < 2:
            time.sleep(0.01)
        assert library.cached_value("n", 0, ask) == 1, "what was said before, at once"
        may_end.set()
        assert anew.result() == 2
    library.close()


def test_all_requests_wait_until_the_replica_is_opened_for_the_first_time(archive_url, monkeypatch):
    place = ServedArchive(archive_url, replicas=archive_url)
    primary, opening, may_open = ArchivePool(place), threading.Event(), threading.Event()
    open_replica = ServedArchive.open_replica

    def open_later(self: ServedArchive) -> ReadOnlyArchive:
        opening.set()
        assert may_open.wait(30)
        return open_replica(self)

    monkeypatch.setattr(ServedArchive, "open_replica", open_later)
    pools = ReplicaPools(place, primary)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(pools.order, "/", 0)
        assert opening.wait(30)
        second = threads.submit(pools.order, "/", 0)
        with pytest.raises(TimeoutError):
            second.result(0.2)
        may_open.set()
        assert primary not in (first.result()[0], second.result()[0])
    pools.close()
    primary.close()
