"""The compose files keep what they promise: confined containers, stores inside, no file to write."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from worker.services.heartbeat import Heartbeat

pytestmark = pytest.mark.postgresql("fast")

ROOT = Path(__file__).resolve().parents[2]
STACK = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CAPTURES = yaml.safe_load((ROOT / "docker-compose.captures.yml").read_text())
PUBLISHED = yaml.safe_load((ROOT / "docker-compose.database.yml").read_text())
SERVICES = {name: each for name, each in STACK["services"].items() if each.get("scale") != 0}
"""The services that have a container; `settings` is built only."""
LONG_RUNNING = ("postgres", "redis", "scheduler", "worker", "web")
ONE_SHOT = ("secrets", "migrate")
TOOLS = ("lesart", "restore")

each_service = pytest.mark.parametrize("name", SERVICES)


def test_the_services_are_the_ones_that_are_documented():
    assert set(SERVICES) == {*LONG_RUNNING, *ONE_SHOT, *TOOLS}
    assert set(STACK["services"]) == {*SERVICES, "settings"}


def test_each_setting_that_compose_passes_on_is_checked_before_anything_is_stopped():
    checks = STACK["services"]["settings"]
    assert checks["pull_policy"] == "build", "`up` would not build it again"
    arguments = {**checks["build"]["args"], **CAPTURES["services"]["settings"]["build"]["args"]}
    texts = [
        (ROOT / name).read_text() for name in ("docker-compose.yml", "docker-compose.captures.yml")
    ]
    interpolated = {name for text in texts for name in re.findall(r"\$\{(LESART_\w+)", text)}
    # any text is a key; an argument with a secret would be in the history of the image
    unchecked = {"LESART_CAPTURES_KEY", "LESART_WEB_ARCHIVE_KEYS"}
    assert interpolated - unchecked == set(arguments)
    stage = (ROOT / "Dockerfile").read_text().partition(" AS settings\n")[2]
    assert set(arguments) == set(re.findall(r"LESART_\w+", stage)), "not declared: not checked"


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
def test_nobody_is_root(name):
    # the image of lesart sets its own user; the stores' images would begin as root
    assert SERVICES[name].get("user", "lesart") in {"lesart", "postgres", "redis"}
    assert "\nUSER 10001:10001\n" in (ROOT / "Dockerfile").read_text()


def test_the_page_alone_is_published_and_to_this_machine_alone():
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["web"]
    assert [port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"]] == [True]


def test_the_page_reads_by_a_role_of_its_own():
    assert SERVICES["web"]["environment"]["LESART_READER_URL_FILE"] == "/secrets/lesart/page_url"


def test_the_stores_are_on_an_internal_network_alone():
    assert STACK["networks"]["stores"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == ["stores"]
    assert SERVICES["redis"]["networks"] == ["stores"]


def test_a_store_of_captures_is_known_to_all_that_read_or_write_them_and_its_secret_is_a_file():
    reading = {*LONG_RUNNING, *TOOLS} - {"postgres", "redis"}
    services = {name: each for name, each in CAPTURES["services"].items() if name != "settings"}
    assert set(services) == reading
    for service in services.values():
        assert set(service) - {"networks"} == {"environment", "secrets"}
        assert service["environment"]["LESART_CAPTURES_SECRET_FILE"] == "/run/secrets/captures"
        assert "LESART_CAPTURES_SECRET" not in service["environment"]
    assert set(CAPTURES["secrets"]["captures"]) == {"file"}


def compose(secret: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Let Compose put the stack and its captures together; skipped where there is none."""
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("there is no docker-compose")
    files = ("docker-compose.yml", "docker-compose.captures.yml")
    command = [program, *(word for file in files for word in ("-f", file))]
    return subprocess.run(
        [*command, "config", "--format", "json"], cwd=ROOT, capture_output=True, text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "CAPTURES_SECRET": str(secret), **given},
    )  # fmt: skip


def test_compose_puts_the_stack_and_the_captures_together(tmp_path):
    (tmp_path / "key").write_text("geheim")
    place = "s3://press/lesart?endpoint=https://objects.example"
    done = compose(tmp_path / "key", LESART_CAPTURES_URL=place, LESART_CAPTURES_KEY="ada")
    whole = json.loads(done.stdout)
    for name in (set(CAPTURES["services"]) & set(whole["services"])) - {"settings"}:
        service = whole["services"][name]
        assert service["environment"]["LESART_CAPTURES_URL"] == place
        assert set(SERVICES[name]["environment"]) < set(service["environment"]), "nothing went"
        assert [each["source"] for each in service["secrets"]] == ["captures"]
        assert any(not whole["networks"][each].get("internal") for each in service["networks"])
    assert "LESART_CAPTURES_URL" not in whole["services"]["migrate"]["environment"]


def test_compose_names_what_captures_lack(tmp_path):
    done = compose(tmp_path / "key", LESART_CAPTURES_URL="s3://press")
    assert done.returncode != 0
    assert "LESART_CAPTURES_KEY is missing a value: the access key of the bucket" in done.stderr


def test_the_override_publishes_to_this_machine_alone():
    assert list(PUBLISHED["services"]) == ["postgres"]
    ports = PUBLISHED["services"]["postgres"]["ports"]
    assert [port.startswith("127.0.0.1:") for port in ports] == [True]


def test_redis_never_evicts():
    command = SERVICES["redis"]["command"].split()
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"


@each_service
def test_no_password_stands_in_a_file_or_the_environment(name):
    for key in SERVICES[name].get("environment", {}):
        is_secret = "PASSWORD" in key or key.endswith(("_URL", "_URL_FILE"))
        assert key.endswith("_FILE") or not is_secret, key


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
def test_a_health_check_tells_the_age_of_the_heartbeat(name, tmp_path):
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
def test_what_a_service_waits_for_is_there(name):
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
