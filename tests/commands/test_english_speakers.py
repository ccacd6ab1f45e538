"""A text on disk is archived with its English quotations and their speakers."""

import json

import pytest

from tests.commands.conftest import Shell

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>The old pier in North Harbour is closed</title></head><body><article>
<h1>The old pier in North Harbour is closed</h1>
<p>The council closed the old pier on Monday, after divers had found rotten piles below it.</p>
<p>“The piles are older than the town,” Ann Lee, head of Port & Harbour told us. “They have to go.”</p>
<p>“It will open in May,” she said, and the fishermen who had come to listen nodded at that.</p>
</article></body></html>"""


@pytest.mark.slow
def test_a_page_is_shown_with_the_speakers_of_its_english_quotations(shell: Shell):
    (shell.folder / "pier.html").write_text(PAGE, encoding="utf-8")
    ingested = shell.run("ingest", "pier.html")
    assert ingested.returncode == 0, ingested.stderr
    (article,) = map(json.loads, shell.run("list", "--format", "jsonl").stdout.splitlines())
    shown = json.loads(shell.run("show", article["article"], "--format", "json").stdout)
    row = shown[0] if isinstance(shown, list) else shown
    named = [(quote["speaker"], quote["speaker_resolved"]) for quote in row["quotes"]]
    assert named == [("Ann Lee", "Ann Lee"), ("Ann Lee", "Ann Lee"), ("she", "Ann Lee")]
