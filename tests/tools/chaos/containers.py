"""The stack of docker-compose.yml, in a project of its own, as the stack of a run."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.alerts.receivers import Receiver, receiving
from tests.compose.stack import NOT_CLONED, ROOT, removed_at_end, wait_for
from tests.compose.stack import Stack as Project
from tests.tools.chaos.breakable import (
    FAKETIME,
    JUMPS,
    WrongClock,
    extract,
    previous_release,
)
from tests.tools.chaos.stack import LONG_LIMITS, SETTINGS, Act, killing

OURS = ("scheduler", "worker", "web")
STORES = ("postgres", "redis")
KINDS = (
    *(f"{act} {service}" for act in ("kill", "process", "replace", "pause", "disconnect")
      for service in (*OURS, *STORES)),
    *(f"child of {service}" for service in ("worker", "web")),
    "clock", "clock", "clock", "flush", "ingest", "ingest",
)  # fmt: skip
LONGEST_PAUSE_SECONDS = 20.0
LONGEST_WITHOUT_NETWORK_SECONDS = 10.0
STARTS_SECONDS = 600.0
DAMAGE_OF_STOPPING = ("is not running", "No such container", "is not connected", "already")
"""What the engine says of a container that ended meanwhile, or is there again."""


class ComposeStack:
    """Containers that the engine starts again if they die; what is killed by `docker kill`, or
    replaced, is started again as a person does it.
    """

    parts = "/parts"
    kinds = KINDS

    def __init__(self, folder: Path, receiver: Receiver, project: Project) -> None:
        self.folder, self.receiver, self.project = folder, receiver, project
        self.faults: list[str] = []
        self.is_previous = True
        self._clocks = {
            name: WrongClock(_folder(folder / "clocks" / name) / "now") for name in OURS
        }
        self._restarts = dict.fromkeys((*OURS, *STORES), 0)
        self._password = ""

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.project.web_port}"

    @property
    def url(self) -> str:
        """The address of PostgreSQL's container, which it gets at each start."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        limits = "connect_timeout=5&tcp_user_timeout=5000"
        addresses = _docker("inspect", "-f", form, self._container("postgres")).split()
        host = addresses[0] if addresses else "127.0.0.1"  # it is not connected: nobody answers
        return f"postgresql://lesart:{self._password}@{host}/lesart?{limits}"

    def _container(self, service: str) -> str:
        return f"{self.project.project}-{service}-1"

    # --------------------------------------------------------------------- begin and end

    def prepare(self) -> None:
        self._configure()
        self.project.up()
        psql = ("exec", "-T", "postgres", "cat", "/secrets/postgres/owner")
        self._password = self.project.compose(*psql)

    def _configure(self) -> None:
        """Write the settings, and have the clocks of our processes follow files."""
        place = Path("/clock")
        given = {
            **SETTINGS,
            **LONG_LIMITS,
            "allow_hosts": f"{self.receiver.host}:{self.receiver.port}",
        }
        settings = {f"LESART_{name.upper()}": value for name, value in given.items()}
        folders = [f"{self.folder / name}:/{name}:ro" for name in ("seeds", "parts")]
        services: dict[str, Mapping[str, Any]] = {
            "lesart": {"image": self.project.image, "environment": settings, "volumes": folders}
        }
        for name, clock in self._clocks.items():
            mounted = [f"{FAKETIME}:/faketime.so:ro", f"{clock.path.parent}:{place}:ro"]
            services[name] = {
                "image": self.project.image,
                "environment": settings | clock.variables(Path("/faketime.so"), place / "now"),
                "volumes": folders + mounted,
            }
        self.project.configure({}, services)

    def start(self) -> None:
        """They were started to make the archive."""

    def run(self, *words: str) -> None:
        self.project.compose("run", "--rm", "-T", "lesart", *words)

    def ingesting(self, number: int) -> "ContainerCommand":
        return ContainerCommand(self.project, self.folder, number)

    def upgrade(self, killed_after: float) -> None:
        """Do what docs/administration.md says, and kill the migration of the schema once."""
        self.set_clocks_right()
        backups = _folder(self.folder / "backups")
        backups.chmod(0o777)
        self.project.compose(
            "run", "--rm", "-T", "-v", f"{backups}:/backups", "lesart", "backup", "/backups"
        )
        self._count_restarts()
        _put_program(self.project.root, ROOT)
        self.project.compose("build")
        migrate = self._container("migrate")
        before = _docker("inspect", "-f", "{{.Id}}", migrate)
        starting = subprocess.Popen(
            ["docker", "compose", "up", "--wait"], cwd=self.project.root,
            env=self.project.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        form = "{{.Id}} {{.State.StartedAt}}"
        wait_for(
            lambda: (
                starting.poll() is not None
                or _is_started(_docker("inspect", "-f", form, migrate), before)
            ),
            STARTS_SECONDS,
        )
        time.sleep(killed_after)
        _docker("kill", migrate)
        starting.wait(STARTS_SECONDS)
        self.project.compose("up", "--build", "--wait")
        self.is_previous = False

    def set_clocks_right(self) -> None:
        for clock in self._clocks.values():
            clock.set("+0")

    def restarts(self) -> dict[str, int]:
        self._count_restarts()
        return self._restarts

    def _count_restarts(self, *services: str) -> None:
        """Count those since the last time: the engine forgets them with the container."""
        for each in services or self._restarts:
            told = _docker("inspect", "-f", "{{.RestartCount}}", self._container(each)).strip()
            self._restarts[each] += int(told or 0)

    def orphans(self) -> int:
        """Return how many containers of commands are left."""
        ours = f"label=com.docker.compose.project={self.project.project}"
        left = _docker(
            "ps", "-aq", "--filter", ours, "--filter", "label=com.docker.compose.oneoff=True"
        )
        return len(left.split())

    def end(self) -> None:
        """They go on until the project is removed: the checker asks the database."""

    def verify(self) -> subprocess.CompletedProcess[str]:
        return self.project.run("run", "--rm", "-T", "lesart", "verify", "--format", "json")

    # -------------------------------------------------------------------------- faults

    def targets(self, pick: float) -> dict[str, list[Act]]:
        acts: dict[str, Callable[[str, float], None]] = {
            "kill": self._kill, "replace": self._replace, "pause": self._pause,
            "disconnect": self._disconnect,
        }  # fmt: skip
        targets: dict[str, list[Act]] = {
            f"{name} {service}": [lambda act=act, service=service: act(service, pick)]
            for name, act in acts.items()
            for service in (*OURS, *STORES)
        }
        for service in (*OURS, *STORES):
            first, *others = self._processes(service) or [None]
            targets[f"process {service}"] = [killing(first)] if first else []
            targets[f"child of {service}"] = [killing(each) for each in others]
        targets["clock"] = [
            lambda clock=clock: clock.set(JUMPS[int(pick * 97) % len(JUMPS)])
            for clock in self._clocks.values()
        ]
        targets["flush"] = [self._flush]
        return targets

    def _processes(self, service: str) -> list[psutil.Process]:
        """Return the processes of a container, that of the service first: the init has it as child."""
        pid = int(_docker("inspect", "-f", "{{.State.Pid}}", self._container(service)) or 0)
        with suppress(psutil.NoSuchProcess):
            if pid:
                return psutil.Process(pid).children(recursive=True)
        return []

    def _kill(self, service: str, _pick: float) -> None:
        self._count_restarts(service)
        _docker("kill", self._container(service))
        _docker("start", self._container(service))

    def _replace(self, service: str, _pick: float) -> None:
        self._count_restarts(service)
        self.project.compose("up", "--detach", "--force-recreate", "--no-deps", service)

    def _pause(self, service: str, pick: float) -> None:
        _docker("pause", self._container(service))
        time.sleep(LONGEST_PAUSE_SECONDS * pick)
        _docker("unpause", self._container(service))

    def _disconnect(self, service: str, pick: float) -> None:
        network = f"{self.project.project}_stores"
        _docker("network", "disconnect", network, self._container(service))
        time.sleep(LONGEST_WITHOUT_NETWORK_SECONDS * pick)
        _docker("network", "connect", "--alias", service, network, self._container(service))

    def _flush(self) -> None:
        words = "REDISCLI_AUTH=$(cat /secrets/redis/password) redis-cli flushall"
        self.project.run("exec", "-T", "redis", "sh", "-c", words)


class ContainerCommand:
    """`docker compose run lesart ingest …`, in a container with a name of its own."""

    def __init__(self, project: Project, folder: Path, number: int) -> None:
        self._project, self._number = project, number
        self._log = folder / f"ingest-{number}.log"
        self._tries = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def _name(self) -> str:
        return f"{self._project.project}-ingest-{self._number}-{self._tries}"

    def start(self) -> None:
        self._tries += 1
        words = [
            "run",
            "--rm",
            "-T",
            "--name",
            self._name,
            "lesart",
            "ingest",
            f"/parts/{self._number}",
        ]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                ["docker", "compose", *words], cwd=self._project.root,
                env=self._project.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Kill the container; before it is there, or after its end, nothing happens."""
        _docker("kill", self._name)

    def end(self) -> None:
        _docker("rm", "--force", self._name)
        if self.process is not None:
            self.process.wait()

    def told(self) -> str:
        return self._log.read_text(errors="replace")

    def children(self) -> list[psutil.Process]:
        return []  # it waits for the workers


def missing() -> list[str]:
    """Return what a run in containers needs, and is not there."""
    if shutil.which("docker") is None:
        return ["docker (Docker with its compose plugin)"]
    asked = (("version", "an engine of Docker that answers"), ("compose version", "docker compose"))
    return [
        what
        for words, what in asked
        if subprocess.run(["docker", *words.split()], capture_output=True, check=False).returncode
    ]


def _docker(*words: str) -> str:
    """Run `docker …`; a container may have ended meanwhile, or not be there any more."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode and not any(each in done.stderr for each in DAMAGE_OF_STOPPING):
        raise AssertionError(f"docker {' '.join(words)}: {done.stderr}")
    return done.stdout


def _is_started(told: str, before: str) -> bool:
    """Return whether a container is another one than before, and was started."""
    number, _, at = told.strip().partition(" ")
    return bool(number) and number != before.strip() and not at.startswith("0001")


def _put_program(root: Path, source: Path | None = None) -> None:
    """Put the program into a checkout: that of the previous release, or that of a folder."""
    for name in ("lesart", "storage", "worker"):
        shutil.rmtree(root / name, ignore_errors=True)
    if source is None:
        extract(previous_release(), root)
    else:
        shutil.copytree(source, root, ignore=NOT_CLONED, dirs_exist_ok=True)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


@contextmanager
def containers(folder: Path, script: Callable[[], str | None]) -> Iterator[ComposeStack]:
    """Give a project of docker-compose.yml, which is removed at the end."""
    folder.chmod(0o755)
    project = Project(f"lesart-chaos-{os.getpid()}", folder, _folder(folder / "checkout"))
    with ExitStack() as resources:
        resources.enter_context(removed_at_end(project))
        _put_program(project.root)
        project.compose("build")
        project.compose("create")
        form, network = "{{(index .IPAM.Config 0).Gateway}}", f"{project.project}_outside"
        gateway = _docker("network", "inspect", "-f", form, network).strip()
        receiver = resources.enter_context(receiving(script, gateway))
        yield ComposeStack(folder, receiver, project)
