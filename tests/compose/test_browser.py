"""The stack with a browser follows a page of scripts while the browser is killed: `pytest -m compose`."""

import shutil
from collections.abc import Iterator

import pytest

from tests.capabilities.unconfirmed.pages import CONSENT, DAMM, HIGHER, article
from tests.compose.stack import QUICK, ROOT, Stack, removed_at_end, wait_for
from tests.compose.test_site import ADDRESS, SITE, Site

pytestmark = [pytest.mark.compose, pytest.mark.postgresql("fast")]

SHELL = """<!doctype html><html lang=de><head><title>Zeitung</title></head><body><div id=a></div>
<script>fetch('/text').then(r => r.text()).then(t => {
  document.getElementById('a').attachShadow({mode: 'closed'}).innerHTML = t })</script></body></html>"""

KILL = (
    "until grep -qs chromium /proc/[0-9]*/comm; do :; done; kill -9 $(cat /proc/1/task/1/children)"
)
"""Kills the server of rooms while it has a browser: the container ends, and is started again."""
LAST = "Über die Kosten entscheidet der Rat Ende Mai."


@pytest.fixture
def stack(tmp_path) -> Iterator[Stack]:
    if shutil.which("docker") is None:
        pytest.fail("there is no `docker` here: install Docker with its compose plugin")
    made = Stack("lesart-compose-browser", tmp_path, ROOT, "browser")
    with removed_at_end(made):
        yield made


def test_a_page_of_scripts_is_followed_through_two_edits_and_a_killed_browser(stack: Stack) -> None:
    services = {
        "site": {
            "image": stack.image, "entrypoint": ["python", "-c", SITE], "networks": ["outside"],
            "init": True,
        },
        "browser": {"image": f"{stack.project}-browser"},
    }  # fmt: skip
    stack.configure(QUICK, services)
    stack.compose("build")
    stack.compose("up", "--no-deps", "--detach", "site")
    site = Site(stack)
    allowed = {"LESART_ALLOW_HOSTS": f"zeitung.example:8080={site.address}", "LESART_PACE": "0.1s"}
    allowed["LESART_CONFIRM_AFTER"] = "1m"  # the next check after the wall
    stack.configure({**QUICK, **allowed}, services)
    stack.up()
    site.ask("/damm", SHELL)
    site.ask("/text", article("Damm wird höher", DAMM))
    stack.lesart("source", "add", ADDRESS, "--browser", "--every", "1s", "--recheck", "1s")

    def wait_for_versions(number: int) -> None:
        wait_for(lambda: stack.number("SELECT count(*) FROM versions") == number)

    wait_for_versions(1)
    started = stack.inspect("browser", "{{.State.StartedAt}}")
    stack.compose("exec", "-T", "browser", "sh", "-c", KILL, check=False)
    site.ask("/text", article("Damm wird höher", HIGHER))
    wait_for_versions(2)
    assert stack.inspect("browser", "{{.State.StartedAt}}") != started
    site.ask("/text", CONSENT)
    wait_for(lambda: len(stack.lesart("unconfirmed", "--open")) == 1)
    site.ask("/text", article("Damm wird höher", (*HIGHER, LAST)))
    wait_for_versions(3)
    run = ("run", "--rm", "-T", "lesart")
    changes = stack.compose(*run, "diff", f"{ADDRESS}@1..@3", check=False)
    assert "63" in changes
    assert "Ende Mai" in changes
    assert stack.number("SELECT count(*) FROM changes") == 2
    assert stack.number("SELECT count(*) FROM job WHERE state = 'failed'") == 0
    remains = stack.compose("exec", "-T", "browser", "ls", "-A", "/tmp")
    assert remains.strip() == ""
    stack.compose(*run, "verify")
