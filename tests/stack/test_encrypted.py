"""A worker on another machine: TLS with certificates that are verified, and a clock of its own."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import services
from tests.flow.driver import seed
from tests.flow.processes import Service, lesart, rows, until

WITH_TLS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
REDIS = shutil.which("redis-server")
"""The servers of the system: those that pip installs for the tests have no TLS."""
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class EncryptedPostgres(services.PostgresServer):
    def command(self) -> list[str]:
        told = {"listen_addresses": "127.0.0.1", "port": str(self.port), "ssl": "on",
                "ssl_cert_file": f"{self.folder}/cert.pem", "ssl_key_file": f"{self.folder}/key.pem"}  # fmt: skip
        return [*super().command(), *(part for k, v in told.items() for part in ("-c", f"{k}={v}"))]

    @property
    def port(self) -> int:
        return 20_000 + os.getpid() % 10_000  # the name of its socket has it, too

    def url(self, database: str) -> str:
        return f"{super().url(database)}&port={self.port}"


class EncryptedRedis(services.RedisServer):
    def command(self) -> list[str]:
        told = ("--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no")
        files = ("cert-file", "key-file", "ca-cert-file")
        names = ("cert.pem", "key.pem", "ca.pem")
        tls = [
            x
            for f, n in zip(files, names, strict=True)
            for x in (f"--tls-{f}", str(self.folder / n))
        ]
        return [*super().command(), *told, *tls]

    @property
    def url(self) -> str:
        ca = f"ssl_ca_certs={self.folder}/ca.pem"
        return f"rediss://:{self.password}@localhost:{self.port}/0?ssl_cert_reqs=required&{ca}"


def write_certificates(folder: Path, *, user: int | None = None) -> None:
    """Write an authority and a certificate for localhost into a folder."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    (folder / "extensions").write_text(
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:false\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    key = ("-newkey", "rsa:2048", "-nodes", "-subj")
    usage = ("-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-x509", *key, "/CN=own", "-keyout", "ca.key", "-out", "ca.pem", *usage)
    openssl("req", "-new", *key, "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
    openssl(
        "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-extfile", "extensions", "-out", "cert.pem",
    )  # fmt: skip
    (folder / "key.pem").chmod(0o600)
    if user is not None:
        shutil.chown(folder / "key.pem", pwd.getpwuid(user).pw_name)


@pytest.fixture
def encrypted() -> Iterator[tuple[EncryptedPostgres, EncryptedRedis]]:
    with ExitStack() as stack, services.own_postgres() as plain, services.own_redis() as redis:
        plain.stop()
        redis.stop()
        shutil.rmtree(plain.folder / "data")
        postgres = EncryptedPostgres(plain.folder, WITH_TLS[-1].parent, plain.user)
        postgres.initialise()
        broker = EncryptedRedis(redis.folder, REDIS)
        write_certificates(postgres.folder, user=postgres.user)
        write_certificates(broker.folder)
        for each in (postgres, broker):
            each.start()
            stack.callback(each.stop)
        yield postgres, broker


@pytest.mark.skipif(
    not (WITH_TLS and REDIS),
    reason="the servers of the tests have no TLS; install postgresql, redis",
)
@pytest.mark.slow
@pytest.mark.stack
def test_a_worker_on_another_machine_verifies_the_certificates(encrypted, tmp_path):
    postgres, broker = encrypted
    place = f"postgresql://postgres@localhost:{postgres.port}/postgres?sslmode=verify-full"
    settings = {
        "database_url": f"{place}&sslrootcert={postgres.folder}/ca.pem", "broker_url": broker.url,
    }  # fmt: skip
    assert lesart(tmp_path, "db", "upgrade", **settings).returncode == 0
    (tmp_path / "pegel.txt").write_text(seed("Pegel", "Der Pegel stieg."), "utf-8")
    (tmp_path / "far").mkdir()
    running = [
        Service(tmp_path, "scheduler", **settings),
        Service(tmp_path / "far", "worker", **settings),
    ]
    if FAKETIME:
        running[1].variables = {
            "LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": "+4m", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
    for each in running:
        each.start()
    try:
        lesart(tmp_path, "ingest", "pegel.txt", **settings)
        until(lambda: rows(tmp_path, "list", **settings), what="the text")
    finally:
        for each in running:
            each.end()
    clocks = [x for x in rows(tmp_path, "doctor", **settings) if x["check"] == "clocks"]
    assert [x["state"] for x in clocks] == ["warning" if FAKETIME else "ok"]
    assert FAKETIME == [] or "was 4 min ahead" in clocks[0]["message"]
    foreign = {
        "database_url": f"{place}&sslrootcert={broker.folder}/ca.pem",
        "broker_url": broker.url.replace(str(broker.folder), str(postgres.folder)),
    }
    told = rows(tmp_path, "doctor", **foreign)
    assert {each["check"] for each in told if each["state"] == "broken"} >= {"archive", "broker"}
