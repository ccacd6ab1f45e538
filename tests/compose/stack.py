"""A compose project for tests: the files of the repository with images and ports of its own."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
OURS = ("secrets", "migrate", "web", "scheduler", "worker", "lesart", "restore")
"""The services that run the image of Lesart."""
OVERLAYS: Mapping[str, Sequence[str]] = {
    "browser": (),
    "database": (),
    "machines": ("certificate", "access"),
    "replicas": (),
}
"""The further compose files, and their services that run the image of Lesart."""
NOT_CLONED = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", "__pycache__", "*.egg-info", "bench", "tests", "seeds", "backups"
)
QUICK: Mapping[str, Any] = {"LESART_EVERY": "2s"}


class Stack:
    """One compose project: its name, its image, its ports, and its folder for `seeds/`."""

    def __init__(self, project: str, folder: Path, root: Path = ROOT, *overlays: str) -> None:
        self.project, self.folder, self.root, self.overlays = project, folder, root, overlays
        self.image = f"lesart:{project}"
        self.seeds = folder / "seeds"
        self.seeds.mkdir(exist_ok=True)
        self.seeds.chmod(0o755)
        self.port, self.web_port, self.broker_port = free_port(), free_port(), free_port()
        self.override = folder / "override.yml"
        self.configure(QUICK)

    def configure(self, environment: Mapping[str, Any], services: Mapping[str, Any] = {}) -> None:
        """Write the override file: `environment` for the services that work on the archive."""
        ours = (*OURS, *(name for each in self.overlays for name in OVERLAYS[each]))
        override: dict[str, dict[str, Any]] = {name: {"image": self.image} for name in ours}
        for name in ("scheduler", "worker", "lesart"):
            override[name] |= {
                "volumes": [f"{self.seeds}:/seeds:ro"],
                "environment": dict(environment),
            }
        self.override.write_text(yaml.safe_dump({"services": override | dict(services)}))

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which plain `docker compose …` addresses this project."""
        files = ("docker-compose.yml", *(f"docker-compose.{each}.yml" for each in self.overlays))
        return {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": ":".join(map(str, (*map(self.root.joinpath, files), self.override))),
            "COMPOSE_PROGRESS": "plain",
            "DATABASE_PORT": str(self.port),
            "WEB_PORT": str(self.web_port),
            "BROKER_PORT": str(self.broker_port),
        }

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `docker compose …` and return how it ended."""
        return subprocess.run(
            ["docker", "compose", *words],
            cwd=self.root, env=self.environment | environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def shell(self, block: str, **environment: str) -> str:
        """Run a block of the docs in the folder of the stack; it has to succeed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=self.root,
            env=self.environment | environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def compose(self, *words: str, published: bool = False, check: bool = True) -> str:
        """Run `docker compose …`, which has to succeed, and return its output."""
        more = {}
        if published:
            files = self.environment["COMPOSE_FILE"]
            more = {"COMPOSE_FILE": f"{files}:{self.root / 'docker-compose.database.yml'}"}
        done = self.run(*words, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def up(self) -> None:
        self.compose("up", "--wait")

    def lesart(self, *words: str) -> list[dict[str, Any]]:
        output = self.compose("run", "--rm", "-T", "lesart", *words)
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]

    def number(self, query: str) -> int:
        psql = ("exec", "-T", "postgres", "psql", "-U", "lesart", "-tAc")
        return int(self.compose(*psql, query))

    def write(self, name: str, text: str) -> None:
        part = self.seeds / f"{name}.part"
        part.write_text(text)
        part.rename(self.seeds / name)

    def health(self, service: str) -> str:
        return self.inspect(service, "{{.State.Health.Status}}")

    def inspect(self, service: str, form: str) -> str:
        """Return what `docker inspect` reports of a service's container, also if it has ended."""
        return self._docker(service, "inspect", "-f", form).strip()

    def logs(self, service: str, *, errors: bool = False) -> list[str]:
        """Return the lines on standard output of a service's container, or those of errors.

        `docker compose logs` puts control sequences between them.
        """
        return self._docker(service, "logs", errors=errors).splitlines()

    def _docker(self, service: str, *words: str, errors: bool = False) -> str:
        container = self.compose("ps", "--all", "-q", service).split()[0]
        done = subprocess.run(
            ["docker", *words, container], capture_output=True, text=True, check=True
        )
        return done.stderr if errors else done.stdout

    def act_ends(self) -> dict[str, float]:
        """Return when each periodic act of the scheduler last ended, by `/metrics` of the page."""
        address = f"http://127.0.0.1:{self.web_port}/metrics"
        with urllib.request.urlopen(address, timeout=60) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        now = time.time()
        return {
            sample.labels["act"]: now - sample.value
            for family in families
            for sample in family.samples
            if sample.name == "lesart_act_age_seconds"
        }

    def remove(self) -> None:
        """Remove the containers, networks, volumes and images of the project."""
        self.compose("--profile", "tools", "down", "--volumes", "--remove-orphans", check=False)
        for image in (self.image, f"{self.project}-settings", f"{self.project}-browser"):
            subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)


@contextmanager
def removed_at_end(*stacks: Stack) -> Iterator[None]:
    """Begin without remains of an earlier run, and leave none."""
    for stack in stacks:
        stack.remove()
    try:
        yield
    finally:
        for stack in stacks:
            stack.remove()


def wait_for(holds: Callable[[], bool], seconds: float = 180) -> None:
    """Poll until `holds`, and fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)
