"""The day of a saved page is that near its headline; relative times need the time of capture."""

import json

import pytest

STORY = """<!DOCTYPE html><html lang="de"><head><title>Damm wird höher</title></head><body><article>
<h1>Damm wird höher</h1><div class="meta">{line}</div>
<p>Der Damm bei Tönsbrink wird nach Angaben des Verbands um einen halben Meter erhöht.</p>
<p>Am Damm arbeiten vierzig Helfer, bis der Pegel der Lohe wieder fällt, sagt die Leiterin.</p>
</article></body></html>"""


@pytest.mark.parametrize(
    ("line", "more", "day"),
    [
        ("<span>Datum:</span> <span>18.10.2021</span>", (), "2021-10-18"),
        pytest.param("vor 5 Stunden", (), None, marks=pytest.mark.slow),
        pytest.param(
            "vor 5 Stunden",
            ("--observed-at", "2021-10-18T12:00:00Z"),
            "2021-10-18",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_day_of_a_saved_page(shell, line, more, day):
    (shell.folder / "damm.html").write_text(STORY.format(line=line), "utf-8")
    done = shell.run("ingest", "damm.html", *more)
    assert done.returncode == 0, done.stderr
    answer = shell.run("sql", "SELECT published FROM versions", "--format", "jsonl").stdout
    assert [row["published"] for row in map(json.loads, answer.splitlines())] == [day]
