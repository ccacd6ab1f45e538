"""What an administrator does with the stack, by the commands of docs/administration.md as they are.

`pytest -m compose`; needs Docker, the base images and Git. The tests tell one story in order.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compose.stack import NOT_CLONED, ROOT, Stack, removed_at_end, wait_for

pytestmark = [pytest.mark.compose, pytest.mark.postgresql("fast")]

SECTION = "Backup, restore and moving on the stack"
STORM = " date 2024-06-18 Sturm über Lohetal\n\nDer Sturm hat 30 Bäume entwurzelt, sagte die Feuerwehr am Dienstag.\n\nVerletzt wurde niemand."
WRONG_SETTINGS = {
    "LESART_PACE": "abc",
    "LESART_TIMEZONE": "Mars/Olympus",
    "LESART_LANGUAGES": "klingonisch",
    "LESART_CONTACT": "<ich>",
    "LESART_ROBOTS_STRICT": "vielleicht",
    "LESART_ALLOW_HOSTS": "intranet",
    "LESART_WEB_HOSTS": "http://archiv.example/",
    "LESART_WEB_PROXIES": "proxy",
    "LESART_WEB_WORKERS": "0",
    "LESART_MAIL_URL": "smtp://a:b",
    "LESART_PAGE_URL": "archiv",
    "LESART_RETAIN_CAPTURES": "bald",
}


def with_settings(stack: Stack, text: str) -> subprocess.CompletedProcess[str]:
    """Run `up` with these lines in the file of the settings, which is then removed."""
    file = stack.root / ".env"
    file.write_text(f"{text}\n")
    try:
        return stack.run("up", "--wait")
    finally:
        file.unlink()


def documented(stack: Stack, heading: str, section: str = SECTION) -> list[str]:
    """Return the shell blocks below `heading` in the section, as they are printed."""
    page = (stack.root / "docs" / "administration.md").read_text("utf-8")
    section = re.split(r"^## ", page.partition(f"\n## {section}\n")[2], flags=re.MULTILINE)[0]
    part = re.split(r"^### ", section.partition(f"\n### {heading}\n")[2], flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    assert blocks, f"no commands below {heading!r}"
    return blocks


def git(folder: Path, *words: str) -> str:
    author = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    command = ["git", *author, *words]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Git repository of this program, from which `git pull` gets the next version."""
    folder = tmp_path_factory.mktemp("upstream") / "lesart"
    shutil.copytree(ROOT, folder, ignore=NOT_CLONED)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First version")
    return folder


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, upstream: Path) -> Iterator[Stack]:
    """Give a stack with one archived text, in a clone of that repository."""
    folder = tmp_path_factory.mktemp("machine") / "lesart"
    git(upstream, "clone", "-q", str(upstream), str(folder))
    stack = Stack("lesart-operations-test", folder, folder)
    with removed_at_end(stack):
        stack.up()
        stack.write("sturm.txt", STORM)
        wait_for(lambda: stack.number("SELECT count(*) FROM versions") == 1)
        yield stack


def ids_of_running_containers(stack: Stack) -> set[str]:
    return set(stack.compose("ps", "--no-trunc", "-q").split())


def is_served(stack: Stack) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.web_port}/healthz", timeout=60) as answer:
        return bool(answer.status == 200)


def versions(stack: Stack) -> list[tuple[Any, ...]]:
    """Return the history of the text, without what each further scan changes."""
    names = ("article", "version", "wording", "changed_by", "title", "changes")
    history = stack.lesart("history", "seeds/sturm.txt")
    return [tuple(row[name] for name in names) for row in history]


def assert_whole_and_at_work(stack: Stack, text: str, version: int) -> None:
    """Check that the archive verifies, and that an edit becomes its next version."""
    assert stack.run("run", "--rm", "-T", "lesart", "verify").returncode == 0
    stack.write("sturm.txt", text)
    wait_for(lambda: stack.number("SELECT count(*) FROM versions") == version)
    assert [row[1] for row in versions(stack)] == list(range(1, version + 1))
    assert is_served(stack)


def test_a_command_starts_no_container_of_the_stack(stack):
    started = "{{.State.StartedAt}}"
    before = [stack.inspect(service, started) for service in ("secrets", "migrate", "postgres")]
    done = stack.run("run", "--rm", "-T", "lesart", "list")
    assert done.returncode == 0
    assert "sturm.txt" in done.stdout
    after = [stack.inspect(service, started) for service in ("secrets", "migrate", "postgres")]
    assert after == before


def test_a_wrong_setting_is_named_and_stops_nothing(stack):
    before = ids_of_running_containers(stack)
    assert len(before) == 5
    for name, value in WRONG_SETTINGS.items():
        done = with_settings(stack, f"{name}={value}")
        assert done.returncode != 0, name
        output = done.stdout + done.stderr
        assert f"lesart: setting {name[7:].lower()} ({name}): " in output
        assert "see the message of lesart above" in output.splitlines()[-1]
        assert ids_of_running_containers(stack) == before, name
    assert is_served(stack)


