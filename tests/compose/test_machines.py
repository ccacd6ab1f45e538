"""Two machines: the stack on one, workers alone on the other, and replicas beside the primary.

`pytest -m compose`; needs Docker, the base images and faketime. Each machine is a compose project
in a network of its own. The commands are those of docs/more-machines.md.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.compose.stack import NOT_CLONED, ROOT, Stack, removed_at_end, wait_for

pytestmark = [pytest.mark.compose, pytest.mark.postgresql("fast")]

PAGE = (ROOT / "docs" / "more-machines.md").read_text("utf-8")
FIRST, SECOND = re.findall(
    r"^```sh\n(.*?)^```",
    PAGE.partition("\n## Workers on other machines\n")[2],
    re.MULTILINE | re.DOTALL,
)
STORM = " date 2024-06-18 Sturm über Lohetal\n\nDer Sturm hat 30 Bäume entwurzelt, sagte die Feuerwehr am Dienstag.\n\nVerletzt wurde niemand."
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
BEHIND = {
    "LD_PRELOAD": "/faketime.so",
    "FAKETIME": "-4m",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "NO_FAKE_STAT": "1",
}
GATEWAY = "{{(index .IPAM.Config 0).Gateway}}"
NETWORKS = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
COPY = 'for each; do :; done; for one; do [ "$one" = "$each" ] || cp "$FIRST/${one#first:lesart/}" "$each"; done'
"""Copies from one machine to the other, in place of scp."""


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_second_machine_takes_at_most_ten_commands():
    assert len((FIRST + SECOND).strip().splitlines()) <= 10


# --------------------------------------------------------------------- workers on another machine


class SecondMachine(Stack):
    """A folder with a copy of the repository, in which workers alone run, with a wrong clock."""

    def __init__(self, first: Stack, folder: Path) -> None:
        super().__init__("lesart-second-test", folder, folder / "lesart")
        self.root.mkdir()
        self.source, self.programs = folder / "source", folder / "programs"
        shutil.copytree(ROOT, self.source, ignore=NOT_CLONED)
        file = self.source / "docker-compose.worker.yml"
        told = yaml.safe_load(file.read_text())
        worker = told["services"]["worker"]
        worker["image"] = self.image
        worker["extra_hosts"] = [
            f"db.example:{docker('network', 'inspect', 'bridge', '-f', GATEWAY)}"
        ]
        worker["environment"] |= BEHIND | {"LESART_WORKER_FOLDERS": "true"}
        worker["volumes"] = [
            f"{first.seeds}:/seeds:ro", "./files:/files:ro", f"{FAKETIME}:/faketime.so:ro",
        ]  # fmt: skip
        file.write_text(yaml.safe_dump(told))
        self.programs.mkdir()
        for name, text in (("scp", COPY), ("git", f'cp -rT "{self.source}" lesart')):
            (self.programs / name).write_text(f"#!/bin/bash\n{text}\n")
            (self.programs / name).chmod(0o755)
        self.first = first

    @property
    def environment(self) -> dict[str, str]:
        found = super().environment
        return found | {
            "COMPOSE_FILE": str(self.root / "docker-compose.worker.yml"),
            "FIRST": str(self.first.root), "PATH": f"{self.programs}:{found['PATH']}",
        }  # fmt: skip

    def arrive(self) -> str:
        """Run the documented commands; return what the last one printed."""
        return self.shell(f"cd ..\n{SECOND}")


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, SecondMachine]]:
    folder = tmp_path_factory.mktemp("first")
    shutil.copytree(ROOT, folder / "lesart", ignore=NOT_CLONED)
    first = Stack("lesart-first-test", folder, folder / "lesart", "machines")
    first.configure({"LESART_EVERY": "2s"}, {"worker": {"scale": 0}})
    second = SecondMachine(first, tmp_path_factory.mktemp("second"))
    with removed_at_end(first, second):
        first.shell(FIRST)
        yield first, second


def test_a_worker_in_another_network_archives_with_a_clock_that_is_behind(machines):
    first, second = machines
    assert '"check":"archive"' in second.arrive().replace(" ", "")
    began = first.number("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint")
    first.write("sturm.txt", STORM)
    wait_for(lambda: first.number("SELECT count(*) FROM versions") == 1, seconds=600)
    here, there = (
        set(each.inspect(service, NETWORKS).split())
        for each, service in ((first, "postgres"), (second, "worker"))
    )
    assert here.isdisjoint(there)
    seen = f"FROM versions WHERE extract(epoch FROM changed_by) >= {began}"
    assert first.number(f"SELECT count(*) {seen} AND CAST(flags AS text) LIKE '%clock%'") == 1
    assert first.run("run", "--rm", "-T", "lesart", "verify").returncode == 0
    clocks = [x for x in first.lesart("doctor") if x["check"] == "clocks"]
    assert {x["state"] for x in clocks} == {"warning"}
    assert all("was 4 min behind" in x["message"] for x in clocks)


def test_the_clone_of_the_second_machine_takes_nothing_away(machines):
    first, second = machines
    for number in range(12):
        first.write(f"pegel{number}.txt", STORM.replace("30", f"3{number}"))
    wait_for(lambda: first.number("SELECT count(*) FROM articles") == 13, seconds=600)
    file = second.root / "docker-compose.worker.yml"
    told = yaml.safe_load(file.read_text())
    shipped = yaml.safe_load((ROOT / "docker-compose.worker.yml").read_text())
    worker, own = told["services"]["worker"], shipped["services"]["worker"]
    worker["environment"]["LESART_WORKER_FOLDERS"] = own["environment"]["LESART_WORKER_FOLDERS"]
    worker["volumes"] = [x for x in worker["volumes"] if not x.endswith(":/seeds:ro")]
    file.write_text(yaml.safe_dump(told))
    second.compose("up", "--wait", "--scale", "worker=2")
    first.configure({"LESART_EVERY": "2s"})
    first.compose("up", "--wait", "--scale", "worker=1")
    began = first.number("SELECT max(job) FROM jobs")
    scans = f"FROM jobs WHERE kind = 'ingest' AND state = 'done' AND job > {began}"
    wait_for(lambda: first.number(f"SELECT count(*) {scans}") >= 8, seconds=600)
    assert first.number("SELECT count(*) FROM articles WHERE state <> 'present'") == 0
    assert first.number("SELECT count(*) FROM versions") == 13
    assert not [x for x in first.lesart("doctor") if x["check"] == "folders"]


def test_nothing_reaches_the_first_machine_unencrypted(machines):
    first, _second = machines
    place = {"host": "127.0.0.1", "port": first.port, "user": "lesart_worker", "dbname": "lesart"}
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(**place, sslmode="disable", password="x")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(**place, sslmode="require", password="x")


# ------------------------------------------------------------------------------------- replicas


def test_the_page_reads_replicas_that_follow_the_primary(tmp_path):
    stack = Stack("lesart-replicas-test", tmp_path, ROOT, "replicas")
    with removed_at_end(stack):
        stack.compose("up", "--build", "--wait")
        stack.write("sturm.txt", STORM)
        wait_for(lambda: stack.number("SELECT count(*) FROM versions") == 1, seconds=600)
        found = [x for x in stack.lesart("doctor") if x["check"] == "replicas"]
        assert [each["state"] for each in found] == ["ok", "ok"]
        assert all("shows all commits" in each["message"] for each in found)
        stack.compose("stop", "postgres")
        shown = stack.shell(f"curl -s -i http://127.0.0.1:{stack.web_port}/api/articles")
        assert "Sturm über Lohetal" in shown
        assert json.loads(shown.splitlines()[-1])["items"]
        assert "lesart-state-age" in shown.lower()
        assert {stack.health(each) for each in ("replica1", "replica2")} == {"healthy"}
        (stack.seeds / "sturm.txt").unlink()
        stack.compose("rm", "--force", "postgres")
        docker("volume", "rm", f"{stack.project}_postgres")
        stack.run("up", "--wait")  # the copies of the archive that is gone are still there
        reason = "replica1 has a copy of another archive, which is not read"
        wait_for(lambda: reason in "".join(stack.logs("replica1", errors=True)))
        ended = stack.run("up", "--wait")
        assert (ended.returncode, "replica" in ended.stderr) == (1, True)
        wait_for(lambda: stack.health("replica1") == "unhealthy")  # between two attempts
        shown = stack.shell(f"curl -s http://127.0.0.1:{stack.web_port}/api/articles")
        assert "Sturm über Lohetal" not in shown, "the page reads the new archive alone"
        stack.compose("down", "--volumes")
        left = docker("volume", "ls", "--quiet", "--filter", f"name={stack.project}")
        assert not left.split()
