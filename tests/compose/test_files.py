"""The compose files keep their promises: confined containers, stores inside, no file to write."""

import json
import os
import re
import runpy
import shutil
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from storage.settings import SETTINGS, SettingsError
from worker.capabilities.browser_pages.browser import FLAGS
from worker.services.heartbeat import Heartbeat

pytestmark = pytest.mark.postgresql("fast")

ROOT = Path(__file__).resolve().parents[2]
STACK = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OVERLAYS = {
    name: yaml.safe_load(re.sub(r"!(reset|override)", "", file.read_text()))
    for name in ("browser", "database", "machines", "replicas")
    for file in [ROOT / f"docker-compose.{name}.yml"]
}
"""The files beside that of the stack, by name, without the tags of Compose."""
PUBLISHED = OVERLAYS["database"]
SERVICES = {name: each for name, each in STACK["services"].items() if each.get("scale") != 0}
"""The services that have a container; `settings` is built only."""
LONG_RUNNING = ("postgres", "redis", "scheduler", "worker", "web")
ONE_SHOT = ("secrets", "migrate")
TOOLS = ("lesart", "restore")

each_service = pytest.mark.parametrize("name", SERVICES)


def test_a_worker_elsewhere_is_the_worker_of_the_stack():
    elsewhere = yaml.safe_load((ROOT / "docker-compose.worker.yml").read_text())
    (name,) = elsewhere["services"]
    worker, told = SERVICES[name], elsewhere["services"][name]
    others = {"environment", "volumes", "build", "networks", "depends_on", "pull_policy"}
    assert {k: v for k, v in told.items() if k not in others} == {
        k: v for k, v in worker.items() if k not in others
    }
    assert told["environment"].keys() == worker["environment"].keys() | {"LESART_WORKER_FOLDERS"}
    mounted = {each for each in worker["volumes"] if each.startswith("./")}
    assert {*told["volumes"]} == mounted - {"./seeds:/seeds:ro"}, "a clone has folders of its own"
    assert told["build"] == STACK["services"]["secrets"]["build"]


@pytest.mark.parametrize(("line", "value"), [("", "false"), ("LESART_WORKER_FOLDERS=true", "true")])
def test_a_worker_elsewhere_reads_folders_only_if_it_shares_them(line, value, tmp_path):
    (tmp_path / ".env").write_text(f"{line}\n")
    shutil.copyfile(ROOT / "docker-compose.worker.yml", tmp_path / "docker-compose.yml")
    worker = composed(tmp_path)["services"]["worker"]
    assert worker["environment"]["LESART_WORKER_FOLDERS"] == value


def test_the_services_are_the_ones_that_are_documented():
    assert set(SERVICES) == {*LONG_RUNNING, *ONE_SHOT, *TOOLS}
    assert set(STACK["services"]) == {*SERVICES, "settings"}


OURS = {
    name: each for name, each in SERVICES.items() if name not in {"postgres", "redis", "secrets"}
}
"""The services that read the settings."""
WITHHELD = {"LESART_MAIL_URL", "LESART_WEB_ARCHIVE_KEYS"}
"""Passwords that only the services get that send something."""
CHECK = ROOT / "docker" / "settings.py"
PLACED = {f"LESART_{name}" for name in runpy.run_path(str(CHECK))["OWN"]} - {"LESART_IMAGE"}
"""Settings that the stack sets itself."""


def test_each_setting_in_the_file_reaches_each_service(tmp_path):
    named = {f"LESART_{key.upper()}": f"wert-{key}" for key in SETTINGS}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in named.items()))
    shutil.copyfile(ROOT / "docker-compose.yml", tmp_path / "docker-compose.yml")
    services = composed(tmp_path, "--profile", "tools")["services"]
    for name in OURS:
        reached = services[name]["environment"]
        lost = {each for each in named if reached.get(each) != named[each]}
        assert lost == (set() if name in {"scheduler", "lesart"} else WITHHELD), name
        mounted = [each["target"] for each in services[name]["volumes"]]
        assert "/files" in mounted, "settings name files"
    assert set(services["secrets"].get("environment") or ()) == set()
    (tmp_path / ".env").unlink()
    assert composed(tmp_path)["services"]["web"]["environment"]["LESART_MAIL_URL"] == ""


