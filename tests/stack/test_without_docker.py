"""The page "PostgreSQL and Redis without Docker", by its own commands on a server of the tests.

What needs systemd or a system user is left out: units are checked by `systemd-analyze`.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests import services
from tests.flow.processes import LESART, environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "without-docker.md").read_text("utf-8")
TEXT = " date 2024-06-18 Sturm über Lohetal\n\nDer Sturm hat 30 Bäume entwurzelt, sagte die Feuerwehr am Dienstag."
FOREIGN = re.compile(
    r"(?:chown|chgrp|apt-get|useradd|systemctl|journalctl|/opt/lesart/bin/pip)\b.*\n"
)
"""Lines for a system user, a package or systemd."""

pytestmark = [pytest.mark.slow, pytest.mark.stack, pytest.mark.postgresql("slow")]


def blocks(heading: str, language: str = "sh") -> list[str]:
    section = re.split(r"^## ", PAGE.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


class Machine:
    """A folder in place of `/`, with the two servers that the page installs."""

    def __init__(self, folder: Path, postgres: services.PostgresServer, redis: str) -> None:
        self.folder, self.postgres, self.redis = folder, postgres, redis
        for each in ("etc", "usr/local/bin", "var/lib/lesart"):
            (folder / each).mkdir(parents=True)

    def here(self, text: str) -> str:
        """Return commands of the page with the places and the servers of this machine."""
        text = FOREIGN.sub("", text)
        text = re.sub(r"runuser -u \w+ -- ", "", re.sub(r"(install -d.*) -o \w+", r"\1", text))
        text = text.replace("/opt/lesart/bin/lesart", shlex.join(LESART))
        text = re.sub(
            r"(?<![\w.])/(?=etc/lesart|usr/local|var/lib/lesart)", f"{self.folder}/", text
        )
        text = text.replace("redis://127.0.0.1:6379/0", self.redis)
        return text.replace("@127.0.0.1/lesart", f"@/lesart?host={self.postgres.folder}")

    @contextmanager
    def service(self, name: str) -> Iterator[None]:
        """Run what the unit runs, with its settings."""
        command = [str(self.folder / "usr/local/bin/lesart"), name]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment(), stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait()

    def shell(self, text: str) -> str:
        programs = f"{self.folder}/usr/local/bin:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(text)],
            env=environment() | {"PATH": programs, "PGHOST": str(self.postgres.folder), "PGUSER": "postgres"},
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    if shutil.which("psql") is None:
        pytest.skip("there is no psql")
    with ExitStack() as stack:
        postgres = stack.enter_context(services.own_postgres())
        redis = stack.enter_context(services.own_redis())
        machine = Machine(tmp_path_factory.mktemp("machine"), postgres, redis.url)
        for block in (*blocks("Roles"), *blocks("Settings")):
            machine.shell(block)
        for service in ("scheduler", "worker"):
            stack.enter_context(machine.service(service))
        yield machine


def test_the_roles_and_the_settings_of_the_page_make_an_archive(machine):
    (machine.folder / "var/lib/lesart/seeds/sturm.txt").write_text(TEXT)
    machine.shell("lesart ingest /var/lib/lesart/seeds")
    assert "Sturm über Lohetal" in machine.shell("lesart list")
    assert "Sturm über Lohetal" in machine.shell('lesart sql "SELECT title FROM articles"')
    url = machine.postgres.url("lesart")
    with psycopg.connect(url) as connection:
        owners = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        settings = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'lesart%' AND rolcanlogin ORDER BY 1"
        ).fetchall()
    assert owners == [("lesart",)]
    assert [row[0] for row in settings] == [
        "lesart",
        "lesart_page",
        "lesart_reader",
        "lesart_worker",
    ]
    modes = {
        name: (machine.folder / "etc/lesart" / name).stat().st_mode & 0o077
        for name in ("passwords", "lesart.env")
    }
    assert modes == {"passwords": 0, "lesart.env": 0o040}
    found = machine.shell("lesart doctor --format jsonl || true")
    assert '"check": "broker", "state": "ok"' in found
    assert '"check": "sql", "state": "broken"' not in found


def test_a_role_of_ones_own_is_told_what_to_grant_and_works_with_it(machine):
    def ada(words: str) -> subprocess.CompletedProcess[str]:
        url = f"postgresql://ada@/lesart?host={machine.postgres.folder}"
        named = environment(database_url=url)
        return subprocess.run([*LESART, *words.split()], env=named, capture_output=True, text=True, check=False)  # fmt: skip

    machine.shell("psql -c 'CREATE ROLE ada LOGIN' lesart")
    refused = ada("list")
    assert refused.returncode != 0
    assert "`GRANT lesart_page TO` it" in refused.stderr
    assert "`lesart db roles`" in refused.stderr
    machine.shell("psql -c 'GRANT lesart_page TO ada' lesart")
    shown = ada("list")
    assert (shown.returncode, "Traceback" in shown.stderr) == (0, False), shown.stderr


def test_the_backup_and_the_upgrade_of_the_page(machine):
    for block in (*blocks("Back up"), *blocks("Upgrade")):
        machine.shell(block)
    (backup,) = (machine.folder / "var/lib/lesart/backups").iterdir()
    assert machine.shell(f"lesart list --archive {backup}") == machine.shell("lesart list")


def test_the_unit_is_valid(machine, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    (unit,) = blocks("Services", "ini")
    assert "EnvironmentFile=/etc/lesart/lesart.env" in unit
    program = shutil.which("true")
    text = unit.replace("/opt/lesart/bin/lesart", str(program)).replace("User=lesart", "User=root")
    for name in ("scheduler", "worker", "web"):
        file = tmp_path / f"lesart@{name}.service"
        file.write_text(text)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(file)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        told = [line for line in done.stderr.splitlines() if file.name in line]
        assert (done.returncode, told) == (0, []), done.stderr