def test_an_unknown_setting_and_an_unreadable_secret_stop_nothing(stack):
    before = ids_of_running_containers(stack)
    done = with_settings(stack, "LESART_TIMZONE=UTC")
    assert "setting LESART_TIMZONE: there is no such setting" in done.stdout + done.stderr
    secret = stack.root / "files" / "mail_url"
    secret.write_text("smtp://mail.example:587/?from=a@b.example")
    secret.chmod(0o600)
    done = with_settings(stack, "LESART_MAIL_URL_FILE=/files/mail_url")
    assert done.returncode != 0
    assert "files/mail_url (mode 0600)" in done.stdout + done.stderr
    assert ids_of_running_containers(stack) == before
    secret.unlink()


def test_the_key_that_signs_the_log_is_made_and_used_on_the_stack(stack):
    section = documented(stack, "Settings of the stack", "The compose stack")
    made = json.loads(stack.shell(section[1]).partition("\n")[0])
    key = stack.root / "proof.key"
    assert (key.stat().st_mode & 0o777, "PRIVATE" in key.read_text()) == (0o600, True)
    wait_for(
        lambda: (
            made["origin"] in stack.run("run", "--rm", "-T", "lesart", "proof", "checkpoint").stdout
        )
    )
    stack.compose("exec", "-T", "scheduler", "test", "-r", "/proof/proof.key")
    assert stack.run("exec", "-T", "worker", "test", "-e", "/proof/proof.key").returncode != 0


def test_a_right_setting_is_applied(stack):
    assert with_settings(stack, "LESART_PACE=7s\nWORKERS=2").returncode == 0
    assert len(ids_of_running_containers(stack)) == 6
    [row] = [
        json.loads(line)
        for line in stack.compose("exec", "-T", "worker", "lesart", "config").splitlines()
        if '"pace"' in line
    ]
    assert (row["value"], row["found_in"]) == (7.0, "LESART_PACE")
    stack.up()


@pytest.mark.parametrize(
    "words",
    [
        ("backup", "copy.sqlite3"),
        ("backup", "/tmp"),
        ("backup", "/backups/copy.sqlite3"),
        ("export", "-o", "texts.jsonl"),
    ],
)
def test_a_file_that_would_be_lost_with_the_container_is_refused(stack, words):
    done = stack.run("run", "--rm", "-T", "lesart", *words)
    assert done.returncode == 2
    assert "it would be lost with this container. Mount a folder" in done.stderr


def test_output_reaches_the_host_through_a_pipe(stack):
    texts = stack.lesart("export", "-o", "-")
    assert [each["origin"] for each in texts] == ["seed:seeds/sturm.txt"]


def test_backup_and_restore_as_documented(stack):
    back_up, drill = documented(stack, "Back up")
    [restore] = documented(stack, "Restore")
    assert "restores them" in stack.shell(back_up)
    stack.shell(drill)
    [backup] = (stack.root / "backups").iterdir()  # the drill leaves nothing behind
    assert backup.stat().st_uid == os.getuid()
    assert "backups" not in git(stack.root, "status", "--porcelain")
    before = versions(stack)
    stack.shell(restore)
    assert versions(stack) == before
    assert_whole_and_at_work(stack, STORM.replace("30", "40"), 2)


def test_an_archive_is_never_restored_over(stack):
    [restore] = documented(stack, "Restore")
    [line] = [line for line in restore.splitlines() if " restore " in line]
    with pytest.raises(AssertionError, match=r"already exists: choose another path"):
        stack.shell(f"newest=$(ls backups/lesart-*.sqlite3 | tail -n 1)\n{line}")
    assert stack.number("SELECT count(*) FROM versions") == 2


def test_upgrade_as_documented(stack, upstream):
    [upgrade] = documented(stack, "Upgrade")
    project = upstream / "pyproject.toml"
    project.write_text(re.sub(r'(?m)^version = ".*"$', 'version = "99.1"', project.read_text()))
    git(upstream, "commit", "-q", "-a", "-m", "Next version")
    stack.shell(upgrade)
    assert "lesart 99.1" in stack.compose("exec", "-T", "worker", "lesart", "--version")
    assert_whole_and_at_work(stack, STORM.replace("30", "50"), 3)


def test_moving_to_another_machine_as_documented(stack):
    leave, arrive = documented(stack, "Move to another machine")
    before = versions(stack)
    stack.shell(leave)
    folder = stack.root.parent / "moved"
    shutil.copytree(stack.root, folder)
    stack.compose("down")
    moved = Stack("lesart-moved-test", folder, folder)
    with removed_at_end(moved):
        moved.shell(arrive)
        assert versions(moved) == before
        assert_whole_and_at_work(moved, STORM.replace("30", "60"), 4)
