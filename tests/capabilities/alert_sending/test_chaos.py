"""A sender is killed between sending and recording, repeatedly; each message counts once."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.alerts.receivers import receiving
from tests.capabilities.alert_sending.conftest import pegel

pytestmark = pytest.mark.starts_first

ROOT = Path(__file__).resolve().parents[2]
STEPS, KILLS = 12, 4


@pytest.mark.postgresql("large")
@pytest.mark.chaos
@pytest.mark.slow
def test_who_is_killed_while_sending_loses_nothing_and_doubles_no_id(press, tmp_path):
    chance, running, kills = Random(5), [], [0]

    def script() -> str | None:
        if kills[0] < KILLS and chance.random() < 0.4:
            kills[0] += 1
            os.kill(running[-1].pid, signal.SIGKILL)
            return "lost"  # the receiver has it, the sender never hears of that
        return None

    names = [f"t{number}" for number in range(STEPS)]
    press.scan(0, **{name: pegel(3, title=name) for name in names})
    with receiving(script) as receiver:
        press.alert("hafen", ("webhook", receiver.url))
        press.scan(1, **{name: pegel(36, title=name) for name in names})
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "LESART_DATABASE_URL": press.url,
            "LESART_HOME": str(tmp_path), "LESART_ALLOW_HOSTS": f"127.0.0.1:{receiver.port}",
        }  # fmt: skip
        for _ in range(KILLS * 3):
            command = [sys.executable, "-m", "worker", "worker", "--drain"]
            running.append(subprocess.Popen(command, env=environment, cwd=tmp_path))
            running[-1].wait(120)
            if all(each.state == "sent" for each in press.log()) and press.log():
                break
            with press.archive.engine.begin() as connection:
                connection.exec_driver_sql("UPDATE alert_delivery SET next_at = 0")
    assert kills[0] == KILLS
    log = press.log()
    assert [each.state for each in log] == ["sent"] * STEPS
    came = {headers["webhook-id"] for headers, _body in receiver.requests}
    assert len(came) == STEPS
    assert {number.rpartition("_")[2] for number in came} == {str(each.id) for each in log}