def composed(folder: Path, *options: str) -> dict[str, Any]:
    """Return the stack in a folder as Compose puts it together; skipped where there is none."""
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("there is no docker-compose")
    done = subprocess.run(
        [program, *options, "config", "--format", "json"], cwd=folder, capture_output=True,
        check=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    return json.loads(done.stdout)


WRONG_ENV = {
    "LESART_TIMZONE=UTC": "setting LESART_TIMZONE: there is no such setting",
    "  export LESART_PACE = 'abc'": "setting pace (LESART_PACE): 'abc' is no interval",
    "LESART_MAIL_URL=smtp://a:b": "setting mail_url (LESART_MAIL_URL): ",
    "LESART_PROOF_WITNESSES=/files/none": "there is no file /files/none",
    "LESART_MAIL_URL_FILE=/files/a/none": "docker-compose.yml as files/a/none, and write LESART_MAIL_URL_FILE=/files/a/none",
    "LESART_MAIL_URL_FILE=mail_url": "docker-compose.yml as files/mail_url, and write LESART_MAIL_URL_FILE=/files/mail_url",
    "LESART_CA_FILE=intern.pem": "docker-compose.yml as files/intern.pem, and write LESART_CA_FILE=/files/intern.pem",
    "WEBPORT=1": "setting WEBPORT (.env): neither Lesart nor a compose file reads it; did you mean 'WEB_PORT'?",
    "workers=3": "setting workers (.env): neither Lesart nor a compose file reads it",
    "WORKERS=-1": "setting WORKERS (.env): '-1' is no number of workers",
    "SERVER_NAME=http://db.example": "setting SERVER_NAME (.env): 'http://db.example' is neither the name",
    "SERVER_NAME=10.0.0": "setting SERVER_NAME (.env): '10.0.0' is neither the name of a machine nor an address",
    **{f"{name}=x": f"setting {name} (.env): the stack sets it itself" for name in sorted(PLACED)},
    "LESART_BROKER_URL_FILE=/files/x": "the stack sets it itself",
}


@pytest.mark.parametrize("line", WRONG_ENV)
def test_a_wrong_line_in_the_file_ends_the_check(line, tmp_path):
    (tmp_path / ".env").write_text(
        f"WEB_PORT=80\n# LESART_NOPE=1\n{line}\nLESART_EVERY=5s # ours\n"
    )
    done = checked(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("lesart: setting ")
    assert WRONG_ENV[line] in done.stderr


def test_an_unreadable_file_ends_the_check_with_its_name_and_mode(tmp_path):
    secret = tmp_path / "objects"
    secret.write_text("geheim")
    secret.chmod(0o600)
    check = runpy.run_path(str(CHECK))["require_usable"]
    check.__globals__["FOLDER"] = tmp_path
    with pytest.raises(SettingsError, match=r"LESART_X.*objects \(mode 0600\)"):
        check("LESART_X", str(secret))
    secret.chmod(0o644)
    check("LESART_X", str(secret))


RIGHT_ENV = (
    'LESART_PACE="500ms"\nLESART_CONTACT=ada@b.example # us\nWEB_PORT=80\nWORKERS=3\nSERVER_NAME=172.17.0.1\nCOMPOSE_FILE=a.yml\nAWS_PROFILE=x\nhttps_proxy=x',
    'PAGE="<a\nb=c>"\nLESART_PAGE_URL=$PAGE\nSERVER_NAME=fd00::1\nUS=ada@b.example\nLESART_CONTACT=${US}\nMINE=1',
)


def test_a_right_file_and_none_pass_the_check(tmp_path):
    assert checked(tmp_path).returncode == 0
    (tmp_path / "docker-compose.override.yml").write_text("services: {web: {cpus: $MINE}}\n")
    for line in RIGHT_ENV:
        (tmp_path / ".env").write_text(f"{line}\n")
        assert (line, checked(tmp_path).stderr) == (line, "")


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the check of the settings as the build does, in a folder with the compose files."""
    for file in ROOT.glob("docker-compose*.yml"):
        shutil.copy(file, folder)
    command = [sys.executable, str(CHECK), str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_command_starts_nothing():
    assert not SERVICES["lesart"]["depends_on"]


@each_service
def test_a_container_is_confined(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit"} <= set(service)


@each_service
def test_no_one_is_root(name):
    # the image of lesart sets its own user; the stores' images would begin as root
    assert SERVICES[name].get("user", "lesart") in {"lesart", "postgres", "redis"}
    assert "\nUSER 10001:10001\n" in (ROOT / "Dockerfile").read_text()


def test_the_page_alone_is_published_and_to_this_machine_alone():
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["web"]
    assert [port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"]] == [True]


def test_the_page_reads_by_a_role_of_its_own():
    assert SERVICES["web"]["environment"]["LESART_READER_URL_FILE"] == "/secrets/lesart/page_url"


def test_sql_runs_with_a_role_of_its_own():
    for name in ("web", "lesart"):
        told = SERVICES[name]["environment"]
        assert told["LESART_SQL_DATABASE_URL_FILE"] == "/secrets/lesart/sql_url"


def test_the_stores_are_on_an_internal_network_alone():
    assert STACK["networks"]["stores"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == ["stores"]
    assert SERVICES["redis"]["networks"] == ["stores"]


def test_the_override_publishes_to_this_machine_alone():
    assert list(PUBLISHED["services"]) == ["postgres"]
    ports = PUBLISHED["services"]["postgres"]["ports"]
    assert [port.startswith("127.0.0.1:") for port in ports] == [True]


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_service_of_an_overlay_is_one_of_the_stack(name):
    published = {"database": {"postgres"}, "machines": {"postgres", "redis"}}
    services = OVERLAYS[name]["services"]
    for service, told in services.items():
        parent = told.get("extends", {"file": "docker-compose.yml", "service": service})
        assert parent["file"] == "docker-compose.yml"
        assert parent["service"] in SERVICES, service
        assert not {"privileged", "cap_add", "user", "read_only"} & told.keys()
        assert service == "browser" or "security_opt" not in told
    found = {service for service, told in services.items() if "ports" in told}
    assert found == published.get(name, set())


def test_the_browser_has_no_network_and_no_secret(tmp_path):
    for file in ("docker-compose.yml", "docker-compose.browser.yml"):
        shutil.copyfile(ROOT / file, tmp_path / file)
    files = ("-f", "docker-compose.yml", "-f", "docker-compose.browser.yml")
    services = composed(tmp_path, *files)["services"]
    browser, worker = services["browser"], services["worker"]
    assert browser["network_mode"] == "none"
    assert not {"networks", "environment", "ports"} & {name for name in browser if browser[name]}
    assert [(each["source"], each["target"]) for each in browser["volumes"]] == [
        ("browser", "/run/browser")
    ]
    assert browser["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in browser["security_opt"]
    assert {"mem_limit", "pids_limit", "tmpfs"} <= browser.keys()
    assert browser["read_only"] is True
    socket = worker["environment"]["LESART_BROWSER"]
    build = (ROOT / "Dockerfile").read_text()
    package = f"/opt/{Path(worker['environment']['LESART_CONSENT']).relative_to('/run/browser')}"
    assert f'CMD ["{socket}", "{package}"]' in build
    assert f"--from=consent /autoconsent {package}" in build
    assert "--no-sandbox" not in FLAGS


def test_the_browser_may_make_namespaces_and_load_nothing_into_the_kernel():
    rules = json.loads((ROOT / "docker" / "browser.seccomp.json").read_text())
    (refused,) = rules["syscalls"]
    assert refused["action"] == "SCMP_ACT_ERRNO"
    assert not {"clone", "unshare", "chroot", "mount"} & {*refused["names"]}
    assert {"bpf", "init_module", "kexec_load", "setns", "keyctl"} <= {*refused["names"]}


def test_other_machines_connect_with_tls_alone():
    plain, tls = (
        [line.split() for line in file.read_text().splitlines() if not line.startswith("#")]
        for file in (ROOT / "docker" / "pg_hba.conf", ROOT / "docker" / "pg_hba.tls.conf")
    )
    by_network = {"host", "hostssl"}
    for rule, encrypted in zip(plain, tls, strict=True):
        assert encrypted[1:] == rule[1:]
        is_outside = rule[0] in by_network and rule[3] == "all"
        assert encrypted[0] == ("hostssl" if is_outside else rule[0])
    redis = OVERLAYS["machines"]["services"]["redis"]
    assert [port.rpartition(":")[2] for port in redis["ports"]] == ["6380"]
    assert "--tls-port 6380" in redis["entrypoint"][2]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_names_a_name_or_an_address(name, tmp_path):
    secrets = tmp_path / "secrets"
    for folder in ("tls", "elsewhere", "lesart"):
        (secrets / folder).mkdir(parents=True)
    (secrets / "lesart" / "database_url").write_text("postgresql://a:b@postgres/lesart")
    (secrets / "lesart" / "broker_url").write_text("redis://:b@redis:6379/0")
    script = (ROOT / "docker" / "certificate.sh").read_text().replace("/secrets", str(secrets))
    environment = {**os.environ, "DATABASE_PORT": "5432", "BROKER_PORT": "6380"}
    for each in ("db.example", name, name):  # a certificate for another name is replaced, once
        before = (secrets / "tls" / "ca.pem").read_bytes() if each is name else b""
        named = environment | {"SERVER_NAME": each}
        subprocess.run(["sh", "-c", script], env=named, check=True, capture_output=True)
    assert (secrets / "tls" / "ca.pem").read_bytes() == before
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(secrets / "tls" / "ca.pem", secrets / "tls" / "key.pem")
    client = ssl.create_default_context(cafile=secrets / "tls" / "ca.pem")
    greet(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        greet(client, server, "db.example")
    for file in ("database_url", "broker_url"):
        address = urlsplit((secrets / "elsewhere" / file).read_text())
        assert (address.hostname, bool(address.port)) == (name, True)


def greet(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """Let a client check the certificate of a server that it reached as `name`."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(there, back, server_hostname=name),
        server.wrap_bio(back, there, server_side=True),
    )
    for each in (*ends, *ends):
        with suppress(ssl.SSLWantReadError):
            each.do_handshake()


def test_the_page_and_the_commands_read_the_replicas():
    services = OVERLAYS["replicas"]["services"]
    assert [x for x in services if "replica.sh" in str(services[x].get("entrypoint"))] == [
        "replica1", "replica2",
    ]  # fmt: skip
    for name in ("web", "lesart"):
        assert services[name]["environment"] == {
            "LESART_READER_DATABASE_URL_FILE": "/secrets/lesart/replicas_url",
            "LESART_SQL_DATABASE_URL_FILE": "/secrets/lesart/sql_replicas_url",
        }
        assert "@replica1,replica2/" in (ROOT / "docker" / "passwords.py").read_text()
    slots = (ROOT / "docker" / "replication.sql").read_text()
    assert all(f"('{name}')" in slots for name in ("replica1", "replica2"))


def test_redis_never_evicts():
    command = SERVICES["redis"]["command"].split()
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"


@each_service
def test_no_password_is_in_a_file_or_the_environment(name):
    for key in SERVICES[name].get("environment", {}):
        is_secret = "PASSWORD" in key or key.endswith(("_URL", "_URL_FILE"))
        assert key.endswith("_FILE") or not is_secret or key in WITHHELD, key


@each_service
def test_a_secret_can_be_written_by_the_one_shot_alone(name):
    for volume in SERVICES[name].get("volumes", []):
        assert name == "secrets" or not volume.startswith("secrets-") or volume.endswith(":ro")


def test_the_owner_of_the_archive_is_known_to_migration_and_restoring_alone():
    holders = {n for n, s in SERVICES.items() if any("secrets-owner" in v for v in s["volumes"])}
    assert holders == {"secrets", "migrate", "restore"}
    assert SERVICES["restore"]["profiles"] == ["tools"], "it runs when it is asked for alone"


def test_the_database_is_kept_where_postgresql_18_wants_it():
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_health_is_asked_often_at_the_start_and_a_crash_is_mended(name):
    health = SERVICES[name]["healthcheck"]
    assert health["start_interval"] in {"500ms", "1s"}
    assert health["start_period"] == "300s", "a busy machine is slow to start"
    assert health["timeout"] == "30s"
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["init"] is True


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_health_check_never_loads_the_program(name):
    kind, *words = SERVICES[name]["healthcheck"]["test"]
    assert kind in {"CMD", "CMD-SHELL"}
    assert not {"lesart", "python", "python3"} & {" ".join(words).split()[0]}


@pytest.mark.parametrize("name", ["scheduler", "worker"])
def test_a_health_check_reports_the_age_of_the_heartbeat(name, tmp_path):
    _kind, told = SERVICES[name]["healthcheck"]["test"]
    heartbeat = Heartbeat(tmp_path, name)
    check = told.replace("/var/lib/lesart", str(tmp_path))

    def is_well() -> bool:
        return subprocess.run(["sh", "-c", check], stderr=subprocess.DEVNULL).returncode == 0

    assert "/var/lib/lesart" in told
    assert not is_well(), "it has not begun yet"
    heartbeat.begin()
    assert not is_well(), "it has done nothing yet"
    heartbeat.beat()
    assert is_well()
    os.utime(heartbeat.path, (time.time() - 90,) * 2)
    assert not is_well(), "it beat last a minute and a half ago"


@pytest.mark.parametrize("name", ONE_SHOT)
def test_a_one_shot_ends(name):
    assert "restart" not in SERVICES[name]


@each_service
def test_the_requirement_of_a_service_exists(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        once = how["condition"] == "service_completed_successfully"
        assert once == (other in ONE_SHOT)
        assert once or "healthcheck" in SERVICES[other]


@each_service
def test_named_volumes_and_networks_are_declared(name):
    service = SERVICES[name]
    sources = {volume.split(":")[0] for volume in service.get("volumes", [])}
    assert {source for source in sources if not source.startswith(".")} <= set(STACK["volumes"])
    assert set(service.get("networks", [])) <= set(STACK["networks"])
    for source in (ROOT / each for each in sources if each.startswith("./")):
        assert source.exists(), source


def test_the_dockerfile_needs_no_frontend_from_a_registry():
    assert "# syntax" not in (ROOT / "Dockerfile").read_text()
