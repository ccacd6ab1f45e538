"""An edit that the page announces only in JSON-LD is announced, an edit without notice silent."""

import json

import pytest

from tests.cli.test_noise import SITE
from tests.flow.processes import rows

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

OLD = "Der Damm bei Tönsbrink ist nach Angaben des Verbands 19 Kilometer lang."
NEW = "Der Damm bei Tönsbrink ist nach Angaben des Verbands 1,9 Kilometer lang."
TEXT = "Die Länge des Damms war falsch angegeben: Er ist 1,9 Kilometer lang, nicht 19."
COMMENT = {"@type": "CorrectionComment", "text": TEXT, "datePublished": "2024-06-18T10:30:00Z"}


def write(path, hour: int, sentence: str, **more: object) -> None:
    node = {
        "@type": "NewsArticle", "url": f"{SITE}/damm", "headline": "Damm wird höher",
        "dateModified": "2024-06-18T08:00:00Z", **more,
    }  # fmt: skip
    path.write_text(
        f'<html lang="de"><head><title>Damm wird höher</title>'
        f'<link rel="canonical" href="{SITE}/damm">'
        f'<meta name="observed_at" content="2024-06-18T{hour:02}:00:00Z">'
        f'<script type="application/ld+json">{json.dumps(node)}</script></head>'
        f"<body><article><h1>Damm wird höher</h1><p>{sentence}</p>"
        "<p>Am Damm arbeiten vierzig Helfer, bis der Pegel fällt.</p></article></body></html>",
        "utf-8",
    )


@pytest.mark.slow
@pytest.mark.parametrize(("more", "silent"), [({}, True), ({"correction": COMMENT}, False)])
def test_a_correction_in_json_ld_announces_the_edit(tmp_path, more, silent):
    pages = tmp_path / "pages"
    pages.mkdir()
    write(pages / "9.html", 9, OLD)
    write(pages / "11.html", 11, NEW, **more)
    rows(tmp_path, "ingest", "pages")
    (change,) = rows(tmp_path, "changes")
    assert (change["silent"], change["added"]) == (silent, ["1,9"])
    assert [each["text"] for each in change["notices"]] == [TEXT] * (not silent)
    (shown,) = rows(tmp_path, "show", f"{SITE}/damm")
    assert [each["date"]["value"] for each in shown["notices"]] == (
        [] if silent else ["2024-06-18T10:30:00"]
    )


def test_a_change_of_metadata_names_its_fields(tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    write(pages / "9.html", 9, OLD, articleSection="Lokales", keywords=["Damm"])
    write(pages / "11.html", 11, NEW, articleSection="Region", keywords=["Damm"])
    rows(tmp_path, "ingest", "pages")
    (change,) = rows(tmp_path, "changes", "--class", "metadata: section")
    assert change["changes"] == ["number", "metadata", "metadata: section"]
    assert rows(tmp_path, "changes", "--class", "metadata: tags") == []
