"""Boilerplate on pages is noise, in records it is an edit; the counts of all commands agree."""

import json
import os
from pathlib import Path

import pytest

from tests.flow.processes import rows

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

SITE = "https://lohebote.example"
SENTENCE = "Unterstützen Sie die Arbeit dieser Zeitung mit einem Abonnement für Freunde."
TEXTS = (
    ("Molkerei mit neuem Käse", "Die Molkerei in Tönsbrink stellt drei neue Sorten Käse vor. "
     "Der Käse reift sechs Wochen in den Kellern der Molkerei."),
    ("Schüler gewinnt Turnier", "Beim Turnier der Schachfreunde siegte überraschend ein Schüler. "
     "Der Schüler spielte erst zum zweiten Mal in einem Turnier."),
    ("Theater beginnt Spielzeit", "Das Theater eröffnet die Spielzeit mit einer Komödie. "
     "Die Komödie handelt von Nachbarn, das Theater ist ausverkauft."),
    ("Damm ist dicht", "Der Damm an der Lohe ist wieder dicht, der Pegel sinkt. "
     "Am Damm arbeiteten vierzig Helfer, bis der Pegel fiel."),
    ("Bahn baut Brücke", "Die Bahn ersetzt die Brücke bei Ahlen im kommenden Frühjahr. "
     "Während die Bahn baut, ist die Brücke für Züge gesperrt."),
)  # fmt: skip


def settle(path: Path, hour: int) -> None:
    os.utime(path, (1_700_000_000 + 3600 * hour,) * 2)


def write_records(path: Path, hour: int, added: str) -> None:
    rows = [
        {"id": str(number), "url": f"{SITE}/{number}", "title": title, "text": f"{text}{added}"}
        for number, (title, text) in enumerate(TEXTS[:-1])
    ]
    title, text = TEXTS[-1]
    rows.append({"id": "last", "url": f"{SITE}/last", "title": title, "text": text})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    settle(path, hour)


def write_page(folder: Path, number: int, hour: int, *, has_box: bool) -> None:
    title, text = TEXTS[number]
    paragraphs = "".join(f"<p>{each}</p>" for each in text.split(". "))
    box = f"<p>{SENTENCE}</p>" * has_box
    path = folder / f"{number}-{hour}.html"
    path.write_text(
        f'<html lang="de"><head><title>{title}</title>'
        f'<link rel="canonical" href="{SITE}/{number}">'
        f'<meta name="observed_at" content="2024-06-18T{hour:02}:00:00Z"></head>'
        f"<body><article><h1>{title}</h1>{paragraphs}{box}</article></body></html>",
        "utf-8",
    )
    settle(path, hour)


def test_a_sentence_added_to_many_records_is_an_edit_of_each(tmp_path):
    path = tmp_path / "press.jsonl"
    write_records(path, 0, "")
    rows(tmp_path, "ingest", str(path))
    write_records(path, 1, f"\n\n{SENTENCE}")
    (summary,) = rows(tmp_path, "ingest", str(path))
    assert (summary["new_versions"], summary["unchanged"], summary["noise"]) == (4, 1, 0)
    changes = rows(tmp_path, "changes")
    assert [each["added"] for each in changes] == [[SENTENCE]] * 4
    assert rows(tmp_path, "noise") == []
    (figures,) = rows(tmp_path, "stats", "--edits")
    assert (figures["edits"], figures["noise"]) == (4, 0)


@pytest.mark.slow
def test_a_box_of_the_pages_of_a_site_is_noise_in_all_counts(tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(3):
        write_page(pages, number, 0, has_box=True)
    write_page(pages, 3, 0, has_box=False)
    rows(tmp_path, "ingest", str(pages))
    write_page(pages, 3, 1, has_box=True)
    (summary,) = rows(tmp_path, "ingest", str(pages))
    assert (summary["new_versions"], summary["noise"]) == (0, 1)
    (step,) = rows(tmp_path, "noise")
    assert (step["rules"], step["added"]) == (["box"], [SENTENCE])
    (figures,) = rows(tmp_path, "stats", "--edits")
    assert (figures["edits"], figures["noise"]) == (0, 1)
    jobs = rows(tmp_path, "jobs")
    assert sum(job["noise"] for job in jobs if job["parent"] is None) == 1
