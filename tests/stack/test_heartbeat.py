"""A service beats as long as it makes progress, and no longer."""

import logging
import os
import threading
import time
from types import SimpleNamespace

import pytest

from worker.services.heartbeat import SILENT_SECONDS, Heartbeat
from worker.services.schedule.act import LATE_SECONDS
from worker.services.schedule.scheduler import ACTS, Scheduler


@pytest.fixture
def heartbeat(tmp_path):
    found = Heartbeat(tmp_path / "home", "worker")
    found.begin()
    return found


def ago(seconds, *paths):
    for path in paths:
        os.utime(path, (time.time() - seconds,) * 2)


def beats(heartbeat):
    heartbeat.path.unlink(missing_ok=True)
    heartbeat.beat()
    return heartbeat.path.exists()


def test_who_has_nothing_to_do_beats(heartbeat):
    ago(10 * SILENT_SECONDS, heartbeat._answered)
    assert beats(heartbeat)


def test_who_gets_an_answer_to_each_claim_beats(heartbeat):
    for _ in range(3):
        heartbeat.record_claim()
        heartbeat.record_answer()
        assert beats(heartbeat)


def test_a_claim_without_an_answer_stops_the_heartbeat_until_there_is_one(heartbeat):
    heartbeat.record_claim()
    assert beats(heartbeat), "it may come yet"
    ago(SILENT_SECONDS + 5, heartbeat._answered)
    heartbeat.record_claim()
    assert not beats(heartbeat)
    heartbeat.record_answer()
    assert beats(heartbeat)


def test_a_new_process_does_not_live_on_the_beats_of_the_one_before(heartbeat):
    heartbeat.beat()
    heartbeat.record_claim()
    ago(SILENT_SECONDS + 5, heartbeat._answered)
    heartbeat.begin()
    assert not heartbeat.path.exists()
    assert beats(heartbeat)


def test_a_folder_that_cannot_be_written_ends_no_one(tmp_path):
    (tmp_path / "file").write_text("")
    found = Heartbeat(tmp_path / "file", "worker")
    found.record_claim()
    found.record_answer()
    found.beat()
    assert not found.path.exists()


@pytest.fixture
def scheduler(room):
    with Scheduler(room.archive, room.settings, SimpleNamespace(), lambda _queue: 0) as found:
        yield found


def test_the_scheduler_beats_by_its_sweeps(scheduler, monkeypatch):
    scheduler._leads = True
    assert not scheduler.heartbeat.path.exists()
    scheduler.sweep()
    assert scheduler.heartbeat.path.exists()
    scheduler.heartbeat.path.unlink()
    monkeypatch.setattr(
        scheduler._wake_ups, "depth", lambda _queue: (_ for _ in ()).throw(OSError("no broker"))
    )
    scheduler.monitor.with_error_handling(scheduler.sweep)()
    assert not scheduler.heartbeat.path.exists()


def test_a_scheduler_that_waits_for_its_turn_beats_too(room, scheduler, monkeypatch):
    monkeypatch.setattr(scheduler.leadership, "holds", lambda: False)
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.run, args=[stop])
    thread.start()
    end = time.monotonic() + 240
    while not scheduler.heartbeat.path.exists() and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    thread.join(240)
    assert scheduler.heartbeat.path.exists()


def test_a_sweep_that_is_skipped_is_no_warning_and_a_minute_without_one_is(
    scheduler, caplog, capsys
):
    running = threading.Event()
    scheduler._ticking.add_job(lambda: running.wait(2.0), "interval", seconds=0.05)
    with caplog.at_level(logging.INFO):
        time.sleep(0.5)
    running.set()
    assert [each for each in caplog.records if "skipped" in each.getMessage()] == []
    scheduler.monitor.warn_of_late(ACTS)
    assert "periodic_act_late" not in capsys.readouterr().err
    scheduler.monitor.ended = {act.name: time.monotonic() for act in ACTS}
    scheduler.monitor.ended["sweep"] -= 0.5 + LATE_SECONDS + 1
    scheduler.monitor.warn_of_late(ACTS)
    scheduler.monitor.warn_of_late(ACTS)
    assert capsys.readouterr().err.count("periodic_act_late") == 1
