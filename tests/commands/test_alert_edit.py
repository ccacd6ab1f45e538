"""`lesart alert edit` as a process."""

import json

import pytest

from tests.flow.driver import SENTENCES, seed


def alert(shell):
    return json.loads(shell.run("alert", "show", "pegel").stdout)


@pytest.mark.slow
def test_an_edited_alert_keeps_the_options_that_are_not_given(shell):
    (shell.folder / "a.txt").write_text(seed("Pegel", SENTENCES[0]))
    assert shell.run("ingest", "a.txt").returncode == 0
    words = ["--query", "Pegel", "--silent", "--label", "sport", "--mail", "ada@bote.example"]
    assert shell.run("alert", "add", "pegel", *words).returncode == 0
    hook = "https://hooks.example/a"
    ended = shell.run(
        "alert", "edit", "pegel", "--class", "number", "--clear", "silent", "--webhook", hook
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["secret"].startswith("whsec_")
    found = alert(shell)
    assert found["rule"] == {"query": "Pegel", "classes": ["number"], "label": ["sport"]}
    assert sorted(found["channels"]) == ["ada@bote.example", "https://hooks.example/…"]
    assert (
        shell.run("alert", "edit", "pegel", "--mail", "bo@bote.example", "--daily").returncode == 0
    )
    found = alert(shell)
    assert sorted(found["channels"]) == ["bo@bote.example", "https://hooks.example/…"]
    assert (found["daily_at"], found["rule"]["query"]) == ("07:00", "Pegel")
    assert shell.run("alert", "edit", "pegel", "--clear", "daily", "--clear", "label").stdout == ""
    assert alert(shell)["daily_at"] is None
    assert alert(shell)["rule"] == {"query": "Pegel", "classes": ["number"]}
    assert shell.run("alert", "edit", "nix", "--query", "x").returncode == 3
