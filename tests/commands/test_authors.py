"""A page on disk is archived with its headline and persons, as a user reads them."""

import json

import pytest

from tests.commands.conftest import Shell

PAGE = """<!DOCTYPE html><html lang="de"><head><meta charset="utf-8">
<title>Meldungen - Der Deich in Niederlohe wird höher - Lohe Aktuell</title></head><body>
<header><h1><a href="/">Lohe Aktuell</a></h1></header><main><article><p>Meldungen</p>
<h1>Der Deich in Niederlohe wird höher</h1><p>VonAnna Kern und Jonte Wübbena, dpa</p>
<p>Der Verband will den Deich auf einer Länge von zwei Kilometern erhöhen, teilt er am Dienstag mit.</p>
<p>Die Anwohner halten dagegen, dass niemand mit ihnen geredet habe, bevor die Bagger kamen.</p>
<p>Weitere Informationen</p></article></main></body></html>"""


@pytest.mark.slow
def test_a_page_is_shown_with_its_headline_and_all_of_its_persons(shell: Shell):
    (shell.folder / "deich.html").write_text(PAGE, encoding="utf-8")
    ingested = shell.run("ingest", "deich.html")
    assert ingested.returncode == 0, ingested.stderr
    (article,) = map(json.loads, shell.run("list", "--format", "jsonl").stdout.splitlines())
    shown = json.loads(shell.run("show", article["article"], "--format", "json").stdout)
    row = shown[0] if isinstance(shown, list) else shown
    assert row["title"] == "Der Deich in Niederlohe wird höher"
    assert row["authors"] == ["Anna Kern", "Jonte Wübbena"]
    assert row["fields"]["agency"]["value"] == ["dpa"]
